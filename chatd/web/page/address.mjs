// @ts-check
/** Where one is, as the browser's address has it, and what an address brings somebody in by. */

import { keep, ownKey, storage } from "./kept.mjs";
import { chat, face, here } from "./state.mjs";

/**
 * Open a room, or the list of them.
 *
 * @param {string} name Of a room, or of a direct conversation; `""` is the list.
 * @param {boolean} [isReplaced] The browser's "back" does not lead to where one was.
 */
export function open(name, isReplaced = false) {
  const url = name ? `#room=${encodeURIComponent(name)}` : location.pathname + location.search;
  if (name !== here.value || isReplaced) history[isReplaced ? "replaceState" : "pushState"](null, "", url);
  here.value = name;
  if (name) keep(lastKey(), name);
}

const lastKey = () => ownKey("room");

/** Where one begins: where one was, or where the operator sends newcomers. */
export function firstRoom() {
  const { rooms = new Map(), welcome } = chat.value ?? {};
  const known = [storage.getItem(lastKey()), ...(welcome?.suggested ?? []), ...rooms.keys()];
  return known.find((name) => name && rooms.has(name)) ?? "";
}

/** The room that the address names, if it does. */
export const addressed = () => new URLSearchParams(location.hash.slice(1)).get("room") ?? "";

const SECRETS = ["invite", "setup", "token", "link"];

addEventListener("popstate", () => {
  const parts = new URLSearchParams(location.hash.slice(1));
  // A link that is put into the address of a page that is open: as if it had been opened by it.
  if (SECRETS.some((kind) => parts.has(kind))) location.reload();
  else if (face.value === "talk") here.value = addressed();
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
