// @ts-check
/** What this browser keeps for the page; or the page itself, as long as it lives. */

import { chat, flash, home } from "./state.mjs";
import { t } from "./words.mjs";

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
    flash.value = t("storageDenied");
  }
}

/** Under which something of the user's is kept. @param {string} what @param {string[]} of */
export const ownKey = (what, ...of) => ["chatd", what, home, chat.value?.user, ...of].join(" ");

/** @param {string} name */
const draftKey = (name) => ownKey("draft", name);
/** @param {string} name Of a room. */
export const draft = (name) => storage.getItem(draftKey(name)) ?? "";
/** @param {string} name Of a room. @param {string} text */
export const keepDraft = (name, text) => keep(draftKey(name), text);
