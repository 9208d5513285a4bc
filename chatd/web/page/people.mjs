// @ts-check
/** Who is in a room: the third column, or over the talk on a small screen. */

import { Avatar, StateText } from "./avatar.mjs";
import { useLayer } from "./back.mjs";
import { showLoaded } from "./dialog.mjs";
import { shownName } from "./names.mjs";
import { mayInvite, roleName } from "./rights.mjs";
import { chat, roles, touched } from "./state.mjs";
import { html, useLayoutEffect, useRef } from "./ui.mjs";
import { t } from "./words.later.mjs";

/** @typedef {import("./chatd.mjs").Room} Room */
/** @typedef {import("./chatd.mjs").Person} Person */

/** @param {Person} one @param {Person} two */
const byShown = (one, two) => shownName(one.name).localeCompare(shownName(two.name));

/** @param {{room: Room, close: () => void}} props */
export function People({ room, close }) {
  touched(room.name);
  const box = useRef(/** @type {any} */ (null));
  const isOver = matchMedia("(max-width: 1000px)").matches;
  useLayer(close, isOver);
  useLayoutEffect(() => {
    if (!isOver) return;
    // Over the room it is where one has gone, and one comes back from it.
    const before = /** @type {HTMLElement|null} */ (document.activeElement);
    const { current } = box;
    current.querySelector("button").focus();
    return () => {
      const { activeElement } = document;
      if (current.contains(activeElement) || activeElement === document.body) before?.focus();
    };
  }, []);
  const all = [...(room.people?.values() ?? [])].sort(byShown);
  const isAway = (/** @type {Person} */ one) => room.live && one.state === "away";
  const away = all.filter(isAway);
  const online = all.filter((one) => !isAway(one));
  return html`
    <section class="people" ref=${box} aria-label=${t("showPeople")}>
      <div class="pair">
        <button type="button" class="small plain" onClick=${() => showLoaded(async () => (await import("./members.mjs")).membersOf(room))}>${t("allMembers")}</button>
        ${mayInvite(room) && html`<button type="button" class="small plain" onClick=${() => showLoaded(async () => (await import("./invite.mjs")).inviteTo(room))}>${t("invite")}</button>`}
      </div>
      ${
        room.people === null && room.live
          ? html`<p class="quiet">${t("tooManyPeople")}</p>`
          : html`
          <h2>${room.live ? t("onlineTitle") : t("lastHereTitle")}</h2>
          <ul>${online.map((one) => html`<${One} key=${one.name} person=${one} room=${room} role=${roles.value.get(one.name)} />`)}</ul>
          ${
            away.length > 0 &&
            html`
            <h2>${t("awayTitle")}</h2>
            <ul class="off">${away.map((one) => html`<${One} key=${one.name} person=${one} room=${room} role=${roles.value.get(one.name)} />`)}</ul>`
          }`
      }
    </section>`;
}

/** @param {{person: Person, room: Room, role?: string}} props */
const One = ({ person, room, role }) => {
  const { name, text } = person;
  const state = room.live ? (person.state ?? "online") : "unknown";
  const shown = shownName(name);
  const isMe = name === chat.value?.user;
  const inside = html`
    <${Avatar} small name=${name} shown=${shown} state=${state} />
    <span class="names"><span><bdi>${shown}</bdi><${StateText} state=${state} /></span>${text && html`<small dir="auto">${text}</small>`}</span>
    <small>${isMe ? t("you") : roleName(role, name)}</small>`;
  const about = () => showLoaded(async () => (await import("./person.mjs")).personOf(name, room, { role, isIn: true }));
  return html`<li>${
    isMe ? html`<span class="person">${inside}</span>` : html`<button type="button" onClick=${about}>${inside}</button>`
  }</li>`;
};
