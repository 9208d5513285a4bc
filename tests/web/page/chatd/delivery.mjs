// Whatever happens in between, a `Chat` ends with the rooms as they are.
//
//     node delivery.mjs URL SEED ROUNDS
//
// Three accounts send, edit, delete, react, read back, join, leave and rename, in tabs that
// come and go, on connections that are dropped or read slowly at random moments. On standard output it asks for what it cannot do itself: `kill` (the daemon is
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

/** One tab of a browser, and the connections that it has had. */
class Tab {
  sockets = [];

  constructor({ storage, locks }, credential = {}) {
    const { sockets } = this;
    const Socket = class extends WebSocket {
      constructor(...args) {
        super(...args);
        sockets.push(this);
      }
    };
    this.chat = new Chat(url, { ...credential, storage, locks, WebSocket: Socket });
    for (const kind of ["reset", "left", "renamed"]) this.chat.on(kind, () => count(kind));
    this.chat.on("state", ({ name, code }) => count(code ? `${name} ${code}` : name));
    this.chat.on("outbox", ({ state }) => count(`entry ${state}`));
    this.chat.on("frame", ({ type, recovered }) => {
      if (type === "gap" || recovered !== undefined) count(`${type} ${recovered ?? ""}`);
    });
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

/** One browser: what it keeps, its tabs, and what was given to them. */
class Browser {
  storage = new Storage();
  locks = new Locks();
  /** Of each tab, in its order. */
  given = new Map();

  constructor(name) {
    this.name = name;
    this.tabs = [new Tab(this, { name, password: passwordOf(name) })];
  }

  give(tab, { cid }) {
    this.given.set(tab, [...(this.given.get(tab) ?? []), cid]);
  }

  open() {
    count("tab opened");
    this.tabs.push(new Tab(this));
  }

  /** A tab is closed, whatever it still had to send. */
  async close(n) {
    const [{ chat }] = this.tabs.splice(n, 1);
    chat.close();
    await new Promise(setImmediate);
  }

  /** Everything is sent, or refused, by whichever tab. */
  async done() {
    do {
      // What closed tabs have left is looked for when a page is looked at.
      for (const { chat } of this.tabs) chat.wake();
      for (let n = 0; n < 10; n += 1) await new Promise(setImmediate);
      for (const { chat } of this.tabs) await until(chat, () => isDone(chat));
    } while (this.storage.values.some(({ outbox }) => outbox.some(({ state }) => state === "pending")));
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
    // What is not there may be said, or not.
    ...{ text: undefined, edited: undefined, deleted: undefined, pinned: undefined, ...one },
    reactions: Object.fromEntries(Object.entries(reactions).map(([emoji, names]) => [emoji, [...names].sort()])),
  }));

const names = ["ann", "bob", "cy"];
for (const name of names) await once(url, { type: "register", name, password: passwordOf(name) }, { WebSocket });
const browsers = names.map((name) => new Browser(name));
for (const { tabs } of browsers) {
  const [{ chat }] = tabs;
  await chat.ready();
  await chat.join("lobby");
  // Ann, who is the first, makes it.
  await chat.join("garden");
}
let garden = "garden";

for (let round = 0; round < rounds; round += 1) {
  const paused = new Set();
  for (let n = 0; n < 60; n += 1) {
    const browser = browsers[pick(3)];
    const which = pick(browser.tabs.length);
    const tab = browser.tabs[which];
    const { chat } = tab;
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
        tab.drop();
        break;
      case 6:
        tab.pause();
        paused.add(tab);
        break;
      case 7:
        room.markRead();
        room.type();
        break;
      case 8:
        browser.give(tab, chat.sendTo(names[pick(3)], `${round} ${n}`));
        break;
      case 9:
        if (browser.tabs.length < 3) browser.open();
        if (browser.tabs.length > 1 + pick(2)) await browser.close(which);
        break;
      case 10:
        if (room.name === garden && browser !== browsers[0])
          chat.command({ type: "leave", room: garden }).catch(() => count("leave failed"));
        else if (!chat.rooms.has(garden)) chat.join(garden).catch(() => count("join failed"));
        break;
      case 11:
        if (n % 10 === 0)
          browsers[0].tabs[0].chat.post({ type: "rename", room: garden, name: ["garden", "hall", "attic"][pick(3)] });
        break;
      default:
        browser.give(tab, chat.send(room?.name ?? "lobby", `${round} ${n} ${"x".repeat(pick(3000))}`));
    }
    if (pick(3) === 0) await new Promise(setImmediate);
  }
  if (round % 2) await ask(round % 4 === 3 ? "anew" : "kill");
  for (const tab of paused) tab.resume();
  for (const browser of browsers) await browser.done();
  garden = [...browsers[0].tabs[0].chat.rooms.keys()].find((name) => !["@", "l"].includes(name[0])) ?? garden;
}

// Whoever was last has heard of everything when all heads are one.
const tabs = browsers.flatMap((browser) => browser.tabs.map(({ chat }) => ({ browser, chat })));
const heads = new Map();
for (const { chat } of tabs) {
  await chat.command({ type: "ping" });
  for (const { name, have } of chat.rooms.values()) heads.set(name, Math.max(have, heads.get(name) ?? 0));
}
const given = [];
const stored = new Map();
for (const { browser, chat } of tabs) {
  await until(chat, () => [...chat.rooms.values()].every(({ name, have }) => have >= heads.get(name)) && isDone(chat));
  for (const room of chat.rooms.values()) {
    while (await room.loadOlder(100));
    assert.deepEqual(look(room), look(await fresh(browser, room.name)), `${browser.name} in ${room.name}`);
    assert.ok(room.messages.every(({ seq }, n) => !n || seq > room.messages[n - 1].seq));
    if (!stored.has(room.name)) {
      stored.set(
        room.name,
        room.messages.map(({ from, cid }) => `${from} ${cid}`),
      );
    }
    room.markRead();
    assert.deepEqual([room.unread, room.mentions], [0, 0]);
  }
}
for (const browser of browsers) {
  const failed = new Map(browser.tabs.flatMap(({ chat }) => chat.outbox.map(({ cid, error }) => [cid, error.code])));
  for (const code of failed.values()) {
    assert.ok(["no_message", "forbidden", "not_member", "no_room", "bad_field", "exists"].includes(code), code);
    count(`refused: ${code}`);
  }
  for (const cids of browser.given.values()) {
    const own = cids.filter((cid) => !failed.has(cid)).map((cid) => `${browser.name} ${cid}`);
    given.push(...own);
    // What a tab has said in a room stands there in its order, whichever tab has sent it.
    for (const there of stored.values()) {
      assert.deepEqual(
        own.filter((one) => there.includes(one)),
        there.filter((one) => own.includes(one)),
      );
    }
  }
  assert.equal(new Set(browser.tabs.map(({ chat }) => chat.session)).size, browser.tabs.length);
}
// Nobody was ever taken over.
assert.equal(happened["ended 4506"], undefined);
const all = [...stored.values()].flat();
for (const one of given) assert.equal(all.filter((other) => other === one).length, 1, one);
assert.equal(all.length, given.length);
happened.stored = given.length;
for (const { chat } of tabs) await chat.logout();
console.log(JSON.stringify(happened));
process.exit(0);
