// @ts-check
/** What stands where a room would be that an address names and one is not in: the way in, if there is one. */

import { open } from "./address.mjs";
import { Banner } from "./banner.mjs";
import { command } from "./client.mjs";
import { showLoaded } from "./dialog.mjs";
import { Icon } from "./icons.mjs";
import { shownName } from "./names.mjs";
import { pages } from "./pages.mjs";
import { reason } from "./reasons.mjs";
import { aside, chat, connection, place, target, touched } from "./state.mjs";
import { html, useEffect, useLayoutEffect, useRef, useState } from "./ui.mjs";
import { t } from "./words.later.mjs";

/** @typedef {{isThere: boolean, isIn?: string, shown?: Record<string, any>}} Found `isIn` is the name of a room that one is in. */

/** More pages of rooms are not gone through to tell more of one. */
const MOST_PAGES = 10;

/** What there is under a name, as far as it may be known. @param {string} name @returns {Promise<Found>} */
async function find(name) {
  try {
    // By a name that it had, or that is written in another way, one is in it all the same.
    const { room } = await command({ type: "history", room: name, limit: 1 });
    return { isThere: true, isIn: room };
  } catch (failure) {
    const { code } = /** @type {import("./chatd.mjs").Failure} */ (failure);
    if (code === "no_room" || code === "bad_field") return { isThere: false };
    if (code !== "not_member") throw failure;
  }
  const wanted = name.toLowerCase();
  const [first, ...others] = wanted;
  let left = MOST_PAGES;
  // They come by name: those that begin with the same letter are behind that.
  for await (const page of pages({ type: "rooms" }, others.length ? first : undefined)) {
    const shown = page.rooms.find((/** @type {any} */ one) => one.room === wanted);
    left -= 1;
    if (shown || !left) return { isThere: true, shown };
  }
  return { isThere: true };
}

/** Go into a room, where the address has led, by the name that it has. @param {string} was @param {string} name */
function enter(was, name) {
  if (target.value?.room === was) target.value = { ...target.value, room: name };
  open(name, true, aside.value);
}

/** @param {{name: string}} props `""` is no room at all. */
export const Door = ({ name }) => (name ? html`<${Closed} name=${name} />` : html`<${Nowhere} />`);

const Nowhere = () => html`
  <section class="room nowhere" aria-label=${place.value}><${Banner} /><div class="beginning"><h2>${place.value}</h2><p>${t("pickRoom")}</p>
    <button type="button" class="primary" onClick=${() => showLoaded(async () => (await import("./rooms.mjs")).Directory)}>${t("pickFind")}</button></div></section>`;

/** @param {{name: string}} props */
function Closed({ name }) {
  touched();
  const isReady = connection.value.name === "ready";
  const [found, setFound] = useState(/** @type {Found|null} */ (null));
  const [wrong, setWrong] = useState("");
  const [isBusy, setBusy] = useState(false);
  const box = useRef(/** @type {any} */ (null));
  const invite = chat.value?.invites.get(name);
  useEffect(() => {
    if (!isReady) return;
    let isOver = false;
    setWrong("");
    find(name).then(
      (one) => {
        if (isOver) return;
        if (one.isIn) enter(name, one.isIn);
        else setFound(one);
      },
      (failure) => !isOver && setWrong(t("notDone", { reason: reason(failure) })),
    );
    return () => {
      isOver = true;
    };
  }, [name, isReady]);
  const isOpen = Boolean(invite || found?.isThere);
  // Where nothing else is to be done, a key does it.
  useLayoutEffect(() => {
    if (isOpen && document.activeElement === document.body) box.current.querySelector(".primary").focus();
  }, [isOpen]);
  const join = async () => {
    if (isBusy) return;
    setBusy(true);
    setWrong("");
    try {
      const room = await chat.value?.join(name);
      if (room) enter(name, room.name);
    } catch (failure) {
      setWrong(t("notDone", { reason: reason(failure) }));
    }
    setBusy(false);
  };
  const { title = invite?.title, topic, members } = found?.shown ?? {};
  const isPublic = !/^[~@]/.test(name);
  const shown = title || (isPublic && isOpen && name);
  const heading = shown || (isOpen ? t("privateRoom") : found ? t("doorNone") : t("loading"));
  return html`
    <section class="room door" ref=${box} aria-label=${heading}>
      <header>
        <button type="button" class="icon-button back" aria-label=${t("backToRooms")} title=${t("backToRooms")} onClick=${() => open("")}><${Icon} name="back" /></button>
        <h1>${isOpen && html`<${Icon} name=${isPublic ? "hash" : "lock"} />`}<bdi>${heading}</bdi></h1>
      </header>
      <${Banner} />
      <div class="beginning" aria-busy=${!isOpen && !found && !wrong}>
        ${isPublic && (isOpen || found) && html`<p><bdi>#${name}</bdi>${members !== undefined && html` · ${t("members", { n: members })}`}</p>`}
        ${topic && html`<p dir="auto">${topic}</p>`}
        ${isOpen && html`<p>${invite ? t("doorAsked", { name: shownName(invite.from) }) : t("doorOpen")}</p>`}
        ${found && !isOpen && html`<p role="status">${t("doorNoneHint")}</p>`}
        ${wrong && html`<p class="wrong" role="alert">${wrong}</p>`}
        ${isOpen && html`<button type="button" class="primary" aria-disabled=${isBusy || !isReady} onClick=${join}>${t("join")}</button>`}
      </div>
    </section>`;
}
