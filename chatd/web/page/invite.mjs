// @ts-check
/** Asking people into a room. */

import { show } from "./dialog.mjs";
import { Field, Form } from "./form.mjs";
import { Dialog } from "./modal.mjs";
import { roomName } from "./names.mjs";
import { reason } from "./reasons.mjs";
import { mayInvite, Settings } from "./settings.mjs";
import { chat } from "./state.mjs";
import { say } from "./tell.mjs";
import { html } from "./ui.mjs";
import { t } from "./words.later.mjs";

/**
 * The dialog for a room.
 *
 * @param {import("./chatd.mjs").Room} room
 */
export const inviteTo = (room) => () => {
  const there = new Set(room.people?.keys());
  /** Those one knows from elsewhere. */
  const known = new Set();
  for (const other of chat.value?.rooms.values() ?? []) {
    for (const name of other.people?.keys() ?? []) if (!there.has(name)) known.add(name);
  }
  /** @param {Record<string, any>} values */
  const send = async ({ user: typed }) => {
    const user = typed.trim().toLowerCase().replace(/^@/, "");
    await chat.value?.command({ type: "invite", room: room.name, user });
    say(t("inviteSent", { name: user }));
  };
  return html`
    <${Dialog} title=${t("inviteTo", { room: roomName(room.name) })}>
      <${Form} action=${t("inviteSend")} send=${send} explain=${reason}>
        <${Field} label=${t("inviteName")} name="user" hint=${t("inviteThere")} list="known" maxlength="64" autocapitalize="none" required autofocus />
        <datalist id="known">${[...known].map((name) => html`<option value=${name}></option>`)}</datalist>
      <//>
      ${
        mayInvite() &&
        html`<p class="quiet">${t("inviteNew")}</p>
        <div class="acts"><button type="button" class="plain" onClick=${() => show(html`<${Settings} invitesTo=${room.name} />`)}>${t("inviteMake")}</button></div>`
      }
    <//>`;
};
