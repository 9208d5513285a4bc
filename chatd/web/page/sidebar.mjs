// @ts-check
/** The rooms and conversations that one is in, with what is new there. */

import { open } from "./address.mjs";
import { Avatar, StateText } from "./avatar.mjs";
import { showJump, showLoaded } from "./dialog.mjs";
import { Icon } from "./icons.mjs";
import { partner, roomName, shownName } from "./names.mjs";
import { tell } from "./reasons.mjs";
import { chat, connection, here, place, touched } from "./state.mjs";
import { html, only } from "./ui.mjs";
import { t } from "./words.mjs";

/** @typedef {import("./chatd.mjs").Room} Room */

/** How somebody is, as far as any room tells. @param {string} user */
export function stateOf(user) {
  for (const room of chat.value?.rooms.values() ?? []) {
    const person = room.people?.get(user);
    if (person) return person.state ?? "online";
  }
  return "offline";
}

/** @param {Room} room */
const lastOf = (room) => room.messages.at(-1)?.ts ?? 0;
/** @param {string} one @param {string} two */
const byName = (one, two) => roomName(one).localeCompare(roomName(two));

/** @param {{name: string, icon: any, unread: number, mentions: number, isDirect?: boolean, label?: any}} props */
const Entry = ({ name, icon, unread, mentions, isDirect, label }) => {
  touched();
  /** @param {MouseEvent} event */
  const go = (event) => {
    // Whoever wants it in a tab of its own gets it there.
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open(name);
  };
  return html`
    <li>
      <a href=${`#room=${encodeURIComponent(name)}`} class=${only({ new: unread })} aria-current=${here.value === name ? "page" : undefined}
        onClick=${go}>
        ${icon}<b><bdi>${roomName(name)}</bdi>${label}</b>
        ${unread > 0 && html`<${Badge} unread=${unread} mentions=${isDirect ? unread : mentions} />`}
      </a>
    </li>`;
};

/** @param {{unread: number, mentions: number}} props */
const Badge = ({ unread, mentions }) => {
  const n = mentions || unread;
  const text = mentions ? t("mentionsYou", { n }) : t("unread", { n });
  return html`<span class=${`badge ${only({ at: mentions })}`} title=${text}>
    <span aria-hidden="true">${n > 99 ? "99+" : n}</span><span class="hear">${text}</span></span>`;
};

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

/** The first column. */
export function Sidebar() {
  touched();
  const { rooms, invites, user = "" } = /** @type {import("./chatd.mjs").Chat} */ (chat.value);
  const all = [...rooms.values()];
  const others = all.filter((room) => !room.name.startsWith("@")).sort((one, two) => byName(one.name, two.name));
  const directs = all
    .filter((room) => room.name.startsWith("@"))
    .sort((one, two) => lastOf(two) - lastOf(one) || byName(one.name, two.name));
  const shown = shownName(user);
  return html`
    <nav class="sidebar" aria-label=${t("rooms")}>
      <h1 class="place"><span class="sign" aria-hidden="true">${[...(place.value || "c")][0].toUpperCase()}</span><bdi>${place.value}</bdi></h1>
      <button type="button" class="jump" onClick=${() => showJump()}><span>${t("jump")}</span><kbd>${t("jumpKeys")}</kbd></button>
      <div class="lists">
        ${
          invites.size > 0 &&
          html`
          <h2>${t("invitations")}</h2>
          <ul>${[...invites.values()].map((invite) => html`<${Invite} key=${invite.room} invite=${invite} />`)}</ul>`
        }
        <div class="heading"><h2>${t("rooms")}</h2>
          <button type="button" class="icon-button" aria-label=${t("addRoom")} title=${t("addRoom")}
            onClick=${() => showLoaded(async () => (await import("./rooms.mjs")).Directory)}><${Icon} name="add" /></button>
        </div>
        <ul>${others.map(
          (room) => html`
          <${Entry} key=${room.name} name=${room.name} unread=${room.unread} mentions=${room.mentions}
            icon=${html`<${Icon} name=${room.name.startsWith("~") ? "lock" : "hash"} />`} />`,
        )}
        </ul>
        ${!all.length && connection.value.name === "ready" && html`<p class="quiet">${t("noRoomYet")}</p>`}
        ${
          directs.length > 0 &&
          html`
          <h2>${t("people")}</h2>
          <ul>${directs.map((room) => {
            const name = partner(room.name);
            const state = stateOf(name);
            return html`<${Entry} key=${room.name} name=${room.name} unread=${room.unread} mentions=${room.mentions} isDirect
              icon=${html`<${Avatar} small name=${name} shown=${shownName(name)} state=${state} />`}
              label=${html`<${StateText} state=${state} />`} />`;
          })}</ul>`
        }
      </div>
      <div class="me">
        <${Avatar} name=${user} shown=${shown} state=${stateOf(user) === "away" ? "away" : "online"} />
        <span class="names"><bdi>${shown}</bdi><small>${stateOf(user) === "away" ? t("away") : t("isOnline")}</small></span>
        <button type="button" class="icon-button" aria-label=${t("settings")} title=${t("settings")}
          onClick=${() => showLoaded(async () => (await import("./settings.mjs")).Settings)}><${Icon} name="settings" /></button>
      </div>
    </nav>`;
}
