import assert from "node:assert/strict";
import { test } from "node:test";
import { Chat } from "../../../../chatd/web/page/chatd.mjs";
import { caughtUp, event, joined, listed, message, World, welcome } from "./world.mjs";

const URL = "ws://chat.test/ws";
const ts = "2026-11-22T12:00:00.000Z";

/** ann in the lobby, which is at its event `seq`; returns the room, too. */
async function inLobby(world, seq = 3, more = {}) {
  const chat = new Chat(URL, world.options({ name: "ann", password: "pw" }));
  const [join] = await world.welcome([listed("lobby", seq, more)]);
  await world.say([joined(join.id, "lobby", seq), caughtUp(join.id, "lobby", seq)]);
  return [chat, chat.rooms.get("lobby")];
}

/** A page of history. */
const page = (id, messages, more = {}) => ({
  ...{ type: "ok", re: "history", id, room: "lobby", epoch: "e1", first: 1, as_of: 3, more: false },
  ...{ start: more.more ? messages[0]?.seq : 1, end: more.as_of ?? 3 },
  messages: messages.map((one) => ({ ts, from: "bob", ...one })),
  ...more,
});

const texts = (room) => room.messages.map(({ seq, text }) => [seq, text]);

test("messages come in their order, and with what was said about them", async () => {
  const world = new World();
  const [chat, room] = await inLobby(world);
  const changes = [];
  chat.on("change", (one) => changes.push({ ...one }));
  await world.say([
    message(4, "hi"),
    message(5, "ho", { reply_to: 4, cid: "7", from: "cy" }),
    event("edit", 6, { of: 4, text: "hi!" }),
    event("react", 7, { of: 5, emoji: "👍", on: true, from: "cy" }),
    event("react", 8, { of: 5, emoji: "🎉", on: true }),
    event("react", 9, { of: 5, emoji: "👍", on: true }),
    event("react", 10, { of: 5, emoji: "👍", on: true }),
    event("react", 11, { of: 5, emoji: "🎉", on: false }),
    event("edit", 12, { of: 1, text: "not held" }),
    event("delete", 13, { of: 4 }),
    event("edit", 14, { of: 4, deleted: true }),
    { type: "hidden", room: "lobby", seq: 15, ts },
  ]);
  const [hi, ho, ...others] = room.messages;
  assert.deepEqual([hi.seq, hi.text, hi.deleted, hi.edited, hi.reactions], [4, undefined, true, undefined, {}]);
  assert.deepEqual([ho.replyTo, ho.cid, ho.from, ho.ts], [4, "7", "cy", Date.parse(ts)]);
  assert.deepEqual(ho.reactions, { "👍": ["cy", "bob"] });
  assert.deepEqual(others, []);
  assert.deepEqual([room.have, changes.length], [15, 7]);
  assert.equal(room.message(5), ho);
  assert.equal(room.message(6), undefined);
});

test("a message says what has pinned it, as long as it is pinned", async () => {
  const world = new World();
  const [, room] = await inLobby(world, 0);
  await world.say([message(1, "hi"), message(2, "ho"), message(3, "hu")]);
  await world.say([1, 2, 3].map((of) => event("pin", 3 + of, { of, on: true })));
  await world.say([event("pin", 7, { of: 1, on: false }), event("delete", 8, { of: 2 })]);
  await world.say([event("something new", 9, { of: 3 })]);
  assert.deepEqual(
    room.messages.map((one) => one.pinned),
    [undefined, undefined, 6],
  );
  assert.deepEqual(room.message(3)?.reactions, {});
});

test("reactions stay in the order in which each kind came first", async () => {
  const world = new World();
  const [, room] = await inLobby(world, 0);
  await world.say(message(1, "hi"));
  await world.say(event("react", 2, { of: 1, emoji: "👍", on: true, from: "cy" }));
  await world.say(event("react", 3, { of: 1, emoji: "🎉", on: true }));
  await world.say(event("react", 4, { of: 1, emoji: "👍", on: true }));
  assert.deepEqual(Object.entries(room.messages[0].reactions), [
    ["👍", ["cy", "bob"]],
    ["🎉", ["bob"]],
  ]);
});

test("what a list of reactions does not name is counted, until all are named again", async () => {
  const world = new World();
  const [chat, room] = await inLobby(world);
  const loading = room.loadOlder();
  const [{ id }] = world.socket.take();
  const cut = { text: "b", reactions: { "👍": ["cy", "dan"], "🎉": ["cy"] }, reacted: { "👍": 4 } };
  await world.say(page(id, [{ seq: 3, ...cut }], { as_of: 3 }));
  await loading;
  const [held] = room.messages;
  let seq = 3;
  /** @param {string} from @param {boolean} on @param {string[]} names @param {number} [count] */
  const react = async (from, on, names, count) => {
    seq += 1;
    await world.say(event("react", seq, { of: 3, emoji: "👍", on, from }));
    assert.deepEqual(held.reactions, { "👍": names, "🎉": ["cy"] });
    assert.deepEqual(held.reacted, count ? { "👍": count } : {});
  };
  await react("eve", true, ["cy", "dan"], 5);
  await react(chat.user, true, ["cy", "dan", chat.user], 6);
  await react(chat.user, false, ["cy", "dan"], 5);
  await react("cy", false, ["dan"], 4);
  await react("dan", false, [], 3);
  await react("fay", false, [], 2);
  await react("gus", false, [], 1);
  seq += 1;
  await world.say(event("react", seq, { of: 3, emoji: "👍", on: false, from: "eve" }));
  assert.deepEqual([held.reactions, held.reacted], [{ "🎉": ["cy"] }, {}]);
  await react("dan", true, ["dan"]);
});

test("older messages are loaded page by page, once at a time", async () => {
  const world = new World();
  const [, room] = await inLobby(world);
  assert.equal(room.more, true);
  const one = room.loadOlder(2);
  const two = room.loadOlder(2);
  const [asked, ...others] = world.socket.take();
  assert.deepEqual([asked.type, asked.before, asked.limit, others], ["history", 4, 2, []]);
  await world.say(
    page(
      asked.id,
      [
        { seq: 2, text: "b" },
        { seq: 3, text: "c", edited: true, reactions: { "👍": ["cy"] } },
      ],
      { more: true },
    ),
  );
  assert.deepEqual([await one, await two, room.from, room.more], [true, true, 2, true]);
  const last = room.loadOlder();
  const [next] = world.socket.take();
  await world.say(page(next.id, [{ seq: 1, deleted: true }]));
  assert.deepEqual([await last, room.more, room.from], [false, false, 1]);
  assert.deepEqual(
    room.messages.map(({ seq, text, edited, deleted }) => [seq, text, edited, deleted]),
    [
      [1, undefined, undefined, true],
      [2, "b", undefined, undefined],
      [3, "c", true, undefined],
    ],
  );
  assert.equal(await room.loadOlder(), false);
  assert.deepEqual(world.socket.take(), []);
});

const seqs = (all) => all.map(({ seq }) => seq);

test("what happened between messages is loaded with them, and goes on as it comes", async () => {
  const world = new World();
  const [, room] = await inLobby(world, 6);
  await world.say([
    event("member", 7, { user: "cy", change: "mute" }),
    message(8, "hi"),
    event("edit", 9, { of: 8, text: "ho" }),
    { type: "hidden", room: "lobby", seq: 10, ts },
    event("room", 11, { topic: "tea" }),
  ]);
  const loading = room.loadOlder();
  const [asked] = world.socket.take();
  assert.deepEqual([asked.before, asked.events], [7, true]);
  // A page may have no message at all.
  const mute = event("member", 5, { user: "bob", change: "mute" });
  await world.say(page(asked.id, [], { more: true, start: 5, events: [mute, event("room", 6, { topic: "" })] }));
  assert.deepEqual([await loading, room.from, room.settings.topic], [true, 5, "tea"]);
  const last = room.loadOlder();
  const [next] = world.socket.take();
  assert.equal(next.before, 5);
  await world.say(
    page(next.id, [{ seq: 2, text: "b" }], { events: [event("member", 1, { user: "bob", change: "join" })] }),
  );
  assert.equal(await last, false);
  assert.deepEqual(
    [seqs(room.messages), seqs(room.happened)],
    [
      [2, 8],
      [1, 5, 6, 7, 11],
    ],
  );
  assert.deepEqual(room.happened[1], mute);
});

test("of very much that happened the oldest goes, and nothing comes twice", async () => {
  const world = new World();
  const [, room] = await inLobby(world, 0);
  room.limit = 10;
  for (let n = 0; n < 900; n += 1)
    await world.say([event("room", 2 * n + 1, { topic: `${n}` }), message(2 * n + 2, "x")]);
  assert.equal(room.happened.length, 500);
  assert.equal(room.happened.at(-1).topic, "899");
  assert.ok(room.from > 1000);
  const { from } = room;
  const loading = room.loadOlder();
  const [asked] = world.socket.take();
  const events = [event("room", from - 3, {}), event("room", from - 1, {})];
  await world.say(page(asked.id, [{ seq: from - 2, text: "x" }], { more: true, start: from - 3, as_of: 1800, events }));
  await loading;
  const held = seqs(room.happened);
  assert.deepEqual(held.slice(0, 3), [from - 3, from - 1, from + 1]);
  assert.equal(new Set(held).size, held.length);
});

test("a page and the changes that come beside it are the same, whichever comes first", async () => {
  // The page may or may not have the change in it already, and each may come first.
  const change = event("edit", 4, { of: 2, text: "new" });
  for (const asOf of [3, 4]) {
    for (const isFirst of [true, false]) {
      const world = new World();
      const [, room] = await inLobby(world);
      const loading = room.loadOlder();
      const [{ id }] = world.socket.take();
      const answer = page(id, [{ seq: 2, text: asOf < 4 ? "old" : "new", edited: asOf < 4 ? undefined : true }], {
        as_of: asOf,
      });
      await world.say(isFirst ? [change, answer] : [answer, change]);
      await loading;
      assert.deepEqual(
        [room.messages[0].text, room.messages[0].edited, room.have],
        ["new", true, 4],
        `${asOf} ${isFirst}`,
      );
    }
  }
});

test("reactions are not counted twice when a page has them already", async () => {
  const world = new World();
  const [, room] = await inLobby(world);
  const loading = room.loadOlder();
  const [{ id }] = world.socket.take();
  await world.say([
    event("react", 4, { of: 2, emoji: "👍", on: true }),
    event("react", 5, { of: 2, emoji: "👍", on: false }),
    page(id, [{ seq: 2, text: "a", reactions: { "👍": ["bob"] } }], { as_of: 4 }),
  ]);
  await loading;
  assert.deepEqual(room.messages[0].reactions, {});
});

test("a page from anywhere is held apart, and changes are worked in there as well", async () => {
  const world = new World();
  const [chat, room] = await inLobby(world, 300);
  const changed = [];
  chat.on("change", (one) => changed.push(one.seq));
  const found = room.history({ after: 149, limit: 2 });
  const other = room.history({ before: 100, limit: 1 });
  const [one, two] = world.socket.take();
  assert.deepEqual([one.after, one.limit, two.before, two.limit], [149, 2, 100, 1]);
  await world.say([
    event("edit", 301, { of: 151, text: "new" }),
    event("edit", 302, { of: 99, text: "newer" }),
    page(
      one.id,
      [
        { seq: 150, hidden: true, from: undefined },
        { seq: 151, text: "old" },
      ],
      { more: true, as_of: 300 },
    ),
    event("delete", 303, { of: 151 }),
    page(two.id, [{ seq: 99, text: "newer", edited: true }], { as_of: 302 }),
  ]);
  const { messages, more } = await found;
  assert.deepEqual(
    messages.map(({ seq, hidden, deleted, text }) => [seq, hidden, deleted, text]),
    [
      [150, true, undefined, undefined],
      [151, undefined, true, undefined],
    ],
  );
  assert.deepEqual([more, (await other).messages[0].text, changed], [true, "newer", [151, 151]]);
  assert.deepEqual([room.messages, room.from, room.more], [[], 301, true]);
  assert.equal(room.message(151), messages[1]);
  assert.deepEqual([...room.elsewhere.keys()], [150, 151, 99]);
  await world.say(event("react", 304, { of: 99, emoji: "👍", on: true }));
  assert.deepEqual(room.message(99).reactions, { "👍": ["bob"] });
  room.elsewhere.delete(99);
  await world.say(event("react", 305, { of: 99, emoji: "🎉", on: true }));
  assert.deepEqual((await other).messages[0].reactions, { "👍": ["bob"] });
});

test("what is held and comes again is the same message, as it is now", async () => {
  const world = new World();
  const [, room] = await inLobby(world, 3);
  const loading = room.loadOlder();
  const [asked] = world.socket.take();
  const texts = (...all) => all.map((text, n) => ({ seq: n + 1, text }));
  await world.say(page(asked.id, texts("a", "b", "c")));
  await loading;
  const [a, b, c] = room.messages;
  const again = room.history({ limit: 10 });
  const [next] = world.socket.take();
  // Of an erasure no event tells: its author has another name, or it is gone.
  await world.say([
    event("edit", 4, { of: 3, text: "changed" }),
    page(next.id, [{ seq: 1, deleted: true }, { seq: 2, text: "b", from: "erased~x" }, texts("", "", "c")[2]]),
  ]);
  assert.deepEqual((await again).messages, [a, b, c]);
  assert.deepEqual([a.deleted, a.text, b.from, b.text, c.text], [true, undefined, "erased~x", "b", "changed"]);
});

test("what a page has before it comes live is one message", async () => {
  const world = new World();
  const [, room] = await inLobby(world, 3);
  const asked = room.history({ after: 3 });
  const [{ id }] = world.socket.take();
  await world.say(page(id, [{ seq: 4, text: "four" }], { as_of: 4 }));
  const [four] = (await asked).messages;
  await world.say([message(4, "four"), event("edit", 5, { of: 4, text: "FOUR" })]);
  assert.equal(room.messages[0], four);
  assert.equal(four.text, "FOUR");
});

test("a page of a room that began anew is not taken", async () => {
  const world = new World();
  const [, room] = await inLobby(world, 3);
  const asked = room.history({ after: 1 });
  const [{ id }] = world.socket.take();
  await world.say(page(id, [{ seq: 2, text: "of another" }], { epoch: "e2" }));
  assert.equal(await asked, undefined);
  assert.equal(room.message(2), undefined);
});

test("a gap, or a number that is not the next, has the rest asked for; nothing is taken twice", async () => {
  for (const sign of [{ type: "gap", room: "lobby", have: 4, seq: 6 }, message(7, "seven")]) {
    const world = new World();
    const [chat, room] = await inLobby(world);
    await world.say(message(4, "four"));
    const [join] = await world.say([sign, message(8, "eight")]);
    assert.deepEqual([join.type, join.since, join.epoch, join.users], ["join", 4, "e1", true]);
    await world.say([
      joined(join.id, "lobby", 8, { recovered: true }),
      message(5, "five"),
      message(6, "six"),
      message(7, "seven"),
      message(8, "eight"),
    ]);
    assert.equal(room.joining, join.id);
    await world.say([caughtUp(join.id, "lobby", 8), message(8, "eight"), message(9, "nine")]);
    assert.deepEqual(
      texts(room).map(([seq]) => seq),
      [4, 5, 6, 7, 8, 9],
    );
    assert.deepEqual([room.joining, chat.state.name], [undefined, "ready"]);
  }
});

test("one that joined again listens to the last answer alone", async () => {
  const world = new World();
  const [chat, room] = await inLobby(world);
  const [one] = await world.say({ type: "gap", room: "lobby", have: 3, seq: 4 });
  const again = chat.join("lobby");
  const [two] = world.socket.take();
  await world.say([joined(one.id, "lobby", 5, { recovered: true }), message(4, "four")]);
  assert.deepEqual(texts(room), []);
  await world.say([
    joined(two.id, "lobby", 5, { recovered: true }),
    message(4, "four"),
    message(5, "five"),
    caughtUp(two.id, "lobby", 5),
  ]);
  assert.equal(await again, room);
  assert.deepEqual(texts(room), [
    [4, "four"],
    [5, "five"],
  ]);
});

test("where not all can be given the list begins anew, and what was seen is loaded again", async () => {
  const world = new World();
  const [chat, room] = await inLobby(world);
  const kinds = [];
  for (const kind of ["reset", "left"]) chat.on(kind, () => kinds.push(kind));
  await world.say([message(4, "four"), event("room", 5, { topic: "tea" })]);
  await world.end();
  await world.pass(1000);
  const [hello] = await world.accept();
  const [first] = await world.say(welcome(hello.id, [listed("lobby", 2, { epoch: "e2", read: 1, unread: 1 })]));
  const [second] = await world.say(joined(first.id, "lobby", 2, { epoch: "e2", recovered: false }));
  assert.deepEqual([second.type, second.since], ["join", undefined]);
  const [history] = await world.say([joined(second.id, "lobby", 2, { epoch: "e2" }), message(3, "three")]);
  assert.deepEqual([texts(room), room.happened], [[[3, "three"]], []]);
  assert.deepEqual([history.type, history.before], ["history", 3]);
  await world.say(
    page(
      history.id,
      [
        { seq: 1, text: "one" },
        { seq: 2, text: "two" },
      ],
      { epoch: "e2", as_of: 3 },
    ),
  );
  assert.deepEqual(texts(room), [
    [1, "one"],
    [2, "two"],
    [3, "three"],
  ]);
  assert.deepEqual([kinds, room.epoch, room.read, room.unread, chat.state.name], [["reset"], "e2", 1, 2, "ready"]);
});

test("a page that was asked for before the list began anew is asked for again", async () => {
  const world = new World();
  const [, room] = await inLobby(world);
  const loading = room.loadOlder();
  const [asked] = world.socket.take();
  const [join] = await world.say({ type: "gap", room: "lobby", have: 3, seq: 99 });
  const [again] = await world.say(joined(join.id, "lobby", 99, { recovered: false }));
  const [next] = await world.say([page(asked.id, [{ seq: 3, text: "old" }]), joined(again.id, "lobby", 99)]);
  assert.deepEqual([next.type, next.before], ["history", 100]);
  await world.say(page(next.id, [{ seq: 99, text: "new" }], { more: true }));
  assert.equal(await loading, true);
  assert.deepEqual(texts(room), [[99, "new"]]);
});

test("a join that has to wait is sent again; one that is refused means that one has left", async () => {
  const world = new World();
  const [chat] = await inLobby(world);
  const left = [];
  chat.on("left", (frame) => left.push(frame));
  const [join] = await world.say({ type: "gap", room: "lobby", have: 3, seq: 4 });
  await world.say({ type: "error", re: "join", id: join.id, code: "unavailable", text: "no", retry_after: 2 });
  await world.pass(2000);
  const [again] = world.socket.take();
  assert.deepEqual([again.type, again.since], ["join", 3]);
  await world.say({ type: "error", re: "join", id: again.id, code: "not_member", text: "no" });
  assert.deepEqual([left, chat.rooms.size], [[{ type: "left", room: "lobby", reason: "not_member" }], 0]);
});

test("a join that waits is followed when it is answered at last", async () => {
  const world = new World();
  const [, room] = await inLobby(world);
  const [join] = await world.say({ type: "gap", room: "lobby", have: 3, seq: 4 });
  await world.say({ type: "error", re: "join", id: join.id, code: "unavailable", text: "no", retry_after: 2 });
  await world.pass(2000);
  const [again] = world.socket.take();
  await world.say([
    joined(again.id, "lobby", 4, { recovered: true }),
    message(4, "four"),
    caughtUp(again.id, "lobby", 4),
    message(5, "five"),
  ]);
  assert.deepEqual(texts(room), [
    [4, "four"],
    [5, "five"],
  ]);
});

test("however long a join has to wait, one has not left", async () => {
  const world = new World();
  const [chat] = await inLobby(world);
  const [join] = await world.say({ type: "gap", room: "lobby", have: 3, seq: 4 });
  await world.say({ type: "error", re: "join", id: join.id, code: "rate_limited", text: "no", retry_after: 600 });
  for (let n = 0; n < 60; n += 1) {
    await world.pass(10_000);
    for (const { type, id } of world.socket.take()) {
      if (type === "ping") await world.say({ type: "ok", re: type, id });
      else assert.deepEqual([type, n], ["join", 59]);
    }
  }
  assert.deepEqual([chat.rooms.size, chat.state.name], [1, "ready"]);
});

test("what is hidden is counted, and shown nowhere", async () => {
  const world = new World();
  const [, room] = await inLobby(world);
  const loading = room.loadOlder();
  const [{ id }] = world.socket.take();
  await world.say([
    { type: "hidden", room: "lobby", seq: 4, ts },
    page(
      id,
      [
        { seq: 2, hidden: true, from: undefined },
        { seq: 3, text: "c" },
      ],
      { more: true },
    ),
  ]);
  await loading;
  assert.deepEqual([texts(room), room.from, room.have, room.unread], [[[3, "c"]], 2, 4, 0]);
});

test("what was counted at the welcome is not what is unread hours later", async () => {
  const world = new World();
  const [, room] = await inLobby(world, 3, { read: 1, unread: 2 });
  room.markRead();
  await world.say([message(4, "four"), message(5, "five")]);
  const [join] = await world.say({ type: "gap", room: "lobby", have: 5, seq: 500 });
  const [again] = await world.say(joined(join.id, "lobby", 500, { recovered: false }));
  const [history] = await world.say(joined(again.id, "lobby", 500));
  assert.equal(room.unread, 2);
  const newest = Array.from({ length: 50 }, (_, n) => ({ seq: 451 + n, text: "x" }));
  await world.say(page(history.id, newest, { more: true, as_of: 500 }));
  assert.deepEqual([room.unread, room.read], [50, 3]);
  room.markRead();
  assert.equal(room.unread, 0);
});

test("one is told of the end of a membership, whatever ended it, and of rooms that went meanwhile", async () => {
  const world = new World();
  const [chat, room] = await inLobby(world);
  const left = [];
  chat.on("left", ({ room, reason }) => left.push([room, reason]));
  await world.say([event("destroy", 4), { type: "left", room: "lobby", reason: "destroy" }, message(5, "late")]);
  assert.deepEqual([left, chat.rooms.size, room.live], [[["lobby", "destroy"]], 0, false]);
  const joining = chat.join("garden");
  const [join] = world.socket.take();
  await world.say(joined(join.id, "garden", 0));
  await joining;
  await world.end();
  await world.pass(1000);
  await world.welcome([]);
  assert.deepEqual([left.at(-1), chat.rooms.size, chat.state.name], [["garden", undefined], 0, "ready"]);
});

test("a room goes on under its new name, on the spot and over a time away", async () => {
  const world = new World();
  const [chat, room] = await inLobby(world);
  const renamed = [];
  chat.on("renamed", (one, was) => renamed.push([one.name, was]));
  await world.say([
    { type: "renamed", room: "hall", was: ["lobby"] },
    event("rename", 4, { room: "hall", name: "hall", was: ["lobby"] }),
    message(5, "hi", { room: "hall" }),
  ]);
  assert.deepEqual([[...chat.rooms.keys()], chat.rooms.get("hall"), room.name], [["hall"], room, "hall"]);
  await world.end();
  await world.pass(1000);
  const [join] = await world.welcome([listed("attic", 6, { was: ["lobby", "hall"] })]);
  assert.deepEqual([join.room, join.since], ["attic", 5]);
  await world.say([
    joined(join.id, "attic", 6, { recovered: true, was: ["lobby", "hall"] }),
    message(6, "ho", { room: "attic" }),
    caughtUp(join.id, "attic", 6),
  ]);
  assert.deepEqual(
    [renamed, texts(room)],
    [
      [
        ["hall", "lobby"],
        ["attic", "hall"],
      ],
      [
        [5, "hi"],
        [6, "ho"],
      ],
    ],
  );
});

test("a join by a name of before, or one that is renamed on the way, is of the same room", async () => {
  const world = new World();
  const [chat, room] = await inLobby(world);
  const joining = chat.join("lobby");
  const [join] = world.socket.take();
  await world.say([
    { type: "renamed", room: "hall", was: ["lobby"] },
    joined(join.id, "hall", 3, { recovered: true, was: ["lobby"] }),
    caughtUp(join.id, "hall", 3),
    message(4, "hi", { room: "hall" }),
  ]);
  assert.equal(await joining, room);
  const again = chat.join("lobby");
  const [second] = world.socket.take();
  await world.say(joined(second.id, "hall", 4, { was: ["lobby"] }));
  assert.equal(await again, room);
  assert.deepEqual([...chat.rooms.keys()], ["hall"]);
});

test("invitations come and go, by whatever ends them", async () => {
  const world = new World();
  const [chat] = await inLobby(world);
  const told = [];
  chat.on("invited", ({ type, room }) => told.push([type, room]));
  await world.say([
    { type: "invited", room: "~a", from: "bob", title: "Den" },
    { type: "invited", room: "garden", from: "bob" },
    { type: "invited", room: "~c", from: "bob" },
  ]);
  assert.equal(chat.invites.get("~a").title, "Den");
  await world.say({ type: "uninvited", room: "~a" });
  await world.say({ type: "renamed", room: "orchard", was: ["garden"] });
  assert.deepEqual(
    [...chat.invites.values()].map(({ room }) => room),
    ["~c", "orchard"],
  );
  chat.join("orchard");
  const [join] = world.socket.take();
  await world.say(joined(join.id, "orchard", 0));
  assert.deepEqual([...chat.invites.keys()], ["~c"]);
  assert.deepEqual(told, [
    ["invited", "~a"],
    ["invited", "garden"],
    ["invited", "~c"],
    ["uninvited", "~a"],
    ["uninvited", "orchard"],
  ]);
  await world.end();
  await world.pass(1000);
  await world.welcome([], { invites: [{ room: "~d", from: "cy", ts }] });
  assert.deepEqual([...chat.invites.keys()], ["~d"]);
});

test("settings and one's role are those of the join, and change", async () => {
  const world = new World();
  const chat = new Chat(URL, world.options({ name: "ann" }));
  const [join] = await world.welcome([listed("lobby", 3)]);
  await world.say(joined(join.id, "lobby", 3, { role: "owner", topic: "tea", slow_s: 5, archived: true }));
  const room = chat.rooms.get("lobby");
  assert.deepEqual([room.role, room.settings], ["owner", { topic: "tea", slow_s: 5, archived: true }]);
  await world.say([
    event("room", 4, { topic: "", archived: false }),
    event("member", 5, { user: "ann", change: "role", role: "member" }),
    event("member", 6, { user: "bob", change: "role", role: "owner" }),
  ]);
  assert.deepEqual([room.role, room.settings], ["member", { topic: "", slow_s: 5, archived: false }]);
});

test("unread counts others' messages behind the mark, over a time away and another device", async () => {
  const world = new World();
  const [chat, room] = await inLobby(world, 3, { read: 1, unread: 2 });
  assert.deepEqual([room.read, room.unread], [1, 2]);
  await world.say([
    message(4, "four"),
    message(5, "own", { from: "cy" }),
    { type: "hidden", room: "lobby", seq: 6, ts },
    event("edit", 7, { of: 4, text: "x" }),
  ]);
  assert.equal(room.unread, 4);
  await world.say({ type: "read", room: "lobby", from: "ann", seq: 4 });
  assert.deepEqual([room.read, room.unread], [4, 1]);
  await world.say({ type: "read", room: "lobby", from: "bob", seq: 7 });
  assert.deepEqual([room.read, room.marks.get("bob")], [4, 7]);
  await world.say(message(8, "mine", { from: "ann" }));
  assert.deepEqual([room.read, room.unread], [8, 0]);
  await world.end();
  await world.pass(1000);
  const [join] = await world.welcome([listed("lobby", 10, { read: 9, unread: 1 })]);
  await world.say([
    joined(join.id, "lobby", 10, { recovered: true }),
    message(9, "nine"),
    message(10, "ten"),
    caughtUp(join.id, "lobby", 10),
  ]);
  assert.deepEqual([room.read, room.unread, chat.state.name], [9, 1, "ready"]);
});

test("mentions are what was told, as far as it is not read", async () => {
  const world = new World();
  const [, room] = await inLobby(world, 3, { read: 1, unread: 2, mentions: 1 });
  const mention = (seq) => ({ type: "mention", room: "lobby", seq, from: "bob" });
  await world.say([mention(4), message(4, "@ann"), message(5, "-"), message(6, "@ann"), mention(6)]);
  assert.deepEqual([room.mentions, [...room.mentioned]], [3, [4, 6]]);
  room.markRead(4);
  assert.equal(room.mentions, 2);
  room.markRead(6);
  assert.equal(room.mentions, 0);
  await world.say(mention(2));
  assert.equal(room.mentions, 0);
});

test("marks are told soon and once, and again if the daemon has not answered", async () => {
  const world = new World();
  const [, room] = await inLobby(world, 9, { read: 1, unread: 8 });
  for (const seq of [3, 5, 4, 9]) room.markRead(seq);
  await world.pass(500);
  const [{ id, ...mark }, ...others] = world.socket.take();
  assert.deepEqual([mark, others], [{ type: "read", room: "lobby", seq: 9 }, []]);
  await world.say([{ type: "ok", re: "read", id }, message(10, "ten")]);
  room.markRead();
  await world.pass(500);
  assert.equal(world.socket.take()[0].seq, 10);
  await world.end();
  await world.pass(1000);
  const [join] = await world.welcome([listed("lobby", 10, { read: 9, unread: 1 })]);
  assert.equal(join.type, "join");
  await world.pass(500);
  const [again] = world.socket.take();
  assert.deepEqual([again.type, again.seq, again.back], ["read", 10, undefined]);
  assert.deepEqual([room.read, room.unread], [10, 0]);
  await world.say({ type: "ok", re: "read", id: again.id });
  room.markRead(10);
  await world.pass(500);
  assert.deepEqual(world.socket.take(), []);
});

test("a mark goes back as one says, is told so, and again if the daemon has not answered", async () => {
  const world = new World();
  const [, room] = await inLobby(world, 2, { read: 2 });
  await world.say([message(3, "three"), message(4, "four"), message(5, "mine", { from: "ann" }), message(6, "six")]);
  await world.say({ type: "mention", room: "lobby", seq: 4, from: "bob" });
  room.markRead(6);
  assert.deepEqual([room.unread, room.mentions], [0, 0]);
  room.markUnread(4);
  assert.deepEqual([room.read, room.unread, room.mentions], [3, 2, 1]);
  await world.pass(500);
  const [{ id: _, ...told }] = world.socket.take();
  assert.deepEqual(told, { type: "read", room: "lobby", seq: 3, back: true });
  await world.end();
  await world.pass(1000);
  await world.welcome([listed("lobby", 6, { read: 6 })]);
  await world.pass(500);
  const [again] = world.socket.take();
  assert.deepEqual([again.seq, again.back, room.read], [3, true, 3]);
  await world.say({ type: "ok", re: "read", id: again.id });
  room.markRead();
  await world.pass(500);
  const [forward] = world.socket.take();
  assert.deepEqual([forward.seq, forward.back, room.unread], [6, undefined, 0]);
});

test("mentions are what the welcome counts, but for those that were read since", async () => {
  const world = new World();
  const [, room] = await inLobby(world, 3, { read: 3 });
  const mention = (seq) => ({ type: "mention", room: "lobby", seq, from: "bob" });
  await world.say([message(4, "@ann"), mention(4), message(5, "-"), message(6, "@ann"), mention(6)]);
  await world.end();
  await world.pass(1000);
  await world.welcome([listed("lobby", 6, { read: 4, unread: 2, mentions: 1 })]);
  assert.deepEqual([room.read, room.unread, room.mentions], [4, 2, 1], "another device has read one");
  room.markRead(6);
  await world.end();
  await world.pass(2000);
  await world.welcome([listed("lobby", 6, { read: 4, unread: 2, mentions: 1 })]);
  assert.deepEqual([room.read, room.unread, room.mentions], [6, 0, 0], "this one has, and could not tell");
});

test("a mark that went back elsewhere goes back here, at once and at the next welcome", async () => {
  const world = new World();
  const [, room] = await inLobby(world, 3, { read: 3 });
  await world.say([message(4, "four"), message(5, "mine", { from: "ann" }), message(6, "six")]);
  room.markRead();
  await world.pass(500);
  await world.say({ type: "ok", re: "read", id: world.socket.take()[0].id });
  const read = (seq, more) => ({ type: "read", room: "lobby", from: "ann", seq, ...more });
  await world.say(read(4, { back: true }));
  assert.deepEqual([room.read, room.unread], [4, 1]);
  await world.say(read(3));
  assert.equal(room.read, 4, "without that word it only goes forward");
  // Of what is not held it is not known how much of it is messages.
  await world.say(read(1, { back: true }));
  assert.deepEqual([room.read, room.unread], [1, 5]);
  await world.end();
  await world.pass(1000);
  const [join] = await world.welcome([listed("lobby", 7, { read: 3, unread: 3 })]);
  await world.say([joined(join.id, "lobby", 7, { recovered: true }), message(7, "old", { from: "ann" })]);
  assert.equal(room.read, 3, "the welcome has told of it already");
  await world.pass(500);
  assert.deepEqual(world.socket.take(), []);
  await world.say(message(8, "new", { from: "ann" }));
  assert.equal(room.read, 8);
});

test("others' marks only go forward", async () => {
  const world = new World();
  const [, room] = await inLobby(world, 9);
  const read = (seq) => ({ type: "read", room: "lobby", from: "bob", seq });
  await world.say([read(7), read(4), read(8), read(2)]);
  assert.equal(room.marks.get("bob"), 8);
});

test("what one wants to be called for is known, as this connection or another one says it", async () => {
  const world = new World();
  const [chat, room] = await inLobby(world);
  assert.equal(room.level, "all");
  let drawn = 0;
  chat.on("room", () => (drawn += 1));
  await world.say({ type: "notify", room: "lobby", level: "nothing" });
  assert.deepEqual([room.level, drawn], ["nothing", 1]);
  await world.say({ type: "typing", room: "lobby", from: "bob", for: 0 });
  assert.equal(room.level, "nothing");
  await world.end();
  await world.pass(1000);
  const [join] = await world.welcome([listed("lobby", 3, { level: "mentions" })]);
  await world.say(joined(join.id, "lobby", 3, { recovered: true, level: "mentions" }));
  assert.equal(room.level, "mentions");
  const [again] = await world.say({ type: "gap", room: "lobby", have: 3, seq: 9 });
  await world.say(joined(again.id, "lobby", 9, { recovered: true }));
  assert.equal(room.level, "all");
});

test("typing is told at most every three seconds, and its end once", async () => {
  const world = new World();
  const [, room] = await inLobby(world);
  for (let n = 0; n < 40; n += 1) {
    room.type();
    await world.pass(100);
  }
  room.type(false);
  room.type(false);
  room.type();
  const told = await world.say(message(4, "said", { from: "ann" }));
  room.type(false);
  told.push(...world.socket.take());
  assert.deepEqual(
    told.map(({ type, on }) => [type, on]),
    [
      ["typing", true],
      ["typing", true],
      ["typing", false],
      ["typing", true],
    ],
  );
});

test("somebody writes until his message, his stopping, or a while", async () => {
  const world = new World();
  const [chat, room] = await inLobby(world);
  const typing = (from, s) => ({ type: "typing", room: "lobby", from, for: s });
  await world.say([typing("bob", 6), typing("cy", 6), typing("dan", 6)]);
  await world.say([message(4, "hi"), typing("cy", 0)]);
  assert.deepEqual([...room.typing.keys()], ["dan"]);
  await world.pass(5000);
  await world.say(typing("dan", 6));
  await world.pass(5999);
  assert.deepEqual([...room.typing.keys()], ["dan"]);
  let told = 0;
  chat.on("room", () => (told += 1));
  await world.pass(1);
  assert.deepEqual([[...room.typing.keys()], told], [[], 1]);
});

test("who is there is what presence tells, in changes, as a list, or as a number", async () => {
  const world = new World();
  const [, room] = await inLobby(world);
  const names = () => room.people && [...room.people.values()].map(({ name, state, text }) => [name, state, text]);
  const presence = (online, more) => world.say({ type: "presence", room: "lobby", online, ...more });
  await presence(2, {
    join: [
      { name: "bob", state: "online" },
      { name: "cy", state: "away", text: "tea" },
    ],
  });
  await presence(2, { away: [{ name: "bob", text: "lunch" }], back: ["cy", "nobody"] });
  assert.deepEqual(
    [room.online, names()],
    [
      2,
      [
        ["bob", "away", "lunch"],
        ["cy", "online", undefined],
      ],
    ],
  );
  await presence(1, { leave: ["cy"] });
  assert.deepEqual(names(), [["bob", "away", "lunch"]]);
  await presence(5000, {});
  assert.deepEqual([room.online, names()], [5000, null]);
  await presence(1, { users: [{ name: "ann", state: "online" }] });
  assert.deepEqual([room.online, names()], [1, [["ann", "online", undefined]]]);
});

test("of very many messages the oldest are dropped, and can be loaded again", async () => {
  const world = new World();
  const [, room] = await inLobby(world, 0);
  await world.say(Array.from({ length: 5000 }, (_, n) => message(n + 1, "x")));
  assert.ok(room.messages.length <= 1100);
  assert.equal(room.messages[0].seq, room.from);
  assert.equal(room.messages.length, 5000 - room.from + 1);
  assert.equal(room.more, true);
  assert.equal(room.unread, 5000);
  const { from } = room;
  const loading = room.loadOlder();
  const [asked] = world.socket.take();
  assert.equal(asked.before, from);
  await world.say(page(asked.id, [{ seq: from - 1, text: "x" }], { more: true, as_of: 5000 }));
  await loading;
  await world.say(message(5001, "y"));
  assert.equal(room.messages[0].seq, from - 1);
});

test("a direct conversation that begins is there at once, from its first event on", async () => {
  const world = new World();
  const [chat] = await inLobby(world);
  const [join] = await world.say(message(1, "psst", { room: "@ann,bob", epoch: "e9" }));
  const room = chat.rooms.get("@ann,bob");
  assert.deepEqual([texts(room), room.epoch, room.have, room.unread, room.more], [[[1, "psst"]], "e9", 1, 1, false]);
  // It is joined as well: that tells who is there.
  assert.deepEqual([join.type, join.room, join.since], ["join", "@ann,bob", 1]);
  const users = [{ name: "bob", state: "online" }];
  await world.say(joined(join.id, "@ann,bob", 1, { epoch: "e9", recovered: true, users }));
  await world.say([caughtUp(join.id, "@ann,bob", 1), message(2, "hey", { room: "@ann,bob" })]);
  assert.deepEqual([room.have, [...room.people.keys()]], [2, ["bob"]]);
  await world.say(message(2, "hey", { room: "@ann,cy" }));
  assert.equal(chat.rooms.size, 2);
});

test("the place's name is that of now", async () => {
  const world = new World();
  const [chat] = await inLobby(world);
  await world.say({ type: "place", name: "Northwind" });
  assert.equal(chat.welcome.place, "Northwind");
});

test("whatever an event carries, what is not known is counted and told", async () => {
  const world = new World();
  const [chat, room] = await inLobby(world);
  const seen = [];
  chat.on("event", ({ type }) => seen.push(type));
  await world.say([
    event("something", 4, { of: 1 }),
    event("other", 5, {}),
    { type: "news" },
    { type: "news", room: "lobby" },
    { type: "news", room: "nowhere" },
  ]);
  assert.deepEqual([seen, room.have], [["something", "other"], 5]);
});
