// @ts-check
/**
 * What this browser keeps of the rooms of whoever is in: enough to paint them before there
 * is a connection, and to be read without one.
 *
 * Each room is one record of IndexedDB, under where the page lies, whose it is, and its
 * name. What is painted of it is a room like any other, so the join that says from where
 * it goes on corrects it: edits, deletions, another epoch. What no event tells of (an
 * erasure, what is not kept any more) is asked for when the room is opened. Where the
 * browser keeps nothing, nothing is done here.
 */

import { Room } from "./chatd.mjs";
import { displays, partner } from "./names.mjs";
import { chat, here, home, place, touchAll, touched } from "./state.mjs";
import { effect } from "./ui.mjs";

/** @typedef {import("./chatd.mjs").Chat} Chat */
/** @typedef {{key: string[], at: number, place: string, displays: [string, string][], room: Record<string, any>}} Kept */

/** So many rooms are kept, and so many messages of each, and so much that happened. */
export const ROOMS = 50;
export const MESSAGES = 60;
const MOST_MS = 30 * 86_400_000;
/** How long changes are gathered before they are written. */
const WAIT_MS = 1000;

const FIELDS = "epoch have from first read unread mentions level role settings".split(" ");

/** Rooms that are painted as they were, and not asked for since. @type {WeakSet<Room>} */
const unchecked = new WeakSet();

/** @type {Promise<IDBDatabase>|undefined} */
let opened;

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
const done = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/** @returns {Promise<IDBDatabase>} It rejects where the browser keeps nothing. */
function database() {
  opened ??= (async () => {
    const request = indexedDB.open("chatd", 1);
    request.onupgradeneeded = () => request.result.createObjectStore("rooms", { keyPath: "key" });
    const db = await done(request);
    db.onversionchange = () => {
      db.close();
      opened = undefined;
    };
    return db;
  })();
  return opened;
}

/** @param {IDBTransactionMode} mode */
const records = async (mode) => (await database()).transaction("rooms", mode).objectStore("rooms");

/** All that begins with this: an array is behind any string. @param {string[]} start */
const allOf = (...start) => IDBKeyRange.bound(start, [...start, []]);

/** Forget everything that was kept for this place, whoever it was for. */
async function forget() {
  const store = await records("readwrite");
  await done(store.delete(allOf(home)));
}

/** @param {Kept} one */
const lastOf = ({ room }) => room.messages.at(-1)?.ts ?? 0;

/** What is kept for a user, the room in which something was said last first. @param {string} user @returns {Promise<Kept[]>} */
async function recalled(user) {
  const store = await records("readonly");
  /** @type {Kept[]} */
  const all = await done(store.getAll(allOf(home, user)));
  return all.filter((one) => one.at > Date.now() - MOST_MS).sort((one, two) => lastOf(two) - lastOf(one));
}

/**
 * Paint what is kept, and keep what comes from now on.
 *
 * @param {Chat} made Of whom the user is known.
 */
export async function attend(made) {
  const { user = "" } = made;
  /** @type {Set<string>} */
  const due = new Set();
  /** @type {any} */
  let timer;
  const quiet = () => chat.value !== made || made.state.name === "ended";

  const write = () => {
    clearTimeout(timer);
    timer = undefined;
    if (!due.size || quiet()) return;
    const names = [...due];
    due.clear();
    put(made, names).catch(() => {});
  };
  /** @param {Room} room */
  const changed = ({ name }) => {
    due.add(name);
    timer ??= setTimeout(write, WAIT_MS);
  };
  /** What there was to keep of a room when it was looked at. @type {WeakMap<Room, string>} */
  const seen = new WeakMap();
  made.on("room", (room) => {
    // Most of this is presence and typing.
    const { settings, ...rest } = fieldsOf(room);
    const now = [...Object.values(rest), room.messages[0]?.seq, room.messages.length, room.happened.length].join();
    if (seen.get(room) !== now) changed(room);
    seen.set(room, now);
  });
  made.on("reset", changed);
  made.on("event", (_, room) => changed(room));
  made.on("change", (message, room) => {
    changed(room);
    // What is gone is gone here as well, at once.
    if (message.deleted) write();
  });
  made.on("left", ({ room }) => {
    due.add(room);
    write();
  });
  made.on("renamed", (room, was) => {
    due.add(was).add(room.name);
    write();
  });
  addEventListener("pagehide", write);
  document.addEventListener("visibilitychange", write);

  const stop = effect(() => {
    touched(here.value);
    const room = made.rooms.get(here.value);
    if (room?.live && unchecked.has(room)) check(room);
  });
  const ended = () => {
    const { name, code = "", help } = made.state;
    if (name !== "ended") return;
    clearTimeout(timer);
    removeEventListener("pagehide", write);
    document.removeEventListener("visibilitychange", write);
    stop();
    // Whoever is not let in any more reads nothing any more.
    if (help === "sign in" || ["4503", "banned"].includes(code)) forget().catch(() => {});
  };
  made.on("state", ended);
  ended();

  try {
    // Whoever was in before is not any more.
    const store = await records("readwrite");
    store.delete(IDBKeyRange.bound([home], [home, user], false, true));
    store.delete(IDBKeyRange.bound([home, user, []], [home, []]));
    paint(made, await recalled(user));
  } catch {
    // The browser keeps nothing.
  }
}

/** @param {Chat} made @param {Kept[]} all */
function paint(made, all) {
  // What the daemon says is newer.
  if (made.welcome.user || made.state.name === "ended") return;
  for (const { key, room, displays: names, place: where } of all) {
    const name = key[2];
    const one = Object.assign(new Room(made, name), room);
    unchecked.add(one);
    made.rooms.set(name, one);
    for (const [user, display] of names) displays.set(user, display);
    place.value ||= where;
  }
  touchAll();
}

/** Keep rooms as they are now, or no more if one is not in them. @param {Chat} made @param {string[]} names */
async function put(made, names) {
  const { user = "" } = made;
  const found = names.map((name) => [name, made.rooms.get(name)]);
  const kept = found.map(
    ([name, room]) => /** @type {[string, Kept|undefined]} */ ([name, room && record(made, room)]),
  );
  const store = await records("readwrite");
  for (const [name, one] of kept) {
    if (!one) {
      if (!made.rooms.has(name)) store.delete([home, user, name]);
      continue;
    }
    const request = store.get(one.key);
    request.onsuccess = () => {
      /** @type {Kept|undefined} */
      const other = request.result;
      // A tab that has heard more than this one.
      if (other?.room.epoch === one.room.epoch && other?.room.have > one.room.have) return;
      store.put(one);
    };
  }
  const keys = await done(store.getAllKeys(allOf(home, user)));
  if (keys.length <= ROOMS) return;
  const all = await recalled(user);
  const last = await records("readwrite");
  for (const { key } of all.slice(ROOMS)) last.delete(key);
}

/** @param {any} room @returns {Record<string, any>} */
const fieldsOf = (room) => Object.fromEntries(FIELDS.map((field) => [field, room[field]]));

/** @param {Chat} made @param {any} room @returns {Kept|undefined} */
function record({ user = "" }, room) {
  if (room.have === null) return;
  const one = fieldsOf(room);
  /** @param {any[]} all */
  const lastOnes = (all) => {
    if (all.length > MESSAGES) one.from = Math.max(one.from, all[all.length - MESSAGES].seq);
  };
  lastOnes(room.messages);
  lastOnes(room.happened);
  /** @param {any[]} all */
  const kept = (all) => all.filter(({ seq }) => seq >= one.from);
  const [messages, happened] = [kept(room.messages), kept(room.happened)];
  /** @type {string[]} */
  const names = [...messages, ...happened].flatMap(({ from, user }) => [from, user]);
  return {
    key: [home, user, room.name],
    at: Date.now(),
    place: place.value,
    displays: [...new Set([...names, partner(room.name)])].flatMap((name) => {
      const display = room.people?.get(name)?.display ?? displays.get(name);
      return display ? [/** @type {[string, string]} */ ([name, display])] : [];
    }),
    room: { ...one, messages, happened },
  };
}

/** Ask for what was painted, as it is now. @param {Room} room */
async function check(room) {
  unchecked.delete(room);
  const { elsewhere } = room;
  const was = new Set(elsewhere.keys());
  try {
    const page = await room.history({ limit: MESSAGES });
    if (!page) return;
    const { messages, events = [], as_of: asOf, start } = page;
    const shown = new Set(messages.flatMap((/** @type {any} */ one) => (one.hidden ? [] : [one.seq])));
    // What is older than that and may be wrong is asked for when somebody scrolls to it.
    room.messages = room.messages.filter(({ seq }) => seq > asOf || (seq >= start && shown.has(seq)));
    room.from = Math.max(room.from, start);
    room.happened = [...events, ...room.happened.filter(({ seq }) => seq > asOf)].filter(({ seq }) => seq >= room.from);
    for (const seq of elsewhere.keys()) if (!was.has(seq)) elsewhere.delete(seq);
    room.chat.emit("room", room);
  } catch {
    unchecked.add(room);
  }
}
