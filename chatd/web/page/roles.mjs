// @ts-check
/** Who is in a room, and as what. */

import { displays } from "./names.mjs";
import { pages } from "./pages.mjs";
import { chat, roles, touch } from "./state.mjs";

/** @typedef {import("./chatd.mjs").Room} Room */

const MOST_DISPLAYS = 2000;

/**
 * Learn who is in a room, also of those who are not online: what they are called there.
 *
 * @param {string} room @returns {Promise<Map<string, string>>} The role of each, by name.
 */
async function learnMembers(room) {
  /** @type {Map<string, string>} */
  const found = new Map();
  for await (const { users } of pages({ type: "who", room, all: true })) {
    for (const { name, display, role } of users) {
      if (display) displays.set(name, display);
      found.set(name, role ?? "member");
    }
    if (displays.size >= MOST_DISPLAYS) break;
  }
  touch("", room);
  return found;
}

/**
 * Hear who comes into a room, goes, or becomes something else there.
 *
 * @param {Room|undefined} room
 * @param {(user: string, role?: string) => void} took As what he is in it now, or no longer.
 * @returns {(() => void)|undefined} What ends that.
 */
export const onMember = (room, took) =>
  chat.value?.on("event", ({ type, user, change, role }, of) => {
    if (of !== room || type !== "member") return;
    if (role || ["leave", "kick", "ban"].includes(change)) took(user, role);
  });

/**
 * Keep the roles of those in a room as they are.
 *
 * @param {Room} room One that is open. @returns {() => void} What ends that.
 */
export function followRoles(room) {
  let isHere = true;
  /** @param {Map<string, string>} found */
  const set = (found) => {
    if (isHere) roles.value = found;
  };
  /** @typedef {(known: Map<string, string>) => void} Change */
  /** What has changed since it was asked for, which the answer may not have. @type {Change[]|undefined} */
  let since = room.live ? [] : undefined;
  /** @param {Map<string, string>} known @param {Change[]} changes */
  const apply = (known, changes) => {
    const now = new Map(known);
    for (const change of changes) change(now);
    set(now);
  };
  // Where it is not known, nobody's role is shown.
  if (since)
    learnMembers(room.name)
      .then(
        (found) => apply(found, since ?? []),
        () => {},
      )
      .then(() => (since = undefined));
  /** @param {Change} change */
  const take = (change) => {
    since?.push(change);
    apply(roles.peek(), [change]);
  };
  const stop = onMember(room, (user, role) => take((now) => (role ? now.set(user, role) : now.delete(user))));
  // Not each room tells who has become a member; whoever is there and has an account is one.
  const stopPresence = chat.value?.on("frame", ({ type, room: where, join = [] }) => {
    if (type !== "presence" || where !== room.name) return;
    const names = join
      .map((/** @type {any} */ one) => one.name)
      .filter((/** @type {string} */ name) => !name.includes("~"));
    if (!names.some((/** @type {string} */ name) => since || !roles.peek().has(name))) return;
    take((now) => {
      for (const name of names) if (!now.has(name)) now.set(name, "member");
    });
  });
  return () => {
    isHere = false;
    stop?.();
    stopPresence?.();
  };
}
