// @ts-check
/** What one is and may do in a room, as far as the page knows: the daemon has the last word. */

import { chat, touched } from "./state.mjs";
import { t } from "./words.later.mjs";

/** @typedef {import("./chatd.mjs").Room} Room */

/** @type {Record<string, number>} */
const RANKS = { owner: 3, moderator: 2 };

/** What a role is worth. @param {string} [role] */
export const rankOf = (role = "") => RANKS[role] ?? 1;

/** Whether everybody can find the room. @param {Room} room */
export const isPublic = (room) => !/^[~@]/.test(room.name);

/** What one's own word is worth: an administrator's in a public room as an owner's. @param {Room} room */
export function ownRank(room) {
  // Whoever asks in a view is drawn again when that changes.
  touched(room.name);
  return chat.value?.role === "admin" && isPublic(room) ? 3 : rankOf(room.role);
}

/** Whether one has a moderator's rights. @param {Room} room */
export const mayModerate = (room) => ownRank(room) > 1;

/** Whether the configuration has the room, and its settings. @param {Room} room */
export const isDeclared = (room) => Boolean(chat.value?.welcome.suggested?.includes(room.name));

/** Whether one may ask others in: everybody into a public room. @param {Room} room */
export const mayInvite = (room) => room.live && (!room.name.startsWith("~") || room.role !== "member");

/** What a role is called. @param {string} [role] @param {string} [name] Whose it is. */
export function roleName(role, name = "") {
  /** @type {Record<string, string>} */
  const names = { owner: t("roleOwner"), moderator: t("roleModerator") };
  return names[role ?? ""] ?? (name.includes("~") ? t("roleGuest") : "");
}
