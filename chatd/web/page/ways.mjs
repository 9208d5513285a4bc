// @ts-check
/** What is around the messages of a room: where it begins, and what leads on in it. */

import { showLoaded } from "./dialog.mjs";
import { Icon } from "./icons.mjs";
import { partner, roomName, shownName } from "./names.mjs";
import { mayInvite } from "./rights.mjs";
import { touched } from "./state.mjs";
import { html } from "./ui.mjs";
import { t } from "./words.later.mjs";

/** What stands above the first message. @param {{room: import("./chatd.mjs").Room}} props */
export function Start({ room }) {
  touched(room.name);
  const name = partner(room.name);
  const isPrivate = room.name.startsWith("~");
  return html`
    <div class="beginning">
      <h2>${name ? t("beginningDirect", { name: shownName(name) }) : t("beginning", { room: roomName(room.name) })}</h2>
      ${!name && room.first > 1 && room.messages.length > 0 && html`<p>${t("olderGone")}</p>`}
      ${!name && html`<p>${isPrivate ? t("emptyPrivate") : t("emptyPublic")}</p>`}
      ${
        // Where nothing was said yet one is alone, more often than not.
        !name &&
        !room.messages.length &&
        mayInvite(room) &&
        html`<button type="button" class="plain" onClick=${() => showLoaded(async () => (await import("./invite.mjs")).inviteTo(room))}>${t("invite")}</button>`
      }
    </div>`;
}

/**
 * What leads back to where one has come from, and on to the end.
 *
 * @param {{back?: () => void, text?: string, onward?: false|(() => void), unread: number}} props
 *   `text` is what the way back is called, `unread` how much is new.
 */
export const Ways = ({ back, text, onward, unread }) => html`
  ${back && html`<button type="button" class="pill up" onClick=${back}><${Icon} name="back" /> ${text}</button>`}
  ${
    onward &&
    html`
    <button type="button" class="pill" onClick=${onward}><${Icon} name="down" /> ${unread ? t("nNew", { n: unread }) : t("toLatest")}</button>`
  }`;
