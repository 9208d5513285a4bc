// @ts-check
/** What can be done with a message. */

import { open } from "./address.mjs";
import { copy } from "./copy.mjs";
import { hide, Picker, show, showLoaded } from "./dialog.mjs";
import { Icon } from "./icons.mjs";
import { picking, textOf, writing } from "./message.mjs";
import { Dialog } from "./modal.mjs";
import { shownName } from "./names.mjs";
import { react } from "./reactions.mjs";
import { mayModerate } from "./rights.mjs";
import { aside, chat, home, isMarked, roles, setMarked } from "./state.mjs";
import { say, tell } from "./tell.mjs";
import { oneLine } from "./text.mjs";
import { html, only, signal } from "./ui.mjs";
import { remove } from "./undo.mjs";
import { markUnread } from "./unread.mjs";
import { t } from "./words.later.mjs";

/** @typedef {import("./chatd.mjs").Room} Room */
/** @typedef {import("./chatd.mjs").Message} Message */

/** @typedef {[string, string, (event: any) => void]} Tool Its icon, its name, and what it does. */

/** So much of a text says which message it is, in characters. */
const HEARD = 60;

/** One click away. */
const QUICK = ["👍", "👎", "❤️"];

/** Whether there is no place for all tools of a message, as on a phone. */
const small = matchMedia("(max-width: 720px)");
const isSmall = signal(small.matches);
small.addEventListener("change", () => {
  isSmall.value = small.matches;
});

/** What is pressed in a message does not move before it is let go: no tools come below it. */
addEventListener("pointerdown", ({ target }) => {
  const pressed = /** @type {Element} */ (target);
  const line = pressed.closest(".message");
  const tools = /** @type {HTMLElement|null|undefined} */ (line?.querySelector(".tools"));
  line?.toggleAttribute("data-held", !tools?.offsetHeight && pressed.closest(".body :is(button, a)") !== null);
});

/** Whether one may pin messages: both in a conversation. @param {Room} room */
export const mayPin = (room) => room.name.startsWith("@") || mayModerate(room);

/** Bookmark a message, or no longer. @param {string} room @param {number} of */
export async function mark(room, of) {
  const on = !isMarked(room, of);
  await chat.value?.command({ type: "bookmark", room, of, on });
  setMarked(room, of, on);
  say(t(on ? "bookmarked" : "bookmarkGone"));
}

/** Show who somebody is, and in a room what one can do with him there. @param {Room} room @param {string} name */
export function about(room, name) {
  const role = roles.peek().get(name);
  const isIn = Boolean(role || room.people?.has(name));
  const place = room.name.startsWith("@") ? undefined : room;
  showLoaded(async () => (await import("./person.mjs")).personOf(name, place, { role, isIn }));
}

/** Go into the thread of a message, to write there. @param {Room} room @param {number} seq */
function enter(room, seq) {
  /** @type {HTMLElement|null} */
  const box = document.querySelector(".thread textarea");
  if (aside.value === seq) box?.focus();
  else open(room.name, false, seq);
}

/**
 * @param {{room: Room, message: Message, version: string, isPicking: boolean, within?: number}} props
 *   `version` has it drawn again; `within` is the thread in which it is shown.
 */
export const Tools = ({ room, message, isPicking, within: thread }) => {
  const isOwn = message.from === chat.value?.user;
  const isPinned = Boolean(message.pinned);
  const isKept = isMarked(room.name, message.seq);
  const command = { type: "pin", room: room.name, of: message.seq };
  const { from = "", seq } = message;
  const close = () => {
    picking.value = null;
  };
  /** @param {any} event */
  const choose = (event) => {
    const isBelow = event.currentTarget.getBoundingClientRect().top < innerHeight / 2;
    picking.value = isPicking ? null : { seq, isBelow, thread };
  };
  /** @param {string} emoji */
  const pick = (emoji) => {
    close();
    react(room, message, emoji);
  };
  /** @param {"reply"|"edit"} kind */
  const write = (kind) => () => (writing.value = { kind, room: room.name, seq, thread });
  const pin = () => {
    chat.value?.post({ ...command, on: !isPinned });
    say(t(isPinned ? "unpinnedNow" : "pinnedNow"));
  };
  /** What is used most. @type {(Tool|false)[]} */
  const first = [
    ["emoji", t("react"), choose],
    ["reply", t("reply"), write("reply")],
    !thread && ["thread", t("replyInThread"), () => enter(room, seq)],
  ];
  /** @type {(Tool|false)[]} */
  const others = [
    !isOwn && ["people", `${t("details")}: ${shownName(from)}`, () => about(room, from)],
    !isOwn && !thread && ["unread", t("markUnread"), () => markUnread(room, seq)],
    isOwn && ["edit", t("edit"), write("edit")],
    mayPin(room) && ["pin", t(isPinned ? "unpin" : "pin"), pin],
    ["bookmark", t(isKept ? "unbookmark" : "bookmark"), () => tell(mark(room.name, seq))],
    ["link", t("copyLink"), () => copy(`${home}#room=${encodeURIComponent(room.name)}&at=${seq}`)],
    (isOwn || mayModerate(room)) && ["trash", t("remove"), () => remove(room, seq)],
  ];
  const more = () => show(html`<${More} tools=${those(others)} />`);
  /** What can be done, and with which message: whoever hears it has many that have the same. */
  const label = `${t("more")}: ${shownName(from)}, ${[...oneLine(textOf(room, message) ?? "")].slice(0, HEARD).join("")}`;
  return html`
    <div class=${`tools ${only({ open: isPicking })}`} role="group" aria-label=${label}>
      ${
        !isSmall.value &&
        // Beside a room there is less place.
        !thread &&
        QUICK.map(
          (
            emoji,
          ) => html`<button type="button" class="quick picture" key=${emoji} aria-label=${`${t("react")} ${emoji}`} title=${t("react")}
        onClick=${() => react(room, message, emoji)}>${emoji}</button>`,
        )
      }
      ${those([...first, ...(isSmall.value ? [/** @type {Tool} */ (["more", label, more])] : others)]).map(
        ([icon, name, act]) => html`
        <button type="button" key=${icon} aria-label=${name} title=${name} aria-haspopup=${icon === "more" ? "dialog" : undefined} onClick=${act}><${Icon} name=${icon} /></button>`,
      )}
      ${isPicking && html`<${Picker} pick=${pick} close=${close} isBelow=${picking.value?.isBelow} />`}
    </div>`;
};

/** @param {(Tool|false)[]} tools @returns {Tool[]} */
const those = (tools) => tools.filter((one) => one !== false);

/** The tools for which there is no place beside a message. @param {{tools: Tool[]}} props */
const More = ({ tools }) => html`
  <${Dialog} title=${t("more")}>
    <ul class="choices">
      ${tools.map(
        ([icon, name, act], at) => html`
        <li key=${icon}><button type="button" data-first=${at === 0 || undefined} onClick=${(
          /** @type {any} */ event,
        ) => {
          hide();
          act(event);
        }}><${Icon} name=${icon} /> ${name}</button></li>`,
      )}
    </ul>
  <//>`;
