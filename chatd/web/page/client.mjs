// @ts-check
/** The connection of the page: logging in, and what is done when something comes. */

import { open } from "./address.mjs";
import { eventually } from "./again.mjs";
import { Chat, Failure, Room } from "./chatd.mjs";
import { draft, drafts, keepDraft, noticesKey, ownKey, storage } from "./kept.mjs";
import {
  aside,
  chat,
  connection,
  face,
  forgetMarked,
  here,
  home,
  isOutdated,
  isOver,
  notice,
  place,
  setMarked,
  touch,
  touchAll,
} from "./state.mjs";
import { t } from "./words.mjs";

export const socketUrl = `${home.replace(/^http/, "ws")}ws`;
/** The version of these files, as the daemon tells it of its own. */
const ownVersion = /\/_\/([0-9a-f]+)\//.exec(import.meta.url)?.[1];

/** What the device is called in the list of sessions. */
function device() {
  const agent = navigator.userAgent;
  const browser = /(Edg|OPR|Firefox|Chrome|Safari)/.exec(agent)?.[1] ?? "";
  const system = /(iPhone|iPad|Android|Windows|Mac OS X|Linux)/.exec(agent)?.[1] ?? "";
  /** @type {Record<string, string>} */
  const names = { Edg: "Edge", OPR: "Opera", "Mac OS X": "macOS" };
  return [names[browser] ?? browser, names[system] ?? system].filter(Boolean).join(", ");
}

/**
 * Log in; resolves once one is in.
 *
 * @param {Record<string, any>} credentials As `Chat` takes them; without any, those that
 *   this browser keeps.
 * @throws {Failure} One is not let in.
 */
export async function logIn(credentials) {
  const made = new Chat(socketUrl, { ...credentials, device: device(), storage });
  follow(made);
  try {
    await entered(made);
  } catch (failure) {
    made.close();
    if (chat.value === made) chat.value = null;
    throw failure;
  }
  notice.value = "";
  // Whoever is nowhere yet goes where the operator suggests.
  if (!made.rooms.size)
    await Promise.all(
      (made.welcome.suggested ?? []).map((/** @type {string} */ room) => made.join(room).catch(() => {})),
    );
  face.value = "talk";
}

/** Resolves once a chat has been let in, however long that takes. @param {Chat} made */
const entered = (made) =>
  new Promise((resolve, reject) => {
    const look = () => {
      const { name } = made.state;
      if (name === "catching up" || name === "ready") resolve(made);
      else if (name === "ended") reject(new Failure(made.state));
      else if (name === "offline") notice.value = t("cannotReach");
      else notice.value = "";
    };
    made.on("state", look);
    look();
  });

/** @param {Chat} made */
function follow(made) {
  chat.value = made;
  const quiet = () => chat.value !== made;
  let isAttended = false;
  made.on("state", (state) => {
    if (quiet()) return;
    connection.value = state;
    if (made.user && !isAttended) {
      isAttended = true;
      // Without it all else works.
      const all = [() => import("./recall.mjs"), () => import("./threads.mjs"), () => import("./departed.mjs")];
      for (const load of /** @type {(() => Promise<any>)[]} */ (all))
        eventually(load).then((module) => module.attend(made));
    }
    // Who comes back can write before there is a connection.
    if (state.name === "connecting" && made.user && face.value === "loading") face.value = "talk";
    if (state.name === "catching up") {
      if (storage.getItem(noticesKey()))
        eventually(() => import("./notices.mjs")).then((module) => module.attend(made));
      place.value = made.welcome.place ?? place.value;
      // Each connection has a status of its own.
      made.whisper({ type: "status", ...status() });
      isOutdated.value = Boolean(ownVersion && made.welcome.page && made.welcome.page !== ownVersion);
    }
    if (state.name === "ended" && face.value === "talk") ended(state);
    touchAll();
  });
  const changed = (/** @type {Room} */ room) => {
    // What is further up is held while somebody reads there.
    room.limit = 300;
    if (room.from < room.first) {
      room.messages = room.messages.filter((one) => one.seq >= room.first);
      room.happened = room.happened.filter((one) => one.seq >= room.first);
      room.from = room.first;
    }
    touch(room.name);
    // The list may be long, and much may be said.
    isStale = true;
    if (!listing) list();
  };
  let isStale = false;
  /** @type {any} */
  let listing;
  const list = () => {
    listing = isStale && setTimeout(list, 250);
    if (isStale) touch("");
    isStale = false;
  };
  made.on("room", changed);
  made.on("reset", changed);
  made.on("event", (_, room) => changed(room));
  made.on("outbox", () => touch("", here.peek()));
  made.on("invited", () => touch(""));
  made.on("frame", (frame) => {
    if (frame.type === "place") place.value = frame.name;
    if (frame.type === "bookmark") setMarked(frame.room, frame.of, frame.on);
  });
  made.on("change", (_, room) => changed(room));
  made.on("renamed", (room, was) => {
    for (const one of drafts()) {
      if (one.split(" ")[0] !== was) continue;
      keepDraft(room.name + one.slice(was.length), draft(one));
      keepDraft(one, "");
    }
    if (here.value === was) open(room.name, true, aside.value);
    touch("", room.name, was);
  });
  made.on("left", ({ room }) => {
    // Where it was not one's own doing, one is told (`departed.mjs`).
    if (here.value === room) open("", true);
    touch("", room);
  });
}

/** @type {typeof import("./outside.mjs")|undefined} */
let outside;
/** Load what is said to whoever is out: at best while he is in. */
export const loadOutside = async () => {
  outside ??= await import("./outside.mjs");
  return outside;
};

/** A chat has ended: whoever was in is out, and told why. @param {import("./chatd.mjs").State} state */
function ended(state) {
  isOver.value = state.help === "reload";
  face.value = "login";
  chat.value = null;
  here.value = "";
  forgetMarked();
  if (outside) outside.ended(state);
  // Until it comes, nor does the face of whoever is out, and something else is said.
  else eventually(loadOutside).then((module) => module.ended(state));
}

/** Send a command; resolves to its `ok`. @param {Record<string, any>} wanted @returns {Promise<any>} */
export const command = (wanted) => /** @type {any} */ (chat.value).command(wanted);

/** Under which it is kept how one has said that one is. */
export const statusKey = () => ownKey("status");

/** How one has said that one is. @returns {{state: string, text?: string}} */
export const status = () => JSON.parse(storage.getItem(statusKey()) ?? '{"state": "online"}');

/** @type {WeakMap<Chat, Map<string, Room>>} */
const standIns = new WeakMap();

/**
 * A room as one knows it. A conversation that nobody has begun, and what is opened before
 * it is known where one is, has a stand-in: one can write into it.
 *
 * @param {string} name @returns {Room|undefined}
 */
export function roomOf(name) {
  const of = chat.value;
  const room = of?.rooms.get(name);
  // A view that asks is drawn again when it becomes known.
  void connection.value;
  const isComing = !of?.welcome.user;
  const isOwn = name.startsWith("@") && name.split(/[@,]/).includes(of?.user ?? "");
  if (room || !of || !name || !(isOwn || isComing)) return room;
  const known = standIns.get(of) ?? new Map();
  standIns.set(of, known);
  const made = known.get(name) ?? new Room(of, name);
  known.set(name, made);
  if (!isComing) Object.assign(made, { have: 0, from: 1 });
  return made;
}
