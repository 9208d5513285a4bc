// @ts-check
/**
 * What the page knows: one `Chat`, and signals that say when to look at it again.
 *
 * Views read the chat itself, which changes in place. A view that reads a signal is drawn
 * again only when that or its properties change, so each that shows what is in the chat
 * says so by `touched(...)`. Changes are gathered for a frame: a thousand messages that
 * come at once are drawn once.
 *
 * @typedef {import("./chatd.mjs").Chat} Chat
 */

import { batch, signal } from "./ui.mjs";

/** Where the page lies. */
export const home = new URL(".", location.href.split("#")[0]).href;

/** Which of the page's faces is shown: that of loading, logging in, or talking. */
export const face = signal(/** @type {"loading"|"login"|"talk"} */ ("loading"));
/** What the daemon says of itself before anybody logs in. */
export const about = signal(/** @type {Record<string, any>|null} */ (null));
/** Why somebody has to log in, who was in before. */
export const notice = signal("");
/** Whether only loading the page again helps. */
export const isOver = signal(false);
/** @type {{value: Chat|null}} */
export const chat = signal(/** @type {any} */ (null));
/** What the connection is doing. */
export const connection = signal(/** @type {import("./chatd.mjs").State} */ ({ name: "connecting" }));
/** The room that is open, and whether a phone shows it rather than the list. */
export const here = signal("");
export const isOutdated = signal(false);
export const place = signal("");
/** A line that tells what just happened, until the next one or for a while. */
export const flash = signal("");

/** @type {Map<string, {value: number}>} */
const ticks = new Map();

/**
 * Have the view that calls this drawn again when something has changed.
 *
 * @param {string} [what] A room's name; without one, the list of rooms.
 */
export function touched(what = "") {
  const tick = ticks.get(what) ?? signal(0);
  ticks.set(what, tick);
  return tick.value;
}

/** @type {Set<string>} */
const waiting = new Set();

/** Have the views drawn again that show something. @param {string[]} whats As for `touched`. */
export function touch(...whats) {
  if (!waiting.size) {
    // A page that is not seen draws no frames, but its title goes on counting.
    if (document.hidden) setTimeout(flush, 100);
    else requestAnimationFrame(flush);
  }
  for (const what of whats) waiting.add(what);
}

function flush() {
  const due = [...waiting];
  waiting.clear();
  batch(() => {
    for (const what of due) {
      const tick = ticks.get(what);
      if (tick) tick.value += 1;
    }
  });
}

document.addEventListener("visibilitychange", () => waiting.size && flush());

/** The same for all that is shown. */
export const touchAll = () => touch("", ...ticks.keys());
