// @ts-check
/** Who is in a room: the third column, or over the talk on a small screen. */

import { open } from "./address.mjs";
import { Avatar, StateText } from "./avatar.mjs";
import { direct, shownName } from "./names.mjs";
import { chat, touched } from "./state.mjs";
import { html } from "./ui.mjs";
import { t } from "./words.mjs";

/** @typedef {import("./chatd.mjs").Room} Room */
/** @typedef {import("./chatd.mjs").Person} Person */

/** @param {Person} one @param {Person} two */
const byShown = (one, two) => shownName(one.name).localeCompare(shownName(two.name));

/** @param {{room: Room, roles: Map<string, string>}} props `roles` has those that somebody has. */
export function People({ room, roles }) {
  touched(room.name);
  const all = [...(room.people?.values() ?? [])].sort(byShown);
  const away = all.filter((one) => one.state === "away");
  const online = all.filter((one) => one.state !== "away");
  return html`
    <section class="people" aria-label=${t("showPeople")}>
      ${
        room.people === null && room.live
          ? html`<p class="quiet">${t("tooManyPeople")}</p>`
          : html`
          <h2>${t("onlineTitle")}</h2>
          <ul>${online.map((one) => html`<${One} key=${one.name} person=${one} role=${roles.get(one.name)} />`)}</ul>
          ${
            away.length > 0 &&
            html`
            <h2>${t("awayTitle")}</h2>
            <ul class="off">${away.map((one) => html`<${One} key=${one.name} person=${one} role=${roles.get(one.name)} />`)}</ul>`
          }`
      }
    </section>`;
}

/** @param {{person: Person, role?: string}} props */
const One = ({ person, role }) => {
  const { name, text, state = "online" } = person;
  const shown = shownName(name);
  const isGuest = name.includes("~");
  /** @type {Record<string, string>} */
  const names = { owner: t("roleOwner"), moderator: t("roleModerator") };
  const note = names[role ?? ""] || (isGuest ? t("roleGuest") : "");
  const isMe = name === chat.value?.user;
  const inside = html`
    <${Avatar} small name=${name} shown=${shown} state=${state} />
    <span class="names"><span><bdi>${shown}</bdi><${StateText} state=${state} /></span>${text && html`<small dir="auto">${text}</small>`}</span>
    <small>${isMe ? t("you") : note}</small>`;
  const canWrite = !isMe && !isGuest && chat.value?.role !== "guest";
  return html`<li>${
    canWrite
      ? html`<button type="button" title=${t("writeTo", { name: shown })} onClick=${() => open(direct(name))}>${inside}</button>`
      : html`<span class="person">${inside}</span>`
  }</li>`;
};
