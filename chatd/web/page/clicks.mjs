// @ts-check
/**
 * What a click leads to that is no button, as people are used to it; each of these can be had
 * by a button or a key as well.
 *
 * A face or a name leads to who that is, a room's name to its details, how many are online
 * to who they are, a day to other days. A link to a place in this page stays in this window.
 */

import { roomOf } from "./client.mjs";
import { showLoaded } from "./dialog.mjs";
import { chat, here, home } from "./state.mjs";
import { about } from "./tools.mjs";

/** @typedef {import("./chatd.mjs").Room} Room */

/** @param {string} name */
const person = (name) => {
  const room = roomOf(here.value);
  if (!room || !name || name.startsWith("*")) return;
  if (name === chat.value?.user) showLoaded(async () => (await import("./settings.mjs")).Settings);
  else about(room, name);
};

/** What a click on something does, by where it is. @type {[string, (found: HTMLElement) => void][]} */
const WAYS = [
  [
    ".message[data-seq] > .avatar, .message[data-seq] .head > .who",
    (found) => {
      const seq = Number(/** @type {HTMLElement} */ (found.closest(".message")).dataset.seq);
      person(roomOf(here.value)?.message(seq)?.from ?? "");
    },
  ],
  [
    ".mention",
    ({ textContent }) => {
      const name = (textContent ?? "").slice(1).normalize("NFKC").toLowerCase();
      if (name !== "all") person(name);
    },
  ],
  [".room > header > :is(h1, .topic)", (found) => press(found, ":scope > .icon-button:last-of-type")],
  [".room > header > .count", (found) => press(found, "[aria-pressed]")],
  [
    ".room:not(.thread) .day:not(.new-line) > span",
    (found) => {
      const room = roomOf(here.value);
      const next = /** @type {HTMLElement|null} */ (found.closest("li"))?.parentElement;
      const lines = [...(next?.querySelectorAll("[data-seq], .day") ?? [])];
      const line = /** @type {HTMLElement|undefined} */ (
        lines
          .slice(lines.indexOf(/** @type {Element} */ (found.closest("li"))))
          .find((one) => one.matches("[data-seq]"))
      );
      const ts = room?.message(Number(line?.dataset.seq))?.ts;
      if (room) showLoaded(async () => (await import("./day.mjs")).dayOf(room, ts));
    },
  ],
];

/** Press the button in a room's header that does it. @param {HTMLElement} found @param {string} button */
const press = (found, button) => {
  const one = /** @type {HTMLElement|null|undefined} */ (found.closest("header")?.querySelector(button));
  one?.focus();
  one?.click();
};

addEventListener("click", (event) => {
  const clicked = /** @type {HTMLElement} */ (event.target);
  if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  const link = /** @type {HTMLAnchorElement|null} */ (clicked.closest?.(".text a"));
  if (link?.href.startsWith(`${home}#room=`)) {
    link.removeAttribute("target");
    return;
  }
  // Whoever marks a text to copy it, presses nothing.
  if (!clicked.closest || !getSelection()?.isCollapsed) return;
  for (const [where, go] of WAYS) {
    const found = /** @type {HTMLElement|null} */ (clicked.closest(where));
    if (found) return go(found);
  }
});
