import assert from "node:assert/strict";
import { test } from "node:test";
import { Chat } from "../../../../chatd/web/page/chatd.mjs";
import { caughtUp, joined, listed, message, World, welcome } from "./world.mjs";

const URL = "ws://chat.test/ws";

/** ann, who is in the lobby at event 0 and in the garden at event 0. */
async function inRooms(world, options = {}) {
  const chat = new Chat(URL, world.options({ name: "ann", password: "pw", storage: world.storage, ...options }));
  await enter(world);
  return chat;
}

async function enter(world, seq = 0) {
  const joins = await world.welcome([listed("lobby", seq), listed("garden", 0)]);
  for (const { id, room, type } of joins) {
    if (type === "join") await world.say(joined(id, room, room === "lobby" ? seq : 0));
  }
  return joins.filter(({ type }) => type !== "join");
}

/** The daemon stores what was sent as event `seq`; returns what it is told next. */
async function store(world, sent, seq) {
  const ok = {
    type: "ok",
    re: sent.type,
    id: sent.id,
    cid: sent.cid,
    room: sent.room,
    seq,
    ts: "2026-11-22T12:00:00.000Z",
  };
  return [
    ...(await world.say(ok)),
    ...(await world.say(message(seq, sent.text, { room: sent.room, from: "ann", cid: sent.cid }))),
  ];
}

const refuse = (world, sent, code, more = {}) =>
  world.say({ type: "error", re: sent.type, id: sent.id, cid: sent.cid, code, text: code, ...more });

test("an entry is pending, sent, and gone when its message is there", async () => {
  const world = new World();
  const chat = await inRooms(world);
  const states = [];
  chat.on("outbox", (entry) => states.push([entry.state, chat.outbox.includes(entry)]));
  const entry = chat.send("lobby", "hi", { replyTo: 7 });
  const [sent] = world.socket.take();
  assert.deepEqual([sent.type, sent.room, sent.text, sent.reply_to, sent.cid], ["send", "lobby", "hi", 7, entry.cid]);
  await world.say({ type: "ok", re: "send", id: sent.id, cid: sent.cid, room: "lobby", seq: 1 });
  assert.deepEqual([entry.state, entry.seq, chat.rooms.get("lobby").outbox], ["sent", 1, [entry]]);
  await world.say(message(1, "hi", { from: "ann", cid: sent.cid }));
  assert.deepEqual(states, [
    ["pending", true],
    ["sent", true],
    ["sent", false],
  ]);
  assert.deepEqual([chat.outbox, chat.rooms.get("lobby").messages.length], [[], 1]);
});

test("of one room the next waits for the answer, and other rooms do not", async () => {
  const world = new World();
  const chat = await inRooms(world);
  for (const [room, text] of [
    ["lobby", "1"],
    ["lobby", "2"],
    ["garden", "a"],
    ["lobby", "3"],
  ])
    chat.send(room, text);
  const [one, a, ...others] = world.socket.take();
  assert.deepEqual([one.text, a.text, others], ["1", "a", []]);
  const [two] = await store(world, one, 1);
  assert.equal(two.text, "2");
  await refuse(world, two, "rate_limited", { retry_after: 3 });
  await world.pass(2999);
  assert.deepEqual(world.socket.take(), []);
  await world.pass(1);
  const [again] = world.socket.take();
  assert.deepEqual([again.text, again.cid], ["2", two.cid]);
  const [three] = await store(world, again, 2);
  assert.equal(three.text, "3");
});

test("what it waits for is told while it is pending", async () => {
  const world = new World();
  const chat = await inRooms(world);
  const entry = chat.send("lobby", "hi");
  const [sent] = world.socket.take();
  await refuse(world, sent, "unavailable", { retry_after: 30 });
  assert.deepEqual([entry.state, entry.error.code, entry.error.retryAfter], ["pending", "unavailable", 30]);
  await world.pass(30_000);
  await store(world, world.socket.take()[0], 1);
  assert.deepEqual([entry.state, entry.error], ["sent", undefined]);
});

test("what is refused has failed, lets others pass, and may be retried or discarded", async () => {
  const world = new World();
  const chat = await inRooms(world);
  const [one, two] = [chat.send("lobby", "1"), chat.send("lobby", "2")];
  const [next] = await refuse(world, world.socket.take()[0], "muted");
  assert.deepEqual([one.state, one.error.code, next.text], ["failed", "muted", "2"]);
  await store(world, next, 1);
  chat.retry(one);
  const [again] = world.socket.take();
  assert.deepEqual([one.state, one.error, again.cid], ["pending", undefined, one.cid]);
  await refuse(world, again, "rate_limited", { retry_after: 600 });
  assert.deepEqual([one.state, one.error.retryAfter], ["failed", 600]);
  chat.discard(one);
  assert.deepEqual([chat.outbox, two.state], [[], "sent"]);
  assert.deepEqual(
    world.storage.values.map(({ outbox }) => outbox),
    [[]],
  );
});

test("what was not answered is sent again after the connection, with the same cid", async () => {
  const world = new World();
  const chat = await inRooms(world);
  const entry = chat.send("lobby", "1");
  chat.send("lobby", "2");
  const [lost] = world.socket.take();
  await world.end();
  chat.send("lobby", "3");
  assert.equal(entry.state, "pending");
  await world.pass(1000);
  const [again] = await enter(world);
  assert.deepEqual([again.text, again.cid], ["1", lost.cid]);
  const [two] = await store(world, again, 1);
  const [three] = await store(world, two, 2);
  assert.deepEqual([two.text, three.text], ["2", "3"]);
});

test("what was stored though its answer got lost is not shown twice while it is asked again", async () => {
  const world = new World();
  const chat = await inRooms(world);
  chat.send("lobby", "1");
  const [{ cid }] = world.socket.take();
  await world.end();
  await world.pass(1000);
  const asked = await world.welcome([listed("lobby", 1)]);
  const join = asked.find(({ type }) => type === "join");
  const again = asked.find(({ type }) => type === "send");
  await world.say([joined(join.id, "lobby", 1, { recovered: true }), message(1, "1", { from: "ann", cid })]);
  assert.deepEqual([chat.outbox, chat.rooms.get("lobby").messages.length], [[], 1]);
  await world.say([
    caughtUp(join.id, "lobby", 1),
    { type: "ok", re: "send", id: again.id, cid, room: "lobby", seq: 1, dup: true },
  ]);
  chat.send("lobby", "2");
  assert.equal(world.socket.take()[0].text, "2");
});

test("somebody else's cid is his own", async () => {
  const world = new World();
  const chat = await inRooms(world);
  const entry = chat.send("lobby", "1");
  await world.say(message(1, "other", { cid: entry.cid }));
  assert.deepEqual(chat.outbox, [entry]);
});

test("what is sent while a room catches up is seen until it comes", async () => {
  const world = new World();
  const chat = await inRooms(world);
  const [join] = await world.say({ type: "gap", room: "lobby", have: 0, seq: 1 });
  const entry = chat.send("lobby", "2");
  const [sent] = world.socket.take();
  await world.say({ type: "ok", re: "send", id: sent.id, cid: sent.cid, room: "lobby", seq: 2 });
  await world.say([joined(join.id, "lobby", 2, { recovered: true }), message(1, "1")]);
  assert.deepEqual(chat.outbox, [entry]);
  await world.say([message(2, "2", { from: "ann", cid: sent.cid }), caughtUp(join.id, "lobby", 2)]);
  assert.deepEqual([chat.outbox, chat.rooms.get("lobby").messages.length], [[], 2]);
});

test("what is sent into a room that one does not follow is done when it is stored", async () => {
  const world = new World();
  const chat = await inRooms(world);
  chat.send("elsewhere", "hi");
  const [sent] = world.socket.take();
  await world.say({ type: "ok", re: "send", id: sent.id, cid: sent.cid, room: "elsewhere", seq: 9 });
  assert.deepEqual(chat.outbox, []);
});

test("the first words to somebody go to him, the next into the conversation, in their order", async () => {
  const world = new World();
  const chat = await inRooms(world);
  chat.sendTo("bob", "1");
  chat.sendTo("bob", "2");
  const [one, ...others] = world.socket.take();
  assert.deepEqual([one.to, one.room, one.text, others], ["bob", undefined, "1", []]);
  const ok = { type: "ok", re: "send", id: one.id, cid: one.cid, room: "@ann,bob", seq: 1 };
  const event = message(1, "1", { room: "@ann,bob", epoch: "e9", from: "ann", cid: one.cid });
  const [two, join] = [...(await world.say(ok)), ...(await world.say(event))];
  assert.deepEqual([two.to, two.text, join.type, join.since], ["bob", "2", "join", 1]);
  await world.say({ ...ok, id: two.id, cid: two.cid, seq: 2 });
  const room = chat.rooms.get("@ann,bob");
  assert.equal(room.outbox.length, 1);
  await world.say([
    joined(join.id, "@ann,bob", 2, { epoch: "e9", recovered: true }),
    message(2, "2", { room: "@ann,bob", from: "ann", cid: two.cid }),
    caughtUp(join.id, "@ann,bob", 2),
  ]);
  chat.sendTo("bob", "3");
  assert.deepEqual([room.outbox.length, world.socket.take()[0].room], [1, "@ann,bob"]);
});

test("what waits follows a room to its new name, and stays in order", async () => {
  const world = new World();
  const chat = await inRooms(world);
  chat.send("lobby", "1");
  chat.send("lobby", "2");
  const [one] = world.socket.take();
  await world.say({ type: "renamed", room: "hall", was: ["lobby"] });
  const room = chat.rooms.get("hall");
  assert.deepEqual(
    room.outbox.map(({ command }) => command.text),
    ["1", "2"],
  );
  assert.deepEqual(world.socket.take(), []);
  const [two] = await world.say({ type: "ok", re: "send", id: one.id, cid: one.cid, room: "hall", seq: 1 });
  assert.deepEqual([two.room, two.text], ["hall", "2"]);
  await world.say(message(1, "1", { room: "hall", from: "ann", cid: one.cid }));
  assert.deepEqual([room.outbox.length, room.messages.length], [1, 1]);
});

test("what is answered behind its message and a new name of its room holds nothing up", async () => {
  const world = new World();
  const chat = await inRooms(world);
  chat.send("lobby", "1");
  chat.send("lobby", "2");
  const [one] = world.socket.take();
  await world.say(message(1, "1", { from: "ann", cid: one.cid }));
  assert.deepEqual(
    chat.outbox.map(({ command }) => command.text),
    ["2"],
  );
  await world.say({ type: "renamed", room: "hall", was: ["lobby"] });
  assert.deepEqual(world.socket.take(), []);
  const [two] = await world.say({ type: "ok", re: "send", id: one.id, cid: one.cid, room: "hall", seq: 1 });
  assert.deepEqual([two.room, two.text], ["hall", "2"]);
});

test("what waits is there after the page was closed, in its order, and is sent once", async () => {
  const world = new World();
  const first = await inRooms(world);
  await world.end();
  for (const text of ["1", "2"]) first.send("lobby", text);
  first.close();
  const chat = new Chat(URL, world.options({ storage: world.storage }));
  const known = [];
  chat.on("state", ({ name }) => known.push([name, chat.user, chat.outbox.length]));
  await world.settle();
  // Before the daemon has said anything.
  assert.deepEqual(known, [["connecting", "ann", 2]]);
  assert.deepEqual(
    [chat.user, chat.outbox.map(({ command, state }) => [command.text, state])],
    [
      "ann",
      [
        ["1", "pending"],
        ["2", "pending"],
      ],
    ],
  );
  const [hello] = await world.accept();
  assert.deepEqual([hello.session, hello.another], ["s1", undefined]);
  const [one] = await world.say(welcome(hello.id, []));
  assert.deepEqual([one.text, one.cid], ["1", first.outbox[0].cid]);
  const [two] = await store(world, one, 1);
  assert.equal(two.text, "2");
  await store(world, two, 2);
  assert.deepEqual(
    world.storage.values.map(({ outbox }) => outbox),
    [[]],
  );
});

test("what has failed is kept with its reason, and not sent by itself", async () => {
  const world = new World();
  const first = await inRooms(world);
  first.send("lobby", "1");
  await refuse(world, world.socket.take()[0], "muted");
  first.close();
  const chat = new Chat(URL, world.options({ storage: world.storage }));
  const asked = await world.welcome([]);
  assert.deepEqual(asked, []);
  const [entry] = chat.outbox;
  assert.deepEqual(
    [entry.state, entry.error instanceof Error, entry.error.code, entry.error.text],
    ["failed", true, "muted", "muted"],
  );
});

test("what was typed outlives the session, for the same user alone", async () => {
  const world = new World();
  const first = await inRooms(world);
  await world.end();
  first.send("lobby", "1");
  await world.pass(1000);
  await world.accept();
  await world.end(4505);
  assert.deepEqual(
    world.storage.values.map(({ session, outbox }) => [session, outbox.length]),
    [[undefined, 1]],
  );
  const other = new Chat(URL, world.options({ name: "bob", password: "x", storage: world.storage }));
  assert.deepEqual(await world.welcome([], { user: "bob", session: "s2" }), []);
  other.close();
  const chat = new Chat(URL, world.options({ name: "ann", password: "pw", storage: world.storage }));
  const [sent] = await world.welcome([], { session: "s3" });
  assert.deepEqual([sent.text, chat.outbox.length], ["1", 1]);
});

test("what has waited so long that its cid may be forgotten is not sent by itself", async () => {
  const world = new World();
  const chat = await inRooms(world);
  await world.end();
  const entry = chat.send("lobby", "1");
  world.now += 6 * 86_400_000 + 1;
  chat.wake();
  assert.deepEqual(await enter(world), []);
  assert.deepEqual([entry.state, entry.error.code], ["failed", "too_old"]);
  chat.retry(entry);
  assert.equal(world.socket.take()[0].text, "1");
});

test("the outbox is bounded, and says so before it takes anything", async () => {
  const world = new World();
  const chat = await inRooms(world);
  await world.end();
  for (let n = 0; n < 1000; n += 1) chat.send("lobby", String(n));
  assert.throws(() => chat.send("lobby", "more"), { code: "outbox_full" });
  assert.equal(chat.outbox.length, 1000);
});

for (const [what, storage] of [
  [
    "denied",
    new Proxy(
      {},
      {
        get: () => {
          throw new Error("denied");
        },
      },
    ),
  ],
  [
    "full",
    {
      length: 0,
      key: () => null,
      getItem: () => null,
      removeItem: () => {},
      setItem: () => {
        throw new Error("full");
      },
    },
  ],
  [
    "full of something else",
    { length: 1, key: () => `chatd ${URL} x`, getItem: () => "{", removeItem: () => {}, setItem: () => {} },
  ],
]) {
  test(`a storage that is ${what} is done without`, async () => {
    const world = new World();
    const chat = await inRooms(world, { storage });
    chat.send("lobby", "1");
    await store(world, world.socket.take()[0], 1);
    assert.deepEqual([chat.outbox, chat.state.name], [[], "ready"]);
  });
}

/** As `enter`; returns what is sent once the rooms are there. */
async function enterAgain(world) {
  await world.end();
  await world.pass(60_000);
  const [lobby, garden] = await world.welcome([listed("lobby", 0), listed("garden", 0)]);
  return [...(await world.say(joined(lobby.id, "lobby", 0))), ...(await world.say(joined(garden.id, "garden", 0)))];
}

test("a room is made once, though the connection is lost before the answer", async () => {
  const world = new World();
  const chat = await inRooms(world);
  const made = chat.command({ type: "create", private: true });
  const [sent] = world.socket.take();
  assert.ok(sent.cid);
  const [again] = await enterAgain(world);
  assert.deepEqual({ ...again, id: sent.id }, sent);
  const [last] = await enterAgain(world);
  assert.deepEqual({ ...last, id: sent.id }, sent);
  await world.say({ type: "ok", re: "create", id: last.id, cid: sent.cid, room: "~new", dup: true });
  assert.equal((await made).room, "~new");
});

test("what was never sent, only asks, or outlives the session, is not sent again", async () => {
  const world = new World();
  const chat = await inRooms(world);
  const failed = (command) => assert.rejects(chat.command(command), { code: "disconnected" });
  const asked = failed({ type: "rooms" });
  const durable = assert.rejects(chat.command({ type: "kick", room: "lobby", user: "bob" }), { code: "4503" });
  await world.end();
  await asked;
  await failed({ type: "create", private: true });
  await world.pass(60_000);
  await world.accept();
  await world.end(4503);
  await durable;
});
