import assert from "node:assert/strict";
import { test } from "node:test";
import { Chat } from "../../../../chatd/web/page/chatd.mjs";
import { World, welcome } from "./world.mjs";

const URL = "ws://chat.test/ws";

/** A tab of this browser, which has no credential but what the browser keeps. */
const tab = (world, options = {}) => new Chat(URL, world.options({ storage: world.storage, ...options }));

/** The daemon welcomes a tab's hello, and says which session it has; returns the hello. */
async function welcomed(world, session, more = {}) {
  const socket = world.socket;
  const [hello] = await world.accept(socket);
  await world.say(welcome(hello.id, [], { session, ...more }), socket);
  return hello;
}

/** A tab that was welcomed, with that session. */
async function entered(world, session, options = {}, more = {}) {
  const chat = tab(world, options);
  await world.settle();
  await welcomed(world, session, more);
  return chat;
}

/** ann has logged in, in a first tab. */
const first = (world) => entered(world, "s1", { name: "ann", password: "pw" });

test("a second tab has a session of its own, and the first keeps its", async () => {
  const world = new World();
  const one = await first(world);
  const two = tab(world);
  await world.settle();
  const hello = await welcomed(world, "s2");
  assert.deepEqual([hello.session, hello.another], ["s1", true]);
  assert.deepEqual([one.session, two.session, two.user], ["s1", "s2", "ann"]);
  assert.deepEqual(
    world.storage.values.map(({ session }) => session),
    ["s1", "s2"],
  );
});

test("a tab takes a session that no tab has any more, the last one first", async () => {
  const world = new World();
  const one = await first(world);
  world.now += 1000;
  const two = await entered(world, "s2");
  one.close();
  two.close();
  await world.settle();
  const found = [];
  for (let n = 0; n < 3; n += 1) {
    tab(world);
    await world.settle();
    const { session, another } = await welcomed(world, ["s2", "s1", "s3"][n]);
    found.push([session, another]);
  }
  assert.deepEqual(found, [
    ["s2", undefined],
    ["s1", undefined],
    [found[2][0], true],
  ]);
});

test("tabs that open at once never have the same session", async () => {
  const world = new World();
  (await first(world)).close();
  await world.settle();
  const before = world.sockets.length;
  for (let n = 0; n < 5; n += 1) tab(world);
  await world.settle();
  const sockets = world.sockets.slice(before);
  const hellos = [];
  for (const socket of sockets) hellos.push((await world.accept(socket))[0]);
  assert.deepEqual(
    hellos.map(({ session, another }) => [session, another]),
    [["s1", undefined], ...Array(4).fill(["s1", true])],
  );
});

test("where there are no locks nobody takes a session over", async () => {
  const world = new World();
  const locks = null;
  const one = await entered(world, "s1", { name: "ann", password: "pw", locks });
  one.close();
  tab(world, { locks });
  await world.settle();
  const hello = await welcomed(world, "s2");
  assert.deepEqual([hello.session, hello.another], ["s1", true]);
});

test("a void session is forgotten, and the next one is tried, until one has to log in", async () => {
  const world = new World();
  const one = await first(world);
  await entered(world, "s2");
  const three = tab(world);
  const refused = [];
  for (let n = 0; n < 2; n += 1) {
    await world.settle();
    const [hello] = await world.accept();
    refused.push(hello.session);
    await world.say({ type: "error", re: "hello", id: hello.id, code: "bad_credentials", text: "no" });
    await world.pass(2000);
  }
  assert.deepEqual(refused.sort(), ["s1", "s2"]);
  assert.deepEqual([three.state.name, three.state.code, three.state.help], ["ended", "no_session", "sign in"]);
  assert.equal(one.session, "s1");
});

test("what a tab has left behind is sent by one of those that are there, in its order", async () => {
  const world = new World();
  const one = await first(world);
  const two = await entered(world, "s2");
  await world.end(1006, "", world.sockets[0]);
  one.send("lobby", "1");
  one.send("lobby", "2");
  // It is there: it sends them itself.
  two.wake();
  await world.settle();
  assert.deepEqual(two.outbox, []);
  one.close();
  const three = tab(world);
  two.wake();
  await world.settle();
  const holders = [two, three].map(({ outbox }) => outbox.map(({ command }) => command.text));
  assert.deepEqual(
    holders.filter((texts) => texts.length),
    [["1", "2"]],
  );
  const kept = world.storage.values.flatMap(({ outbox }) => outbox.map(({ command }) => command.text));
  assert.deepEqual(kept, ["1", "2"]);
});

test("an orphan's words are adopted when a page is looked at", async () => {
  const world = new World();
  const one = await first(world);
  const two = await entered(world, "s2");
  const [, socket] = world.sockets;
  socket.take();
  await world.end(1006, "", world.sockets[0]);
  one.send("lobby", "1");
  one.close();
  two.wake();
  await world.settle();
  assert.deepEqual(
    socket.take().map(({ type, text }) => [type, text]),
    [
      ["ping", undefined],
      ["send", "1"],
    ],
  );
  // Its session is left for the next tab.
  assert.deepEqual(
    world.storage.values.map(({ session, outbox }) => [session, outbox.length]),
    [
      ["s1", 0],
      ["s2", 1],
    ],
  );
});

test("two tabs that go offline with words of their own lose and double none", async () => {
  const world = new World();
  const one = await first(world);
  const two = await entered(world, "s2");
  const [socketOne, socketTwo] = world.sockets;
  await world.end(1006, "", socketOne);
  await world.end(1006, "", socketTwo);
  one.send("lobby", "one");
  two.send("lobby", "two");
  await world.pass(1000);
  const sent = [];
  for (const socket of world.sockets.slice(2)) {
    const [hello] = await world.accept(socket);
    const told = await world.say(welcome(hello.id, [], { session: hello.session }), socket);
    sent.push(...told.filter(({ type }) => type === "send").map(({ text }) => text));
  }
  assert.deepEqual(sent.sort(), ["one", "two"]);
});

test("where there are no locks, what another has is sent as well: its cid makes it one", async () => {
  const world = new World();
  const locks = null;
  const one = await entered(world, "s1", { name: "ann", password: "pw", locks });
  await world.end();
  one.send("lobby", "1");
  one.close();
  const two = await entered(world, "s2", { locks });
  assert.deepEqual(
    two.outbox.map(({ cid }) => cid),
    one.outbox.map(({ cid }) => cid),
  );
});

test("two users in one browser have nothing of each other", async () => {
  const world = new World();
  const ann = await first(world);
  await world.end();
  ann.send("lobby", "of ann");
  ann.close();
  world.now += 1;
  const bob = await entered(world, "s9", { name: "bob", password: "pw" }, { user: "bob" });
  assert.deepEqual(bob.outbox, []);
  bob.close();
  await world.settle();
  tab(world);
  await world.settle();
  assert.equal((await world.accept())[0].session, "s9");
});

test("a logout in one tab leaves the others in, and the next tab too", async () => {
  const world = new World();
  await first(world);
  const two = await entered(world, "s2");
  const out = two.logout();
  const [{ id }] = world.socket.take();
  await world.say({ type: "ok", re: "logout", id });
  await out;
  assert.deepEqual(
    world.storage.values.map(({ session }) => session),
    ["s1"],
  );
  assert.equal(world.locks.held.size, 1);
});

test("a void session of a tab that is gone is no reason to log in, where there is another", async () => {
  const world = new World();
  const one = await first(world);
  const two = tab(world);
  await world.settle();
  world.now += 1;
  await welcomed(world, "s2");
  one.close();
  two.close();
  const three = tab(world);
  const [refused] = await world.accept();
  assert.equal(refused.session, "s2");
  await world.say({ type: "error", re: "hello", id: refused.id, code: "bad_credentials", text: "no" });
  const hello = await welcomed(world, "s1");
  assert.deepEqual([hello.session, hello.another, three.state.name], ["s1", undefined, "ready"]);
  assert.deepEqual(
    world.storage.values.map(({ session }) => session),
    ["s1"],
  );
});

test("whose words were in the record of a void session, they stay his", async () => {
  const world = new World();
  const bob = await entered(world, "s9", { name: "bob", password: "pw" }, { user: "bob" });
  bob.close();
  world.now += 1;
  const ann = await first(world);
  await world.end();
  ann.send("lobby", "of ann");
  ann.close();
  const chat = tab(world);
  const [refused] = await world.accept();
  assert.equal(refused.session, "s1");
  await world.say({ type: "error", re: "hello", id: refused.id, code: "bad_credentials", text: "no" });
  const hello = await welcomed(world, "s9", { user: "bob" });
  assert.deepEqual([hello.session, chat.user, chat.outbox, world.socket.take()], ["s9", "bob", [], []]);
  const kept = world.storage.values.map(({ user, session, outbox }) => [user, session, outbox.length]);
  assert.deepEqual(kept.sort(), [
    ["ann", undefined, 1],
    ["bob", "s9", 0],
  ]);
});

test("a sibling that is not welcomed yet keeps its words, and not the other's session", async () => {
  const world = new World();
  await first(world);
  const two = tab(world);
  await world.settle();
  two.send("lobby", "early");
  assert.deepEqual(
    world.storage.values.map(({ session, outbox }) => [session, outbox.length]),
    [
      ["s1", 0],
      [undefined, 1],
    ],
  );
  two.close();
  const three = tab(world);
  await world.settle();
  const hello = await welcomed(world, "s3");
  assert.deepEqual([hello.session, hello.another], ["s1", true]);
  assert.equal(three.outbox.length, 1);
});

test("a tab that is sent away leaves its record to others", async () => {
  const world = new World();
  const one = await first(world);
  await world.end(4506);
  assert.equal(one.state.help, "reload");
  await world.settle();
  tab(world);
  const [hello] = await world.accept();
  assert.deepEqual([hello.session, hello.another], ["s1", undefined]);
});
