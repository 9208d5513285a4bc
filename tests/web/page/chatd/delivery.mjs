// Whatever happens in between, a `Chat` ends with the rooms as they are.
//
//     node delivery.mjs URL SEED ROUNDS
//
// Three accounts and a guest send, edit, delete, react, read back, join, leave and rename,
// on connections that are dropped or read slowly at random moments, and reload their
// pages. On standard output it asks for what it cannot do itself: `kill` (the daemon is
// killed and started again), `anew` (and every room has a new epoch then); on standard
// input it is told `up`. In the end each list is that of a fresh `history`, and what
// was given to send is there once.
import assert from "node:assert/strict";
import { createInterface } from "node:readline";
import { Chat, Failure, once } from "../../../../chatd/web/page/chatd.mjs";
import { Locks, Storage } from "./world.mjs";

const [url, seed, rounds] = process.argv.slice(2);
let WebSocket = globalThis.WebSocket;
// Node 20 has none.
if (!WebSocket || process.argv.includes("ws"))
  WebSocket = (await import("../../../foreign/node_modules/ws/wrapper.mjs")).default;

const passwordOf = (name) => `correct horse of ${name}`;

let chance = Number(seed);
/** A number from 0 to below `n`. */
const pick = (n) => {
  chance = (chance * 48271) % 2147483647;
  return chance % n;
};
const happened = {};
const count = (what) => {
  happened[what] = (happened[what] ?? 0) + 1;
};

/** One browser: what it keeps, and its page. */
class Browser {
  storage = new Storage();
  locks = new Locks();
  given = [];

  constructor(name, password) {
    this.name = name;
    this.open({ name, password });
  }

  open(credential = {}) {
    const sockets = [];
    this.sockets = sockets;
    const Socket = class extends WebSocket {
      constructor(...args) {
        super(...args);
        sockets.push(this);
      }
    };
    this.chat = new Chat(url, { ...credential, storage: this.storage, locks: this.locks, WebSocket: Socket });
    for (const kind of ["reset", "left", "renamed"]) this.chat.on(kind, () => count(kind));
    this.chat.on("state", ({ name, code }) => count(code ? `${name} ${code}` : name));
    this.chat.on(
      "frame",
      ({ type, recovered }) => (type === "gap" || recovered !== undefined) && count(`${type} ${recovered ?? ""}`),
    );
    this.chat.on("outbox", ({ state }) => count(`entry ${state}`));
  }

  send(room, text) {
    this.given.push(this.chat.send(room, text).cid);
  }

  /** The page is closed, as a browser does it, and opened again. */
  async reload() {
    this.chat.close();
    await new Promise(setImmediate);
    this.open();
  }

  drop() {
    const socket = this.sockets.at(-1);
    if (socket?.terminate) socket.terminate();
    else socket?.close();
  }

  pause() {
    this.sockets.at(-1)?._socket?.pause();
  }

  resume() {
    this.sockets.at(-1)?._socket?.resume();
  }
}

/** Resolves when `is` holds, which is looked at whenever anything happens to the chat. */
function until(chat, is) {
  return new Promise((resolve, reject) => {
    const ends = [];
    const look = () => {
      if (chat.state.name === "ended") reject(new Failure(chat.state));
      else if (is()) resolve();
      else return;
      for (const end of ends) end();
    };
    for (const kind of ["state", "outbox", "event", "room", "reset"]) ends.push(chat.on(kind, look));
    look();
  });
}

const isDone = (chat) => chat.state.name === "ready" && chat.outbox.every(({ state }) => state === "failed");

const told = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
async function ask(what) {
  console.log(what);
  assert.equal((await told.next()).value, "up");
}

/** All of a room, of a connection that has just come. */
async function fresh(browser, name) {
  const chat = new Chat(url, { name: browser.name, password: passwordOf(browser.name), WebSocket });
  await chat.ready();
  const room = chat.rooms.get(name);
  if (room) while (await room.loadOlder(100));
  chat.close();
  return room;
}

/** What a list shows: all of each message but how it came to be known. */
const look = (room) =>
  room.messages.map(({ asOf, reactions, ...one }) => ({
    ...one,
    reactions: Object.fromEntries(Object.entries(reactions).map(([emoji, names]) => [emoji, [...names].sort()])),
  }));

const names = ["ann", "bob", "cy"];
for (const name of names) await once(url, { type: "register", name, password: passwordOf(name) }, { WebSocket });
const browsers = names.map((name) => new Browser(name, passwordOf(name)));
for (const { chat } of browsers) {
  await chat.ready();
  await chat.join("lobby");
}
await browsers[0].chat.command({ type: "create", room: "garden", cid: "1" });
for (const { chat } of browsers) await chat.join("garden");
let garden = "garden";

for (let round = 0; round < rounds; round += 1) {
  const paused = new Set();
  for (let n = 0; n < 60; n += 1) {
    const browser = browsers[pick(3)];
    const { chat } = browser;
    const room = [...chat.rooms.values()][pick(chat.rooms.size || 1)];
    const to = { room: room?.name, of: 1 + pick(room?.have || 1) };
    switch (room && pick(16)) {
      case 0:
        chat.post({ type: "edit", text: `${round} ${n}`, ...to });
        break;
      case 1:
        chat.post({ type: "delete", ...to });
        break;
      case 2:
      case 3:
        chat.post({ type: "react", emoji: ["👍", "🎉"][pick(2)], on: pick(3) > 0, ...to });
        break;
      case 4:
        room
          .loadOlder(1 + pick(30))
          .catch((failure) => assert.ok(["disconnected", "not_member", "no_room"].includes(failure.code), failure));
        break;
      case 5:
        browser.drop();
        break;
      case 6:
        browser.pause();
        paused.add(browser);
        break;
      case 7:
        room.markRead();
        room.type();
        break;
      case 8:
        browser.given.push(chat.sendTo(names[pick(3)], `${round} ${n}`).cid);
        break;
      case 9:
        if (n % 4 === 0) await browser.reload();
        break;
      case 10:
        if (room.name === garden && browser !== browsers[0])
          chat.command({ type: "leave", room: garden }).catch(() => count("leave failed"));
        else if (!chat.rooms.has(garden)) chat.join(garden).catch(() => count("join failed"));
        break;
      case 11:
        if (n % 10 === 0)
          browsers[0].chat.post({ type: "rename", room: garden, name: ["garden", "hall", "attic"][pick(3)] });
        break;
      default:
        browser.send(room?.name ?? "lobby", `${round} ${n} ${"x".repeat(pick(3000))}`);
    }
    if (pick(3) === 0) await new Promise(setImmediate);
  }
  if (round % 2) await ask(round % 4 === 3 ? "anew" : "kill");
  for (const browser of paused) browser.resume();
  for (const { chat } of browsers) await until(chat, () => isDone(chat));
  garden = [...browsers[0].chat.rooms.keys()].find((name) => !["@", "l"].includes(name[0])) ?? garden;
}

// Whoever was last has heard of everything when all heads are one.
const heads = new Map();
for (const { chat } of browsers) {
  await chat.command({ type: "ping" });
  for (const { name, have } of chat.rooms.values()) heads.set(name, Math.max(have, heads.get(name) ?? 0));
}
const given = [];
const stored = new Map();
for (const browser of browsers) {
  const { chat } = browser;
  await until(chat, () => [...chat.rooms.values()].every(({ name, have }) => have >= heads.get(name)) && isDone(chat));
  for (const room of chat.rooms.values()) {
    while (await room.loadOlder(100));
    assert.deepEqual(look(room), look(await fresh(browser, room.name)), `${browser.name} in ${room.name}`);
    assert.ok(room.messages.every(({ seq }, n) => !n || seq > room.messages[n - 1].seq));
    if (!stored.has(room.name))
      stored.set(
        room.name,
        room.messages.map(({ from, cid }) => `${from} ${cid}`),
      );
    room.markRead();
    assert.deepEqual([room.unread, room.mentions], [0, 0]);
  }
  const failed = new Map(chat.outbox.map(({ cid, error }) => [cid, error.code]));
  for (const code of failed.values()) {
    assert.ok(["no_message", "forbidden", "not_member", "no_room", "bad_field", "exists"].includes(code), code);
    count(`refused: ${code}`);
  }
  for (const cid of browser.given) {
    if (!failed.has(cid)) given.push(`${browser.name} ${cid}`);
  }
}
const all = [...stored.values()].flat();
for (const one of given) assert.equal(all.filter((other) => other === one).length, 1, one);
assert.equal(all.length, given.length);
happened.stored = given.length;
for (const { chat } of browsers) await chat.logout();
console.log(JSON.stringify(happened));
process.exit(0);
