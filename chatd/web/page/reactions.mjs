// @ts-check
/** What people have put on a message: each emoji, how often, and whether one has, too. */

import { showLoaded } from "./dialog.mjs";
import { Icon } from "./icons.mjs";
import { shownName } from "./names.mjs";
import { chat } from "./state.mjs";
import { html } from "./ui.mjs";
import { t } from "./words.later.mjs";

/** @typedef {import("./chatd.mjs").Room} Room */
/** @typedef {import("./chatd.mjs").Message} Message */
/** @typedef {import("./chatd.mjs").Entry} Entry */

/** Put an emoji on a message, or take it off. @param {Room} room @param {Message} message @param {string} emoji */
export function react(room, message, emoji) {
  const { user = "" } = /** @type {any} */ (chat.value);
  const on = !message.reactions[emoji]?.includes(user);
  chat.value?.post({ type: "react", room: room.name, of: message.seq, emoji, on });
}

/**
 * All of them, with what is on its way.
 *
 * @param {{room: Room, message: Message, version: string, pending: Entry[]}} props
 *   `version` has it drawn again.
 */
export function Reactions({ room, message, pending }) {
  const { user = "" } = /** @type {any} */ (chat.value);
  /** @type {Record<string, string[]>} */
  const all = { ...message.reactions };
  /** How many are not named. @param {string} emoji */
  const unnamed = (emoji) => Math.max(0, (message.reacted[emoji] ?? 0) - (message.reactions[emoji]?.length ?? 0));
  for (const { command } of pending) {
    if (command.type !== "react") continue;
    const others = (all[command.emoji] ?? []).filter((name) => name !== user);
    all[command.emoji] = command.on === false ? others : [...others, user];
  }
  const shown = Object.entries(all).filter(([emoji, names]) => names.length + unnamed(emoji));
  if (!shown.length) return null;
  return html`
    <div class="reactions">
      ${shown.map(([emoji, names]) => {
        const count = names.length + unnamed(emoji);
        const first = names.slice(0, 20);
        const others = count - first.length;
        const text =
          t("reactions", { emoji, names: first.map(shownName).join(", ") }) +
          (others ? t("andOthers", { n: others }) : "");
        return html`<button type="button" key=${emoji} aria-pressed=${names.includes(user)} title=${text} aria-label=${text}
          onClick=${() => react(room, message, emoji)}><span class="picture">${emoji}</span> ${count}</button>`;
      })}
      <button type="button" aria-label=${t("whoReacted")} title=${t("whoReacted")}
        onClick=${() => showLoaded(async () => (await import("./reacted.mjs")).reactedTo(room.name, message.seq, shown))}><${Icon} name="more" /></button>
    </div>`;
}
