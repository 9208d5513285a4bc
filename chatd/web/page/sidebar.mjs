// @ts-check
/** The rooms and conversations that one is in, with what is new there. */

import { open } from "./address.mjs";
import { calls } from "./attention.mjs";
import { Avatar, StateText } from "./avatar.mjs";
import { lazy, showJump, showLoaded } from "./dialog.mjs";
import { Icon } from "./icons.mjs";
import { drafts } from "./kept.mjs";
import { partner, roomName, shownName } from "./names.mjs";
import { aside, chat, connection, here, place, touched } from "./state.mjs";
import { html, only } from "./ui.mjs";
import { t } from "./words.mjs";

/** @typedef {import("./chatd.mjs").Room} Room */

/** Somebody who is there, as any room tells. @param {string} user @returns {import("./chatd.mjs").Person|undefined} */
export function seen(user) {
  for (const room of chat.value?.rooms.values() ?? []) {
    const person = room.live && room.people?.get(user);
    if (person) return person;
  }
  return undefined;
}

/** How somebody is, as far as any room tells; without a connection none does. @param {string} user */
export function stateOf(user) {
  const person = seen(user);
  return person ? (person.state ?? "online") : connection.value.name === "ready" ? "offline" : "unknown";
}

/** @param {Room} room */
const lastOf = (room) => room.messages.at(-1)?.ts ?? 0;
/** @param {string} one @param {string} two */
const byName = (one, two) => roomName(one).localeCompare(roomName(two));

/** @param {{room: Room, icon: any, isDirect?: boolean, label?: any}} props */
const Entry = ({ room, icon, isDirect, label }) => {
  touched();
  const { name, mentions } = room;
  const n = calls(room);
  const isOff = room.level === "nothing";
  /** @param {MouseEvent} event */
  const go = (event) => {
    // Whoever wants it in a tab of its own gets it there.
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open(name);
  };
  return html`
    <li>
      <a href=${`#room=${encodeURIComponent(name)}`} class=${only({ new: n, off: isOff })} aria-current=${here.value === name ? "page" : undefined}
        onClick=${go}>
        ${icon}<b><bdi>${roomName(name)}</bdi>${label}</b>
        ${n > 0 && html`<${Badge} unread=${n} mentions=${isDirect ? n : mentions} />`}
        ${isOff && html`<${Icon} name="mute" /><span class="hear">${t("isMute")}</span>`}
      </a>
    </li>`;
};

/** @param {{unread: number, mentions: number}} props */
export const Badge = ({ unread, mentions }) => {
  const n = mentions || unread;
  const text = mentions ? t("mentionsYou", { n }) : t("unread", { n });
  return html`<span class=${`badge ${only({ at: mentions })}`} title=${text}>
    <span aria-hidden="true">${n > 99 ? "99+" : n}</span><span class="hear">${text}</span></span>`;
};

/** Who asks one in. */
const Invites = lazy(async () => (await import("./invites.mjs")).Invites);

/** How much there is that one has not sent; the draft of the open room one sees. */
const unsent = () =>
  drafts().filter((name) => name !== here.value && name !== `${here.value} ${aside.value}`).length +
  (chat.value?.outbox ?? []).filter(({ state }) => state === "failed" || connection.value.name !== "ready").length;

/** The threads that one follows, and how many of them are unread. */
const Threads = lazy(
  async () => (await import("./threads.mjs")).Entry,
  () => html`<div class="jump"></div>`,
);

/** What is new out of sight. */
const Beyond = lazy(async () => (await import("./beyond.mjs")).Beyond);

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
  const n = unsent();
  const own = stateOf(user);
  return html`
    <nav class="sidebar" aria-label=${t("rooms")}>
      <h1 class="place"><span class="sign" aria-hidden="true">${[...(place.value || "c")][0].toUpperCase()}</span><bdi>${place.value}</bdi></h1>
      <button type="button" class="jump" onClick=${() => showJump()}><span>${t("jump")}</span><kbd>${t("jumpKeys")}</kbd></button>
      <button type="button" class="jump" onClick=${() => showLoaded(async () => (await import("./search.mjs")).Search)}>
        <${Icon} name="search" /> ${t("search")}</button>
      <button type="button" class="jump" onClick=${() => showLoaded(async () => (await import("./bookmarks.mjs")).Bookmarks)}>
        <${Icon} name="bookmark" /> ${t("bookmarks")}</button>
      <${Threads} />
      ${n > 0 && html`<button type="button" class="jump" onClick=${() => showLoaded(async () => (await import("./unsent.mjs")).Unsent)}><${Icon} name="edit" /> ${t("unsent", { n })}</button>`}
      <div class="lists">
        ${invites.size > 0 && html`<${Invites} invites=${[...invites.values()]} />`}
        <div class="heading"><h2>${t("rooms")}</h2>
          <button type="button" class="icon-button" aria-label=${t("addRoom")} title=${t("addRoom")}
            onClick=${() => showLoaded(async () => (await import("./rooms.mjs")).Directory)}><${Icon} name="add" /></button>
        </div>
        <ul>${others.map(
          (room) => html`
          <${Entry} key=${room.name} room=${room} icon=${html`<${Icon} name=${room.name.startsWith("~") ? "lock" : "hash"} />`} />`,
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
            return html`<${Entry} key=${room.name} room=${room} isDirect icon=${html`<${Avatar} small name=${name} shown=${shownName(name)} state=${state} />`}
              label=${html`<${StateText} state=${state} />`} />`;
          })}</ul>`
        }
      </div>
      <${Beyond} />
      <div class="me">
        <${Avatar} name=${user} shown=${shown} state=${own === "offline" ? "online" : own} />
        <span class="names"><bdi>${shown}</bdi><small>${own === "away" ? t("away") : own === "unknown" ? t("isOffline") : t("isOnline")}</small></span>
        <button type="button" class="icon-button" aria-label=${t("settings")} title=${t("settings")}
          onClick=${() => showLoaded(async () => (await import("./settings.mjs")).Settings)}><${Icon} name="settings" /></button>
      </div>
    </nav>`;
}
