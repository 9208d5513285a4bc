// @ts-check
/** Typing where one wants to be: a room, also one to join, or a person to write to. */

import { open } from "./address.mjs";
import { calls } from "./attention.mjs";
import { command } from "./client.mjs";
import { hide } from "./dialog.mjs";
import { Icon } from "./icons.mjs";
import { Dialog } from "./modal.mjs";
import { direct, displays, partner, roomName } from "./names.mjs";
import { everyRoom, pages } from "./pages.mjs";
import { reason } from "./reasons.mjs";
import { Badge } from "./sidebar.mjs";
import { chat, here } from "./state.mjs";
import { html, useEffect, useRef, useState } from "./ui.mjs";
import { t } from "./words.later.mjs";

/** @typedef {{name: string, shown: string, note?: string, isNew?: boolean}} Goal A room's name, and what it is called; `isNew` is a conversation with whom one does not know. */

/** Of so many rooms, and so many people, it is asked who is in them. */
const MOST_ROOMS = 8;
const MOST_PEOPLE = 2000;
const MOST_SHOWN = 50;

/** What has been learned of them, as long as the page lives. @type {WeakMap<import("./chatd.mjs").Chat, Map<string, string>>} */
const learned = new WeakMap();

/** Who is in the rooms that one is in, also who is not online: in the largest of them. */
async function everybody() {
  const made = /** @type {import("./chatd.mjs").Chat} */ (chat.value);
  const known = learned.get(made);
  if (known) return known;
  /** @type {Map<string, string>} */
  const found = new Map();
  const rooms = [...made.rooms.values()].filter(({ name }) => !partner(name));
  rooms.sort((one, two) => two.online - one.online);
  for (const { name: room } of rooms.slice(0, MOST_ROOMS)) {
    for await (const { users } of pages({ type: "who", room, all: true })) {
      for (const { name, display } of users) found.set(name, display || name);
      if (found.size >= MOST_PEOPLE) break;
    }
    if (found.size >= MOST_PEOPLE) break;
  }
  learned.set(made, found);
  return found;
}

/** The rooms and conversations that one is in. @returns {Goal[]} */
const own = () =>
  [...(chat.value?.rooms.values() ?? [])].map(({ name }) => ({
    name,
    shown: roomName(name),
    note: partner(name) && `@${partner(name)}`,
  }));

/** Those who are online where one is. */
function present() {
  /** @type {Map<string, string>} */
  const found = new Map();
  for (const room of chat.value?.rooms.values() ?? [])
    for (const { name, display } of room.people?.values() ?? []) found.set(name, display || name);
  return found;
}

/** Where one can go, what one knows best first. @param {Map<string, string>} people @param {any[]} rooms Public ones. */
function targets(people, rooms) {
  const { user = "", role } = /** @type {import("./chatd.mjs").Chat} */ (chat.value);
  const found = own();
  const known = new Set(found.map(({ name }) => name));
  /** @param {Goal} one */
  const add = (one) => {
    if (!known.has(one.name)) found.push(one);
    known.add(one.name);
  };
  for (const [name, shown] of new Map([...people, ...present()]))
    if (name !== user && role !== "guest" && !name.includes("~")) add({ name: direct(name), shown, note: `@${name}` });
  for (const { room, title, archived } of rooms)
    if (!archived) add({ name: room, shown: title || room, note: t("notJoined") });
  return found;
}

/** How well somewhere fits to what is typed: 0 is best, 4 is not at all. @param {Goal} one @param {string} wanted */
function rank({ name, shown }, wanted) {
  const called = [shown.toLowerCase(), partner(name) || name];
  /** @param {(text: string) => boolean} fits */
  const is = (fits) => called.some(fits);
  if (is((text) => text.startsWith(wanted))) return is((text) => text === wanted) ? 0 : 1;
  return is((text) => text.split(/[^\p{L}\p{N}\p{M}]+/u).some((word) => word.startsWith(wanted)))
    ? 2
    : is((text) => text.includes(wanted))
      ? 3
      : 4;
}

/** How much somewhere calls: where one is addressed before what is unread. @param {Goal} one */
function urgency({ name }) {
  const room = chat.value?.rooms.get(name);
  if (!room || !calls(room)) return 0;
  return room.mentions || partner(name) ? 2 : 1;
}

/** When something was last said there. @param {Goal} one */
const lastAt = ({ name }) => chat.value?.rooms.get(name)?.messages.at(-1)?.ts ?? 0;

/**
 * What fits, the best first; of what fits as well, where one is called comes first, then
 * where something was said last. Where one is already comes last, unless it is what was typed.
 *
 * @param {Goal[]} all @param {string} wanted
 */
const sorted = (all, wanted) =>
  all
    .map((one) => ({ one, fit: rank(one, wanted), isHere: !wanted && one.name === here.value }))
    .filter(({ fit }) => fit < 4)
    .sort(
      (a, b) =>
        a.fit - b.fit ||
        Number(a.isHere) - Number(b.isHere) ||
        urgency(b.one) - urgency(a.one) ||
        lastAt(b.one) - lastAt(a.one),
    )
    .map(({ one }) => one);

/** The dialog; Enter goes to the first that is shown, the arrows to another. */
export function Jump() {
  const box = useRef(/** @type {any} */ (null));
  const list = useRef(/** @type {any} */ (null));
  const [typed, setTyped] = useState("");
  const [people, setPeople] = useState(/** @type {Map<string, string>} */ (new Map()));
  const [rooms, setRooms] = useState(/** @type {any[]} */ ([]));
  const [wrong, setWrong] = useState("");
  const isTyped = typed.trim() !== "";
  useEffect(() => {
    if (!isTyped) return;
    // Where one is, one can go without them.
    everyRoom().then(setRooms, () => {});
    everybody().then(setPeople, () => {});
  }, [isTyped]);
  const wanted = typed.trim().toLowerCase().replace(/^[@#]/, "");
  const found = sorted(targets(people, rooms), wanted);
  const isNamed = found.some(({ name, shown }) => shown.toLowerCase() === wanted || name === direct(wanted));
  const isStranger = /^\S+$/.test(wanted) && !isNamed && chat.value?.role !== "guest" && wanted !== chat.value?.user;
  if (isStranger) found.push({ name: direct(wanted), shown: t("writeTo", { name: wanted }), isNew: true });
  /** @param {Goal} goal */
  const go = async ({ name, shown, isNew }) => {
    setWrong("");
    if (isNew) {
      const why = await unknown(name);
      if (why) return setWrong(why);
    } else if (partner(name)) displays.set(partner(name), shown);
    hide();
    open(name);
  };
  /** @param {Event} event */
  const submit = (event) => {
    event.preventDefault();
    if (found[0]) go(found[0]);
  };
  /** @param {any} event */
  const onKeyDown = (event) => {
    const { key, ctrlKey, metaKey, altKey } = event;
    const rows = [...list.current.querySelectorAll("button")];
    const at = rows.indexOf(document.activeElement);
    const step = { ArrowDown: 1, ArrowUp: -1 }[/** @type {"ArrowDown"} */ (key)];
    if (step) {
      event.preventDefault();
      // Enter takes the first already: so the next is the second.
      (rows[Math.min(Math.max(at, 0) + step, rows.length - 1)] ?? box.current).focus();
    } else if (at >= 0 && (key.length === 1 || key === "Backspace") && !ctrlKey && !metaKey && !altKey) {
      // What is typed goes where one types.
      box.current.focus();
    }
  };
  /** @param {Goal} one */
  const badge = ({ name }) => {
    const room = chat.value?.rooms.get(name);
    const n = room ? calls(room) : 0;
    return n > 0 && html`<${Badge} unread=${n} mentions=${partner(name) ? n : room?.mentions} />`;
  };
  return html`
    <${Dialog} title=${t("jump")}>
      <form onSubmit=${submit} onKeyDown=${onKeyDown}>
        <input type="text" ref=${box} aria-label=${t("jumpHint")} placeholder=${t("jumpHint")} data-first autocomplete="off" autocapitalize="none"
          spellcheck=${false} value=${typed} onInput=${(/** @type {any} */ event) => {
            setTyped(event.target.value);
            setWrong("");
          }} />
        ${wrong && html`<p class="wrong" role="alert">${wrong}</p>`}
        <ul class="choices" ref=${list}>
          ${found.slice(0, MOST_SHOWN).map(
            (one, at) => html`
            <li key=${one.name}><button type="button" class=${at ? "" : "first"} onClick=${() => go(one)}>
              <span class="hash" aria-hidden="true">${one.name.startsWith("@") ? "@" : html`<${Icon} name=${one.name.startsWith("~") ? "lock" : "hash"} />`}</span><bdi>${one.shown}</bdi>
              ${one.note && one.note !== `@${one.shown}` && html` <small class="quiet">${one.note}</small>`}${badge(one)}</button></li>`,
          )}
        </ul>
        ${!found.length && html`<p class="quiet">${t("jumpNone")}</p>`}
      </form>
    <//>`;
}

/** Why one cannot write to somebody whom one does not know; `""` where one can. @param {string} room The conversation. */
async function unknown(room) {
  try {
    await command({ type: "who", room });
  } catch (failure) {
    const { code } = /** @type {import("./chatd.mjs").Failure} */ (failure);
    // There is somebody, with whom one has not talked yet.
    if (code !== "no_room") return t("notDone", { reason: code === "bad_field" ? t("noUser") : reason(failure) });
  }
  return "";
}
