// @ts-check
/** What people and rooms are called. */

import { chat } from "./state.mjs";
import { t } from "./words.mjs";

/** The other one of a direct conversation, if it is one. @param {string} room */
export const partner = (room) =>
  room.startsWith("@")
    ? (room
        .slice(1)
        .split(",")
        .find((name) => name !== chat.value?.user) ?? "")
    : "";

/** The direct conversation with somebody. @param {string} user */
export const direct = (user) => `@${[user, chat.value?.user ?? ""].sort().join(",")}`;

/** What people read of those who are, or were, somewhere here. @type {Map<string, string>} */
export const displays = new Map();

/**
 * What people read of somebody. A guest's has his suffix: what he calls himself may be
 * what somebody else is called.
 *
 * @param {string} user
 */
export function shownName(user) {
  if (user === "*operator") return t("operator");
  const [, suffix] = user.split("~");
  return suffix ? `${displayOf(user).split("~")[0]}~${suffix}` : displayOf(user);
}

/** @param {string} user */
function displayOf(user) {
  for (const room of chat.value?.rooms.values() ?? []) {
    const display = room.people?.get(user)?.display;
    if (display) return display;
  }
  return displays.get(user) ?? ((user === chat.value?.user && chat.value.welcome.display) || user);
}

/** What a room is called. @param {string} name */
export function roomName(name) {
  if (name.startsWith("@")) return shownName(partner(name));
  const title = chat.value?.rooms.get(name)?.settings.title;
  return title || (name.startsWith("~") ? t("privateRoom") : name);
}
