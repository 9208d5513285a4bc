// @ts-check
/** The connection of the page: asking, logging in, and what is done when something comes. */

import { open } from "./address.mjs";
import { Chat, Failure, once, Room } from "./chatd.mjs";
import { draft, keep, keepDraft, ownKey, storage } from "./kept.mjs";
import { displays, partner } from "./names.mjs";
import { say } from "./reasons.mjs";
import {
  about,
  chat,
  connection,
  face,
  here,
  home,
  isOutdated,
  isOver,
  notice,
  place,
  touch,
  touchAll,
} from "./state.mjs";
import { t } from "./words.mjs";

const socketUrl = `${home.replace(/^http/, "ws")}ws`;
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

/** Ask what is asked before a login. @param {Record<string, any>} frame */
export const ask = (frame) => once(socketUrl, frame);

/**
 * Ask for one page of a list after the other, as long as there are and somebody wants them.
 *
 * @param {Record<string, any>} command Without `after`.
 * @returns {AsyncGenerator<Record<string, any>>}
 */
export async function* pages(command) {
  let after;
  do {
    /** @type {any} */
    const page = await chat.value?.command({ ...command, after });
    yield page;
    after = page.next;
  } while (after !== undefined);
}

const MOST_DISPLAYS = 2000;

/**
 * Learn who is in a room, also of those who are not online: what they are called there.
 *
 * @param {string} room @returns {Promise<Map<string, string>>} The role of each, by name.
 */
export async function learnMembers(room) {
  /** @type {Map<string, string>} */
  const roles = new Map();
  for await (const { users } of pages({ type: "who", room, all: true })) {
    for (const { name, display, role } of users) {
      if (display) displays.set(name, display);
      if (role) roles.set(name, role);
    }
    if (displays.size >= MOST_DISPLAYS) break;
  }
  touch("", room);
  return roles;
}

/** Wait, but no longer than until there is a network again. @param {number} ms */
const pause = (ms) =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
    addEventListener("online", resolve, { once: true });
  });

/** Learn what the daemon says of itself, again and again until it does. */
export async function learn() {
  for (let attempt = 0; ; attempt += 1) {
    try {
      about.value = await ask({ type: "about" });
      place.value = about.value?.place;
      return;
    } catch {
      about.value = null;
      notice.value = t("cannotReach");
      await pause(Math.min(1000 * 2 ** attempt, 15_000) * (0.5 + Math.random() / 2));
      notice.value = "";
    }
  }
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
  made.on("state", (state) => {
    if (quiet()) return;
    connection.value = state;
    // Who comes back can write before there is a connection.
    if (state.name === "connecting" && made.user && face.value === "loading") face.value = "talk";
    if (state.name === "catching up") {
      place.value = made.welcome.place ?? place.value;
      // Each connection has a status of its own.
      made.whisper({ type: "status", ...status() });
      isOutdated.value = Boolean(ownVersion && made.welcome.page && made.welcome.page !== ownVersion);
    }
    if (state.name === "ended" && face.value === "talk") ended(state);
    touchAll();
  });
  const changed = (/** @type {Room} */ room) => touch("", room.name);
  made.on("room", changed);
  made.on("reset", changed);
  made.on("event", (_, room) => changed(room));
  made.on("outbox", () => touch("", here.peek()));
  made.on("invited", () => touch());
  made.on("frame", (frame) => {
    if (frame.type === "place") place.value = frame.name;
  });
  made.on("change", (_, room) => changed(room));
  made.on("renamed", (room, was) => {
    keepDraft(room.name, draft(was));
    keepDraft(was, "");
    if (here.value === was) open(room.name, true);
    touch("", room.name, was);
  });
  made.on("left", (frame) => {
    const name = frame.title ?? `#${frame.room}`;
    /** @type {Record<string, string>} */
    const reasons = {
      kick: t("leftKick", { room: name }),
      ban: t("leftBan", { room: name }),
      destroy: t("leftDestroy", { room: name }),
    };
    if (frame.reason !== "leave") say(reasons[frame.reason] ?? t("leftRoom", { room: name }));
    if (here.value === frame.room) open("", true);
    touch("", frame.room);
  });
}

/** A chat has ended: say why, and what helps. @param {import("./chatd.mjs").State} state */
function ended(state) {
  // The close itself says only that; the reason comes with the next login.
  const why = state.text === "banned" ? "" : state.text;
  const banned = why ? t("bannedReason", { reason: why }) : t("bannedFromServer");
  /** @type {Record<string, string>} */
  const texts = {
    1000: t("loggedOut"),
    4003: t("tokenExpired"),
    4500: t("wrongCredentials"),
    4503: banned,
    4504: t("tooMany"),
    4505: t("sessionEnded"),
    4506: t("takenOver"),
    bad_credentials: t("sessionEnded"),
    banned,
  };
  notice.value = texts[state.code ?? ""] ?? t("ended", { reason: state.text || state.code || "" });
  isOver.value = state.help === "reload";
  face.value = "login";
  chat.value = null;
  here.value = "";
  learn();
}

const statusKey = () => ownKey("status");

/** How one has said that one is. @returns {{state: string, text?: string}} */
export const status = () => JSON.parse(storage.getItem(statusKey()) ?? '{"state": "online"}');

/**
 * Say how one is; that holds until one says something else, over reloads too.
 *
 * @param {{state: string, text?: string}} said
 */
export async function setStatus(said) {
  await chat.value?.command({ type: "status", ...said });
  keep(statusKey(), said.state === "online" && !said.text ? "" : JSON.stringify(said));
}

/** @type {WeakMap<Chat, Map<string, Room>>} */
const standIns = new WeakMap();

/**
 * A room as one knows it. A conversation that nobody has begun, and what is opened before
 * the connection is there, has a stand-in: one can write into it.
 *
 * @param {string} name @returns {Room|undefined}
 */
export function roomOf(name) {
  const of = chat.value;
  const room = of?.rooms.get(name);
  const isComing =
    connection.value.name === "connecting" || connection.value.name === "catching up" || !of?.welcome.user;
  if (room || !of || !name || !(partner(name) || isComing)) return room;
  const known = standIns.get(of) ?? new Map();
  standIns.set(of, known);
  const made = known.get(name) ?? new Room(of, name);
  known.set(name, made);
  if (!isComing) Object.assign(made, { have: 0, from: 1 });
  return made;
}
