// @ts-check
/** Where one is, as the browser's address has it, and what an address brings somebody in by. */

import { keep, ownKey, storage } from "./kept.mjs";
import { aside, chat, face, here, target } from "./state.mjs";

/** How much lies over the page, as the browser's history has it (`back.mjs`). */
export const trail = { over: 0 };

/**
 * Open a room, or the list of them.
 *
 * @param {string} name Of a room, or of a direct conversation; `""` is the list.
 * @param {boolean} [isReplaced] The browser's "back" does not lead to where one was.
 * @param {number} [thread] The one that is open beside it.
 */
export function open(name, isReplaced = false, thread = 0) {
  const beside = thread ? `&thread=${thread}` : "";
  const url = name ? `#room=${encodeURIComponent(name)}${beside}` : location.pathname + location.search;
  const isHere = name === here.value;
  // "Back" leaves a thread; another comes into its place.
  const isInPlace = isReplaced || (isHere && thread && aside.value);
  if (isInPlace || !isHere || thread !== aside.value) {
    const isBeside = isInPlace ? thread && !trail.over && history.state?.isBeside : isHere && thread > 0;
    // What lay over the page has gone, and so does its entry.
    history[isInPlace || trail.over ? "replaceState" : "pushState"]({ isBeside }, "", url);
    trail.over = 0;
  }
  here.value = name;
  aside.value = thread;
  if (name) keep(lastKey(), name);
}

const lastKey = () => ownKey("room");
/** Where one was last, if that is known. */
export const lastRoom = () => storage.getItem(lastKey()) ?? "";

/** Where one begins: where one was, or where the operator sends newcomers. */
export function firstRoom() {
  const { rooms = new Map(), welcome } = chat.value ?? {};
  const known = [lastRoom(), ...(welcome?.suggested ?? []), ...rooms.keys()];
  return known.find((name) => name && rooms.has(name)) ?? "";
}

/** Go where the address says; returns the room that it names, if it does. */
export function arrive() {
  const parts = new URLSearchParams(location.hash.slice(1));
  aside.value = Number(parts.get("thread")) || 0;
  here.value = parts.get("room") ?? "";
  const seq = Number(parts.get("at"));
  if (seq) {
    // It is shown once, and not again whenever one comes back.
    target.value = { room: here.value, seq, thread: aside.value || undefined };
    history.replaceState(history.state, "", location.hash.replace(/&at=\d+/, ""));
  }
  return here.value;
}

const SECRETS = ["invite", "setup", "token", "link"];

addEventListener("popstate", () => {
  const parts = new URLSearchParams(location.hash.slice(1));
  // A link that is put into the address of a page that is open: as if it had been opened by it.
  if (SECRETS.some((kind) => parts.has(kind))) location.reload();
  else if (face.value === "talk") arrive();
});

/**
 * The secret that brought somebody here; it leaves the address at once.
 *
 * @returns {{kind: string, secret: string}|null}
 */
export function broughtBy() {
  const found = new URLSearchParams(location.hash.slice(1));
  for (const kind of SECRETS) {
    const secret = found.get(kind);
    if (!secret) continue;
    history.replaceState(null, "", location.pathname + location.search);
    return { kind, secret };
  }
  return null;
}
