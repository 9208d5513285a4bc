// @ts-check
/** What this browser keeps for the page; or the page itself, as long as it lives. */

import { chat, flash, home } from "./state.mjs";

/** @type {Map<string, string>} What is kept where the browser keeps nothing. */
const memory = new Map();
/** Whether the browser keeps what it is given. */
export let isKept = true;

try {
  const probe = "chatd probe";
  localStorage.setItem(probe, probe);
  localStorage.removeItem(probe);
} catch {
  isKept = false;
}

/** As `localStorage`, or as long as the page lives. */
export const storage = isKept
  ? localStorage
  : {
      /** @param {string} key */
      getItem: (key) => memory.get(key) ?? null,
      /** @param {string} key @param {string} value */
      setItem: (key, value) => void memory.set(key, value),
      /** @param {string} key */
      removeItem: (key) => void memory.delete(key),
      /** @param {number} n */
      key: (n) => [...memory.keys()][n] ?? null,
      get length() {
        return memory.size;
      },
    };

/** Keep a value, or forget it if it is empty. @param {string} key @param {string} value */
export function keep(key, value) {
  try {
    if (value) storage.setItem(key, value);
    else storage.removeItem(key);
  } catch {
    import("./words.later.mjs").then(({ t }) => (flash.value = t("storageDenied")));
  }
}

/** Under which something of the user's is kept. @param {string} what @param {string[]} of */
export const ownKey = (what, ...of) => ["chatd", what, home, chat.value?.user, ...of].join(" ");

const LOOK = "chatd look";
/** How the page looks here; `look.mjs` reads it as well. @returns {Record<string, string>} */
export const look = () => JSON.parse(storage.getItem(LOOK) ?? "{}");
/** @param {Record<string, string>} wanted */
export const keepLook = (wanted) => keep(LOOK, JSON.stringify(wanted));

/** What one wants to be told of here. */
export const noticesKey = () => ownKey("notices");

/** @param {string} name */
const draftKey = (name) => ownKey("draft", name);
/** @param {string} name Of a room; behind it the `seq` of a thread, if it is for that. */
export const draft = (name) => storage.getItem(draftKey(name)) ?? "";
/** @param {string} name Of a room. @param {string} text */
export const keepDraft = (name, text) => keep(draftKey(name), text);
/**
 * Do something when another window has changed a draft; returns what ends that.
 *
 * @param {string} name @param {(was: string, now: string) => void} act
 */
export function onDraft(name, act) {
  const own = draftKey(name);
  /** @param {StorageEvent} event */
  const hear = ({ key, oldValue, newValue }) => key === own && act(oldValue ?? "", newValue ?? "");
  addEventListener("storage", hear);
  return () => removeEventListener("storage", hear);
}
/** The rooms, and threads, for which something is kept that was not sent. @returns {string[]} */
export const drafts = () => {
  const start = draftKey("");
  const keys = Array.from({ length: storage.length }, (_, n) => storage.key(n) ?? "");
  return keys.filter((key) => key.startsWith(start)).map((key) => key.slice(start.length));
};
