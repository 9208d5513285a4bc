// @ts-check
/** The face of whoever is in: rooms, one of them, and who is there. */

import { open } from "./address.mjs";
import { eventually } from "./again.mjs";
import { Banner } from "./banner.mjs";
import { loadOutside, roomOf } from "./client.mjs";
import { Composer } from "./composer.mjs";
import { Flash, hide, later, lazy, showJump, showLoaded, shown } from "./dialog.mjs";
import { Icon } from "./icons.mjs";
import { Log } from "./log.mjs";
import { writing } from "./message.mjs";
import { partner, roomName } from "./names.mjs";
import { Sidebar, stateOf } from "./sidebar.mjs";
import { aside, here, roles, touched } from "./state.mjs";
import { html, only, useEffect, useLayoutEffect, useState } from "./ui.mjs";
import { t } from "./words.mjs";

/** @typedef {import("./chatd.mjs").Room} Room */

const isNarrow = () => matchMedia("(max-width: 1000px)").matches;

const People = lazy(async () => (await import("./people.mjs")).People);
const Title = lazy(async () => (await import("./title.mjs")).Title);
/** What stands where a room would be, where one is in none. */
const Door = lazy(
  async () => (await import("./door.mjs")).Door,
  () => html`<section class="room"></section>`,
);
const Thread = lazy(async () => (await import("./thread.mjs")).Thread);

/** All of it. */
export function Talk() {
  touched();
  const name = here.value;
  const room = roomOf(name);
  const [isWide, setWide] = useState(() => !isNarrow());
  // A thread takes the place of those who are there.
  const thread = room ? aside.value : 0;
  const hasPeople = isWide && !thread;
  /** @param {boolean} on */
  const setPeople = (on) => {
    setWide(on);
    if (on && thread) open(name);
  };
  useRoles(room);
  useEffect(() => {
    // Where it lies over the room, it goes when one has chosen.
    if (isNarrow()) setWide(false);
  }, [name]);
  // With what is seen come its keys: some type faster than it is painted.
  useLayoutEffect(() => {
    /** @param {any} event */
    const onKeyDown = (event) => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
        event.preventDefault();
        showJump();
      } else if (event.altKey || event.key === "?" || (event.key === "Escape" && !shown.value)) {
        // Pressed before the keys are there: once they are, they are asked first.
        import("./keys.mjs").then(({ late }) => late(event)).catch(() => {});
      }
    };
    addEventListener("keydown", onKeyDown);
    // The keys, and with them what has to be there at once or without a connection.
    eventually(() => later(() => Promise.all([import("./keys.mjs"), import("./task.mjs"), loadOutside()])));
    return () => {
      removeEventListener("keydown", onKeyDown);
      // Whoever comes in next finds nothing open.
      hide();
      writing.value = null;
    };
  }, []);
  return html`
    <main class=${`talk ${only({ "in-room": name, "with-thread": thread, "with-people": room && hasPeople && !partner(name) })}`}>
      <${Title} /><${Sidebar} />
      ${room ? html`<${Main} key=${name} name=${name} room=${room} hasPeople=${hasPeople} setPeople=${setPeople} />` : html`<${Door} key=${name} name=${name} />`}
      ${thread > 0 && html`<${Thread} key=${`${name} ${thread} ${room?.epoch}`} room=${room} seq=${thread} />`}
      ${room && hasPeople && !partner(name) && html`<${People} room=${room} close=${() => setWide(false)} />`}
      ${shown.value}
      ${!shown.value && html`<${Flash} />`}
    </main>`;
}

/** Learn the roles of those in a room, each time that it is opened. @param {Room|undefined} room */
function useRoles(room) {
  useEffect(() => {
    roles.value = new Map();
    if (!room) return;
    let isHere = true;
    let stop = () => {};
    // Where it is not known, nobody's role is shown.
    eventually(() => import("./roles.mjs")).then(({ followRoles }) => {
      if (isHere) stop = followRoles(room);
    });
    return () => {
      isHere = false;
      stop();
    };
  }, [room, room?.live]);
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
        <button type="button" class="icon-button" aria-label=${t("pins")} title=${t("pins")}
          onClick=${() => showLoaded(async () => (await import("./pins.mjs")).pinsOf(room))}><${Icon} name="pin" /></button>
        ${
          room.live &&
          html`<button type="button" class="icon-button" aria-label=${t("level")} title=${t("level")}
            onClick=${() => showLoaded(async () => (await import("./level.mjs")).levelOf(room))}><${Icon} name=${room.level === "nothing" ? "mute" : "bell"} /></button>`
        }
        ${
          other
            ? html`<span class="online"><span class=${`dot ${stateOf(other)}`}></span>${{ online: t("isOnline"), away: t("away"), offline: t("isOffline"), unknown: "" }[stateOf(other)]}</span>`
            : html`${room.live && html`<span class="online count"><span class="dot online"></span>${t("online", { n: room.online })}</span>`}
            <button type="button" class="icon-button" aria-label=${t("showPeople")} title=${t("showPeople")} aria-pressed=${hasPeople}
              onClick=${() => setPeople(!hasPeople)}><${Icon} name="people" /></button>`
        }
        <button type="button" class="icon-button" aria-label=${t("details")} title=${t("details")}
          onClick=${() => showLoaded(async () => (other ? (await import("./person.mjs")).personOf(other) : (await import("./room.mjs")).detailsOf(room)))}><${Icon} name="more" /></button>
      </header>
      <${Banner} />
      <${Log} key=${`${name} ${room.epoch}`} room=${room} />
      <${Composer} name=${name} room=${room} />
      ${hasPeople && !other && html`<div class="veil" onClick=${() => setPeople(false)}></div>`}
    </section>`;
}
