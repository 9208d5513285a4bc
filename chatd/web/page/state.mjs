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
/** The thread that is open beside it, by the `seq` of its first message; 0 is none. */
export const aside = signal(0);
/** What the chat knows of threads, once that is loaded. @type {{value: import("./chatd.threads.mjs").Threads|null}} */
export const threads = signal(/** @type {any} */ (null));
export const isOutdated = signal(false);
export const place = signal("");
/** A line that tells what just happened, until the next one or for a while. */
export const flash = signal("");

/**
 * The message that is to be shown in its place, and how one comes back to the list that
 * it was found in, if it was in one; `thread` is the one that it is in.
 *
 * @type {{value: {room: string, seq: number, thread?: number, text?: string, back?: () => void, isThere?: boolean}|null}}
 */
export const target = signal(/** @type {any} */ (null));
/** Messages that one knows to be bookmarked. @type {Set<string>} */
const marked = new Set();
/** @param {string} room @param {number} seq */
export const isMarked = (room, seq) => marked.has(`${room} ${seq}`);
/** @param {string} room @param {number} seq @param {boolean} on */
export function setMarked(room, seq, on) {
  marked[on ? "add" : "delete"](`${room} ${seq}`);
  touch(room);
}
/** Whoever comes in next has his own. */
export const forgetMarked = () => marked.clear();

/** Who is in the open room, as far as it is known, and as what. */
export const roles = signal(/** @type {Map<string, string>} */ (new Map()));

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
