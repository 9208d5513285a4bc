// @ts-check
/** The face of whoever is in: rooms, one of them, and who is there. */

import { open } from "./address.mjs";
import { learnMembers, roomOf } from "./client.mjs";
import { Composer } from "./composer.mjs";
import { confirm, Flash, hide, showJump, showLoaded, shown } from "./dialog.mjs";
import { Icon } from "./icons.mjs";
import { Log } from "./log.mjs";
import { writing } from "./message.mjs";
import { partner, roomName } from "./names.mjs";
import { People } from "./people.mjs";
import { tell } from "./reasons.mjs";
import { Sidebar, stateOf } from "./sidebar.mjs";
import { chat, connection, here, isOutdated, place, touched } from "./state.mjs";
import { html, only, useEffect, useState } from "./ui.mjs";
import { t } from "./words.mjs";

/** @typedef {import("./chatd.mjs").Room} Room */

const isNarrow = () => matchMedia("(max-width: 1000px)").matches;

/** All of it. */
export function Talk() {
  touched();
  const name = here.value;
  const room = roomOf(name);
  const [hasPeople, setPeople] = useState(() => !isNarrow());
  const roles = useRoles(room);
  useTitle();
  useEffect(() => {
    // Where it lies over the room, it goes when one has chosen.
    if (isNarrow()) setPeople(false);
  }, [name]);
  useEffect(() => {
    /** @param {any} event */
    const onKeyDown = (event) => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
        event.preventDefault();
        showJump();
      }
    };
    addEventListener("keydown", onKeyDown);
    // So that what is typed behind the keys of the first jump goes there.
    import("./jump.mjs").catch(() => {});
    return () => {
      removeEventListener("keydown", onKeyDown);
      // Whoever comes in next finds nothing open.
      hide();
      writing.value = null;
    };
  }, []);
  return html`
    <main class=${`talk ${only({ "in-room": room, "with-people": room && hasPeople && !partner(name) })}`}>
      <${Sidebar} />
      ${room ? html`<${Main} key=${name} name=${name} room=${room} hasPeople=${hasPeople} setPeople=${setPeople} />` : html`<${Nowhere} />`}
      ${room && hasPeople && !partner(name) && html`<${People} room=${room} roles=${roles} />`}
      ${shown.value}
      ${!shown.value && html`<${Flash} />`}
    </main>`;
}

/** The roles of those in a room, asked each time that it is opened. @param {Room|undefined} room */
function useRoles(room) {
  const [roles, setRoles] = useState(/** @type {Map<string, string>} */ (new Map()));
  useEffect(() => {
    setRoles(new Map());
    // Where it is not known, nobody's role is shown.
    if (room?.live) learnMembers(room.name).then(setRoles, () => {});
  }, [room, room?.live]);
  return roles;
}

/** @param {{name: string, room: Room, hasPeople: boolean, setPeople: (on: boolean) => void}} props */
function Main({ name, room, hasPeople, setPeople }) {
  touched(name);
  const other = partner(name);
  const isPrivate = name.startsWith("~");
  return html`
    <section class="room" aria-label=${roomName(name)}>
      <header>
        <button type="button" class="icon-button back" aria-label=${t("backToRooms")} title=${t("backToRooms")} onClick=${() => open("")}><${Icon} name="back" /></button>
        <h1>${!other && html`<${Icon} name=${isPrivate ? "lock" : "hash"} />`}<bdi>${roomName(name)}</bdi></h1>
        <p class="topic" dir="auto" title=${room.settings.topic}>${room.settings.topic}</p>
        ${
          other
            ? html`<span class="online"><span class=${`dot ${stateOf(other)}`}></span>${{ online: t("isOnline"), away: t("away"), offline: t("isOffline") }[stateOf(other)]}</span>`
            : html`${room.live && html`<span class="online"><span class="dot online"></span>${t("online", { n: room.online })}</span>`}
            <button type="button" class="icon-button" aria-label=${t("showPeople")} title=${t("showPeople")} aria-pressed=${hasPeople}
              onClick=${() => setPeople(!hasPeople)}><${Icon} name="people" /></button>
            ${
              mayInvite(room) &&
              html`<button type="button" class="icon-button" aria-label=${t("invite")} title=${t("invite")}
              onClick=${() => showLoaded(async () => (await import("./invite.mjs")).inviteTo(room))}><${Icon} name="invite" /></button>`
            }
            <button type="button" class="icon-button" aria-label=${t("leave")} title=${t("leave")}
              onClick=${() => confirm(t(isPrivate ? "leaveSurePrivate" : "leaveSure", { room: roomName(name) }), t("leave"), () => tell(leave(name)))}><${Icon} name="out" /></button>`
        }
      </header>
      <${Banner} />
      <${Log} key=${`${name} ${room.epoch}`} room=${room} />
      <${Composer} name=${name} room=${room} />
      ${hasPeople && !other && html`<div class="veil" onClick=${() => setPeople(false)}></div>`}
    </section>`;
}

/** Whether one may ask others in: everybody into a public room. @param {Room} room */
const mayInvite = (room) => room.live && (!room.name.startsWith("~") || room.role !== "member");

/** @param {string} name */
async function leave(name) {
  await chat.value?.command({ type: "leave", room: name });
  if (here.value === name) open("", true);
}

/** What the connection is doing, where that is of interest. */
function Banner() {
  const { name, retryAt = 0 } = connection.value;
  const [now, setNow] = useState(Date.now());
  const left = Math.max(0, Math.ceil((retryAt - now) / 1000));
  useEffect(() => {
    setNow(Date.now());
    if (name !== "offline") return;
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, [name, retryAt]);
  if (isOutdated.value) {
    return html`<div class="banner" role="status">${t("newVersion")}
      <button type="button" class="link" onClick=${() => location.reload()}>${t("reload")}</button></div>`;
  }
  if (name === "ready") return html`<div class="banner none" role="status"></div>`;
  const texts = {
    connecting: t("connecting"),
    "catching up": t("catchingUp"),
    offline: left ? t("offline", { n: left }) : t("offlineNow"),
    ended: "",
  };
  return html`
    <div class=${`banner ${only({ bad: name === "offline" })}`} role="status">
      <span aria-hidden=${name === "offline"}>${texts[name]}</span>
      ${
        name === "offline" &&
        html`<span class="hear">${t("offlineNow")}</span>
        <button type="button" class="link" onClick=${() => chat.value?.wake()}>${t("tryNow")}</button>`
      }
    </div>`;
}

const Nowhere = () => html`
  <section class="room nowhere" aria-label=${place.value}><${Banner} /><div class="beginning"><h2>${place.value}</h2><p>${t("pickRoom")}</p></div></section>`;

/** The window's title counts what is unread. */
function useTitle() {
  let unread = 0;
  for (const room of chat.value?.rooms.values() ?? []) unread += room.unread;
  const where =
    here.value && (chat.value?.rooms.has(here.value) || partner(here.value)) ? `${roomName(here.value)} · ` : "";
  const title = `${unread ? `(${unread}) ` : ""}${where}${place.value || "chatd"}`;
  useEffect(() => {
    document.title = title;
  }, [title]);
}
