import assert from "node:assert/strict";
import { test } from "node:test";
import { Chat } from "../../../../chatd/web/page/chatd.mjs";
import { Threads } from "../../../../chatd/web/page/chatd.threads.mjs";
import { caughtUp, event, joined, listed, message, World } from "./world.mjs";

const ts = "2026-11-22T12:00:00.000Z";
const replies = (count, last, more = {}) => ({ count, last, ts, users: ["bob"], ...more });

/** A chat with one room of two messages, and what is told when it has come. */
async function entered(entry = {}, unread = []) {
  const world = new World();
  const chat = new Chat("ws://x/ws", world.options({ name: "ann" }));
  const threads = new Threads(chat);
  const told = await world.welcome([listed("lobby", 2, entry)]);
  const [join, list] = [told.find(({ type }) => type === "join"), told.find(({ type }) => type === "threads")];
  await world.say([
    { type: "ok", re: "threads", id: list.id, threads: unread },
    joined(join.id, "lobby", 0),
    caughtUp(join.id, "lobby", 0),
  ]);
  const room = chat.rooms.get("lobby");
  await world.say([message(1, "tea?", { from: "ann" }), message(2, "aside")]);
  return { world, chat, threads, room, list };
}

test("what is in threads is not unread in the room", async () => {
  const { world, chat, room } = await entered({ read: 0, unread: 3, in_threads: 2 });
  assert.equal(room.unread, 2);
  await world.say(message(3, "re", { reply_to: 2, thread: 2 }));
  assert.equal(room.unread, 2);
  assert.equal(room.message(3).thread, 2);
  room.markRead(1);
  assert.equal(room.unread, 1);
  chat.close();
});

test("a message shows its thread as it goes on", async () => {
  const { world, chat, room } = await entered();
  const changed = [];
  chat.on("change", ({ seq }) => changed.push(seq));
  await world.say([
    message(3, "re", { reply_to: 1, thread: 1 }),
    { type: "follow", room: "lobby", thread: 1, on: true },
    { type: "thread", room: "lobby", thread: 1, seq: 3 },
  ]);
  assert.deepEqual(room.message(1).replies, replies(1, 3, { follow: true, unread: 1 }));
  await world.say(message(4, "re", { from: "cy", reply_to: 3, thread: 1 }));
  assert.deepEqual(room.message(1).replies, replies(2, 4, { users: ["bob", "cy"], follow: true, unread: 2 }));
  await world.say(event("delete", 5, { of: 3 }));
  assert.equal(room.message(1).replies.count, 1);
  await world.say({ type: "thread_read", room: "lobby", thread: 1, seq: 4 });
  assert.equal(room.message(1).replies.unread, 0);
  await world.say(event("delete", 6, { from: "cy", of: 4 }));
  assert.equal(room.message(1).replies, undefined);
  assert.ok(changed.filter((seq) => seq === 1).length >= 5);
  chat.close();
});

test("what is told of a reply may come before it", async () => {
  const { world, chat, room } = await entered();
  await world.say([
    { type: "follow", room: "lobby", thread: 1, on: true },
    { type: "thread", room: "lobby", thread: 1, seq: 3 },
    message(3, "re", { reply_to: 1, thread: 1 }),
    message(4, "re", { reply_to: 1, thread: 1 }),
  ]);
  assert.deepEqual(room.message(1).replies, replies(2, 4, { follow: true, unread: 2 }));
  await world.say({ type: "thread_read", room: "lobby", thread: 1, seq: 4 });
  await world.say([{ type: "thread", room: "lobby", thread: 1, seq: 5 }, message(5, "re", { reply_to: 1, thread: 1 })]);
  assert.equal(room.message(1).replies.unread, 1);
  chat.close();
});

test("one's own reply is read, and has one follow", async () => {
  const { world, chat, threads, room } = await entered();
  await world.say([
    { type: "thread", room: "lobby", thread: 1, seq: 3 },
    message(3, "re", { from: "ann", reply_to: 1, thread: 1 }),
  ]);
  assert.deepEqual(room.message(1).replies, replies(1, 3, { users: ["ann"], follow: true, unread: 0 }));
  assert.equal(threads.unread.get(room).size, 0);
  chat.close();
});

test("what is unread is counted after a login, page by page", async () => {
  const one = { room: "lobby", message: { seq: 1, ts, from: "ann", text: "tea?", replies: replies(1, 2) } };
  const { world, chat, threads, room, list } = await entered({}, [one, { ...one, room: "elsewhere" }]);
  assert.deepEqual([list.unread, list.limit], [true, 100]);
  assert.deepEqual([...threads.unread.get(room)], [1]);
  await world.end();
  await world.pass(30_000);
  const told = await world.welcome([listed("lobby", 2)]);
  const first = told.find(({ type }) => type === "threads");
  const [second] = await world.say({ type: "ok", re: "threads", id: first.id, threads: [one], next: 7 });
  assert.equal(second.after, 7);
  const other = { ...one, message: { ...one.message, seq: 2 } };
  await world.say({ type: "ok", re: "threads", id: second.id, threads: [other] });
  assert.deepEqual([...threads.unread.get(room)], [1, 2]);
  await world.say({ type: "left", room: "lobby" });
  assert.equal(threads.unread.size, 0);
  chat.close();
});

test("a thread is opened, read further and gone on with", async () => {
  const { world, chat, threads, room } = await entered();
  const entering = threads.enter(room, 1);
  await world.settle();
  const [asked] = world.socket.take();
  assert.deepEqual([asked.type, asked.thread, asked.limit], ["history", 1, 50]);
  const page = { type: "ok", re: "history", room: "lobby", epoch: "e1", first: 1, as_of: 2 };
  const root = { seq: 1, ts, from: "ann", text: "tea?", replies: replies(9, 2) };
  const told = [
    { seq: 2, ts, from: "bob", text: "aside", reply_to: 1, thread: 1 },
    { seq: 0, ts, hidden: true },
  ];
  await world.say({ ...page, id: asked.id, root, messages: told, more: true });
  const thread = await entering;
  assert.equal(thread.root, room.message(1));
  assert.deepEqual(
    thread.messages.map(({ seq }) => seq),
    [2],
  );
  assert.equal(thread.messages[0], room.message(2));
  const loading = thread.loadOlder();
  await world.settle();
  const [older] = world.socket.take();
  assert.equal(older.before, 2);
  await world.say({
    ...page,
    id: older.id,
    messages: [{ seq: -1, ts, from: "cy", text: "old", thread: 1 }],
    more: false,
  });
  assert.equal(await loading, false);
  assert.equal(await thread.loadOlder(), false);
  await world.say(message(3, "re", { reply_to: 1, thread: 1 }));
  await world.say(message(4, "other", { reply_to: 2, thread: 2 }));
  assert.deepEqual(
    thread.messages.map(({ seq }) => seq),
    [-1, 2, 3],
  );
  // What is held by the thread alone is read again when it changes.
  const [again] = await world.say(event("edit", 5, { from: "cy", of: -1, text: "new" }));
  assert.deepEqual([again.type, again.thread], ["history", 1]);
  await world.say({ ...page, id: again.id, messages: [], more: false });
  assert.deepEqual(thread.messages, []);
  thread.close();
  assert.deepEqual(await world.say(event("edit", 6, { from: "cy", of: -1, text: "new" })), []);
  threads.close();
  chat.close();
});

test("what is said in a thread goes through the outbox, and reading it is told once", async () => {
  const { world, chat, threads, room } = await entered();
  const entering = threads.enter(room, 1);
  await world.settle();
  const [asked] = world.socket.take();
  const told = [{ seq: 2, ts, from: "bob", text: "aside", reply_to: 1, thread: 1 }];
  await world.say({ type: "ok", re: "history", id: asked.id, room: "lobby", as_of: 2, messages: told, more: false });
  const thread = await entering;
  thread.send("hi");
  await world.settle();
  const [sent] = world.socket.take();
  assert.deepEqual([sent.type, sent.text, sent.reply_to, sent.thread], ["send", "hi", 2, true]);
  thread.markRead();
  assert.deepEqual(world.socket.take(), []);
  await world.say({ type: "thread", room: "lobby", thread: 1, seq: 2 });
  thread.markRead();
  const [read] = world.socket.take();
  assert.deepEqual(read, { type: "read", room: "lobby", thread: 1, seq: 2 });
  thread.markRead();
  assert.deepEqual(world.socket.take(), []);
  chat.close();
});

test("one follows a thread, or no longer", async () => {
  const { world, chat, threads, room } = await entered();
  await world.say(message(3, "re", { reply_to: 1, thread: 1 }));
  const following = threads.follow(room, 1);
  await world.settle();
  const [asked] = world.socket.take();
  assert.deepEqual([asked.type, asked.room, asked.thread, asked.on], ["follow", "lobby", 1, true]);
  await world.say({ type: "ok", re: "follow", id: asked.id });
  await following;
  assert.equal(room.message(1).replies.follow, true);
  await world.say({ type: "thread", room: "lobby", thread: 1, seq: 3 });
  assert.deepEqual([...threads.unread.get(room)], [1]);
  await world.say({ type: "follow", room: "lobby", thread: 1, on: false });
  assert.deepEqual([...threads.unread.get(room)], []);
  assert.deepEqual([room.message(1).replies.follow, room.message(1).replies.unread], [false, 0]);
  chat.close();
});

test("a first message that is deleted keeps its thread", async () => {
  const { world, chat, room } = await entered();
  await world.say(message(3, "re", { reply_to: 1, thread: 1 }));
  await world.say(event("delete", 4, { from: "ann", of: 1 }));
  assert.equal(room.message(1).deleted, true);
  assert.equal(room.message(1).replies.count, 1);
  chat.close();
});

test("replies are counted that came before anybody showed threads", async () => {
  const { world, chat, threads, room } = await entered();
  threads.close();
  await world.say([
    message(3, "re", { reply_to: 1, thread: 1 }),
    message(4, "gone", { reply_to: 1, thread: 1 }),
    event("delete", 5, { of: 4 }),
  ]);
  assert.equal(room.message(1).replies, undefined);
  const later = new Threads(chat);
  assert.deepEqual(room.message(1).replies, replies(1, 3, { follow: false, unread: 0 }));
  // Whether one follows, and what of it is unread, was told before, and is counted.
  const list = (await world.say([])).find(({ type }) => type === "threads");
  const counted = replies(1, 3, { follow: true, unread: 1 });
  const one = { room: "lobby", message: { seq: 1, ts, from: "ann", text: "tea?", replies: counted } };
  await world.say({ type: "ok", re: "threads", id: list.id, threads: [one] });
  assert.deepEqual(room.message(1).replies, counted);
  assert.deepEqual([...later.unread.get(room)], [1]);
  later.close();
  chat.close();
});
