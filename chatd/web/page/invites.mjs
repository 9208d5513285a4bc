// @ts-check
/** Who asks one into which room, with what one may answer. */

import { open } from "./address.mjs";
import { roomName, shownName } from "./names.mjs";
import { chat } from "./state.mjs";
import { tell } from "./tell.mjs";
import { html } from "./ui.mjs";
import { t } from "./words.later.mjs";

/** All of them, in the first column. @param {{invites: any[]}} props */
export const Invites = ({ invites }) => html`
  <h2>${t("invitations")}</h2>
  <ul>${invites.map((invite) => html`<${Invite} key=${invite.room} invite=${invite} />`)}</ul>`;

/** An invitation into a room. @param {{invite: any}} props */
const Invite = ({ invite }) => html`
  <li class="invite">
    <span><bdi>${invite.title || roomName(invite.room)}</bdi> <small>${t("invitedBy", { name: shownName(invite.from) })}</small></span>
    <span class="pair">
      <button type="button" class="small primary" onClick=${() => tell(accept(invite.room))}>${t("accept")}</button>
      <button type="button" class="small plain" onClick=${() => tell(decline(invite.room))}>${t("decline")}</button>
    </span>
  </li>`;

/** @param {string} room */
async function accept(room) {
  await chat.value?.join(room);
  open(room);
}

/** @param {string} room */
async function decline(room) {
  await chat.value?.command({ type: "decline", room });
}
