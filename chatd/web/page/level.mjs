// @ts-check
/** What of a room one wants to be called for, on all devices. */

import { Dialog } from "./modal.mjs";
import { roomName } from "./names.mjs";
import { mayShow, want, wishes } from "./notices.mjs";
import { chat, touched } from "./state.mjs";
import { say, tell } from "./tell.mjs";
import { html, useState } from "./ui.mjs";
import { t } from "./words.later.mjs";

/** @typedef {import("./chatd.mjs").Room} Room */

/** The dialog for a room. @param {Room} room */
export const levelOf = (room) => () =>
  html`
  <${Dialog} title=${t("levelIn", { room: roomName(room.name) })}><${Levels} room=${room} /><${Device} /><//>`;

/** @param {{room: Room}} props */
function Levels({ room }) {
  touched(room.name);
  const levels = [
    ["all", t("levelAll"), t("levelAllHint")],
    ["mentions", t("levelMentions"), t("levelMentionsHint")],
    ["nothing", t("levelNothing"), t("levelNothingHint")],
  ];
  /** @param {string} level */
  const set = (level) => tell(/** @type {any} */ (chat.value).command({ type: "notify", room: room.name, level }));
  return html`
    <fieldset class="choices">
      <legend>${t("levelHint")}</legend>
      ${levels.map(
        ([level, name, hint]) => html`
        <label class="check" key=${level}>
          <input type="radio" name="level" value=${level} checked=${room.level === level} data-first=${room.level === level || undefined}
            aria-describedby=${`level-${level}`} onChange=${() => set(level)} />
          <span class="names"><span>${name}</span><small id=${`level-${level}`}>${hint}</small></span>
        </label>`,
      )}
    </fieldset>`;
}

/** Whether this device shows what one is notified of, as far as the browser lets it. */
const isShown = () => wishes().shows && globalThis.Notification?.permission === "granted";

/** That this device shows no notifications, and what changes that; nothing where it does. */
function Device() {
  const [isOn, set] = useState(isShown);
  const on = async () => {
    const may = await mayShow();
    if (!may) say(t("noticesDenied"));
    want({ shows: may });
    set(isShown());
  };
  if (isOn) return null;
  return html`
    <p class="quiet">${t("noticesOff")}</p>
    <div class="acts"><button type="button" class="plain" onClick=${on}>${t("noticesShow")}</button></div>`;
}
