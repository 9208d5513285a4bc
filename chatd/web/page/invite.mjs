// @ts-check
/** Asking people into a room. */

import { Dialog } from "./dialog.mjs";
import { Field, Form } from "./form.mjs";
import { roomName } from "./names.mjs";
import { reason, say } from "./reasons.mjs";
import { chat } from "./state.mjs";
import { html } from "./ui.mjs";
import { t } from "./words.mjs";

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
  const send = async ({ name }) => {
    const user = name.trim().toLowerCase().replace(/^@/, "");
    await chat.value?.command({ type: "invite", room: room.name, user });
    say(t("inviteSent", { name: user }));
  };
  return html`
    <${Dialog} title=${t("inviteTo", { room: roomName(room.name) })}>
      <${Form} action=${t("inviteSend")} send=${send} explain=${reason}>
        <${Field} label=${t("inviteName")} name="name" hint=${t("inviteThere")} list="known" maxlength="64" autocapitalize="none" required autofocus />
        <datalist id="known">${[...known].map((name) => html`<option value=${name}></option>`)}</datalist>
      <//>
    <//>`;
};
