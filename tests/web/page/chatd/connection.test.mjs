import assert from "node:assert/strict";
import { test } from "node:test";
import { Chat, Failure, once } from "../../../../chatd/web/page/chatd.mjs";
import { caughtUp, joined, listed, message, World, welcome } from "./world.mjs";

const URL = "ws://chat.test/ws";

/** A chat of ann's that is ready in the lobby, at its event 3. */
async function inLobby(world, options = {}) {
  const chat = new Chat(URL, world.options({ name: "ann", password: "pw", ...options }));
  const [join] = await world.welcome([listed("lobby", 3)]);
  await world.say([joined(join.id, "lobby", 3), caughtUp(join.id, "lobby", 3)]);
  assert.equal(chat.state.name, "ready");
  return chat;
}

for (const [options, hello] of [
  [{}, {}],
  [{ name: "" }, { name: "" }],
  [{ name: "ann" }, { name: "ann" }],
  [
    { name: "ann", password: "pw" },
    { name: "ann", password: "pw" },
  ],
  [{ token: "t" }, { token: "t" }],
  [{ getToken: () => "t" }, { token: "t" }],
  [{ getToken: async () => "t" }, { token: "t" }],
  [{ session: "s" }, { session: "s" }],
  [
    { link: "l", device: "Phone" },
    { link: "l", device: "Phone" },
  ],
]) {
  test(`hello says ${JSON.stringify(hello)}`, async () => {
    const world = new World();
    new Chat(URL, world.options(options));
    const [{ type, id, ...said }] = await world.accept();
    assert.deepEqual([type, id], ["hello", 1]);
    assert.deepEqual(said, hello);
    assert.deepEqual(world.socket.protocols, ["chatd.v1"]);
  });
}

test("with a storage, and nothing in it, one has to log in; nothing is sent", async () => {
  const world = new World();
  const chat = new Chat(URL, world.options({ storage: world.storage }));
  await world.settle();
  const { name, code, help } = chat.state;
  assert.deepEqual({ name, code, help }, { name: "ended", code: "no_session", help: "sign in" });
  assert.equal(world.sockets.length, 0);
  await assert.rejects(chat.ready(), { code: "no_session" });
});

test("it is catching up until every room is", async () => {
  const world = new World();
  const chat = new Chat(URL, world.options({ name: "ann" }));
  const states = [];
  chat.on("state", ({ name }) => states.push(name));
  const asked = await world.welcome([listed("lobby", 3), listed("garden", 0)]);
  assert.deepEqual(
    asked.map(({ type, room }) => [type, room]),
    [
      ["join", "lobby"],
      ["join", "garden"],
    ],
  );
  assert.deepEqual(states, ["catching up"]);
  await world.say(joined(asked[0].id, "lobby", 3));
  assert.deepEqual(states, ["catching up"]);
  await world.say(joined(asked[1].id, "garden", 0));
  assert.deepEqual(states, ["catching up", "ready"]);
  assert.equal(await chat.ready(), chat);
});

test("it comes back with what it has of each room, and misses nothing", async () => {
  const world = new World();
  const chat = await inLobby(world);
  await world.end(1006);
  assert.equal(chat.state.name, "offline");
  await world.pass(1000);
  const [hello] = await world.accept();
  assert.deepEqual([hello.session, hello.name, hello.password], ["s1", undefined, undefined]);
  const [join] = await world.say(welcome(hello.id, [listed("lobby", 5)]));
  assert.deepEqual([join.since, join.epoch], [3, "e1"]);
  await world.say(joined(join.id, "lobby", 5, { recovered: true }));
  assert.equal(chat.state.name, "catching up");
  await world.say([message(4, "four"), message(5, "five"), caughtUp(join.id, "lobby", 5)]);
  assert.equal(chat.state.name, "ready");
  assert.deepEqual(
    chat.rooms.get("lobby").messages.map(({ text }) => text),
    ["four", "five"],
  );
});

test("tries are 1, 2, 4 … 30 s apart, each times chance, and anew after a welcome", async () => {
  const world = new World();
  const random = world.clock.random;
  const chat = await inLobby(world);
  world.clock.random = random;
  chat.clock.random = () => 1;
  const waits = [];
  for (let n = 0; n < 7; n += 1) {
    await world.end();
    waits.push(chat.state.retryAt - world.now);
    await world.pass(waits.at(-1) - 1);
    const before = world.sockets.length;
    await world.pass(1);
    assert.equal(world.sockets.length, before + 1);
  }
  assert.deepEqual(waits, [1000, 2000, 4000, 8000, 16000, 30000, 30000]);
  await world.welcome([]);
  await world.end();
  assert.equal(chat.state.retryAt - world.now, 1000);
});

test("`bye` says when, and why where the end does not", async () => {
  const world = new World();
  const chat = await inLobby(world);
  await world.say({ type: "bye", code: 4001, reason: "restart", reconnect: true, after: 3.7 });
  await world.end(1006);
  const { code, text, retryAt, help } = chat.state;
  assert.deepEqual(
    { code, text, wait: retryAt - world.now, help },
    { code: "4001", text: "restart", wait: 3700, help: "wait" },
  );
  await world.pass(3700);
  await world.say({ type: "bye", code: 4503, reason: "spam", reconnect: false });
  await world.end(1005);
  assert.deepEqual([chat.state.name, chat.state.code, chat.state.text], ["ended", "4503", "spam"]);
});

test("nobody can send it away for longer than five minutes", async () => {
  const world = new World();
  const chat = await inLobby(world);
  await world.say({ type: "bye", code: 4001, after: 1e9 });
  await world.end(4001);
  assert.equal(chat.state.retryAt - world.now, 300_000);
});

for (const [code, name, help] of [
  [1000, "ended", "sign in"],
  [1001, "offline", "wait"],
  [1002, "ended", "reload"],
  [1006, "offline", "wait"],
  [1007, "ended", "reload"],
  [1008, "ended", "reload"],
  [1009, "offline", "wait"],
  [1011, "offline", "wait"],
  [1012, "offline", "wait"],
  [4001, "offline", "wait"],
  [4002, "offline", "wait"],
  [4003, "ended", "sign in"],
  [4004, "offline", "wait"],
  [4005, "offline", "wait"],
  [4499, "offline", "wait"],
  [4500, "ended", "sign in"],
  [4501, "ended", "reload"],
  [4502, "ended", "reload"],
  [4503, "ended", "nothing"],
  [4504, "ended", "reload"],
  [4505, "ended", "sign in"],
  [4506, "ended", "reload"],
  [4999, "ended", "reload"],
]) {
  test(`after ${code} it is ${name}; ${help} helps`, async () => {
    const world = new World();
    const chat = await inLobby(world, { storage: world.storage });
    await world.end(code, "why");
    assert.deepEqual(
      [chat.state.name, chat.state.code, chat.state.text, chat.state.help],
      [name, String(code), "why", help],
    );
    const isKept = ![1000, 4003, 4500, 4503, 4505].includes(code);
    assert.deepEqual(
      world.storage.values.map(({ session }) => session),
      isKept ? ["s1"] : [],
    );
    await world.pass(3_600_000);
    assert.equal(world.sockets.length > 1, name === "offline");
  });
}

test("silence for both times of the heartbeat brings a ping, and none of its answer the end", async () => {
  const world = new World();
  const chat = await inLobby(world);
  await world.pass(34_999);
  assert.deepEqual(world.socket.take(), []);
  await world.pass(1);
  const [{ type, id }] = world.socket.take();
  assert.equal(type, "ping");
  await world.pass(9_999);
  await world.say({ type: "ok", re: "ping", id });
  await world.pass(35_000);
  assert.deepEqual(
    world.socket.take().map((one) => one.type),
    ["ping"],
  );
  await world.pass(10_000);
  assert.equal(chat.state.name, "offline");
  assert.equal(world.sockets[0].isClosed, true);
});

test("whatever comes is a sign of life", async () => {
  const world = new World();
  await inLobby(world);
  for (let n = 0; n < 100; n += 1) {
    await world.pass(34_000);
    await world.say({ type: "presence", room: "lobby", online: 1 });
  }
  assert.deepEqual(world.socket.take(), []);
});

test("a large answer may take a minute before silence is held against the daemon", async () => {
  const world = new World();
  const chat = await inLobby(world);
  chat.command({ type: "history", room: "lobby" }).catch(() => {});
  await world.pass(35_000 + 59_999);
  assert.equal(chat.state.name, "ready");
  await world.pass(1);
  assert.equal(chat.state.name, "offline");
});

test("whatever still comes, while a ping waits behind it, is a sign of life", async () => {
  const world = new World();
  const chat = await inLobby(world);
  chat.wake();
  for (let n = 0; n < 100; n += 1) {
    await world.pass(9000);
    await world.say({ type: "presence", room: "lobby", online: 1 });
  }
  assert.deepEqual([chat.state.name, world.sockets.length], ["ready", 1]);
});

test("a clock that is put back by an hour hides no silence", async () => {
  const world = new World();
  const chat = await inLobby(world);
  await world.say({ type: "presence", room: "lobby", online: 1 });
  world.turn(-3_600_000);
  await world.pass(45_000);
  assert.equal(chat.state.name, "offline");
  await world.pass(1000);
  assert.equal(world.sockets.length, 2);
});

test("any answer to a ping will do", async () => {
  const world = new World();
  const chat = await inLobby(world);
  chat.wake();
  const [{ id }] = world.socket.take();
  await world.say({ type: "error", re: "ping", id, code: "internal", text: "no" });
  await world.pass(20_000);
  assert.equal(chat.state.name, "ready");
});

test("six hours with a daemon that answers pings are one connection", async () => {
  const world = new World();
  const chat = await inLobby(world);
  for (let at = 0; at < 6 * 3600; at += 1) {
    await world.pass(1000);
    for (const { type, id } of world.socket.take()) await world.say({ type: "ok", re: type, id });
  }
  assert.equal(world.sockets.length, 1);
  assert.equal(chat.state.name, "ready");
  assert.ok(world.timers.size < 3);
});

test("a connection that does not come about, or is not welcomed, is given up after 30 s", async () => {
  const world = new World();
  const chat = new Chat(URL, world.options({ name: "ann" }));
  await world.pass(30_000);
  assert.deepEqual([chat.state.name, world.sockets[0].isClosed], ["offline", true]);
  await world.pass(1000);
  await world.accept();
  await world.pass(30_000);
  assert.deepEqual([chat.state.name, world.sockets.length], ["offline", 2]);
});

test("what an old connection still says is not listened to", async () => {
  const world = new World();
  const chat = await inLobby(world);
  const old = world.socket;
  await world.pass(45_000);
  await world.pass(1000);
  await world.welcome([]);
  await world.say({ type: "left", room: "lobby" }, old);
  await world.end(4505, "", old);
  assert.equal(chat.state.name, "ready");
});

test("`wake` connects at once, and asks whether a connection is still one", async () => {
  const world = new World();
  const chat = await inLobby(world);
  chat.wake();
  chat.wake();
  assert.deepEqual(
    world.socket.take().map(({ type }) => type),
    ["ping"],
  );
  await world.pass(10_000);
  assert.equal(chat.state.name, "offline");
  chat.wake();
  assert.equal(chat.state.name, "connecting");
  await world.settle();
  assert.equal(world.sockets.length, 2);
  await world.pass(20_000);
  assert.equal(world.sockets.length, 2);
});

test("the network's return and the page's becoming visible wake it, until it has ended", async () => {
  const world = new World();
  const kinds = {};
  const heard = {
    addEventListener(kind, fn, { signal }) {
      if (signal.aborted) return;
      kinds[kind] = fn;
      signal.addEventListener("abort", () => delete kinds[kind]);
    },
  };
  globalThis.addEventListener = heard.addEventListener;
  globalThis.document = { ...heard, hidden: true };
  try {
    const chat = await inLobby(world);
    await world.end();
    kinds.visibilitychange();
    assert.equal(chat.state.name, "offline");
    kinds.online();
    assert.equal(chat.state.name, "connecting");
    await world.settle();
    await world.end();
    globalThis.document.hidden = false;
    kinds.visibilitychange();
    assert.equal(chat.state.name, "connecting");
    chat.close();
    assert.deepEqual(Object.keys(kinds), []);
  } finally {
    delete globalThis.addEventListener;
    delete globalThis.document;
  }
});

test("a refused login ends it, with the field and when it may be tried again", async () => {
  for (const [error, state] of [
    [
      { code: "bad_credentials", text: "no" },
      { code: "bad_credentials", text: "no", help: "sign in" },
    ],
    [
      { code: "bad_field", field: "name", text: "no" },
      { code: "bad_field", text: "no", field: "name", help: "sign in" },
    ],
    [
      { code: "rate_limited", text: "no", retry_after: 180 },
      { code: "rate_limited", text: "no", retryAfter: 180, help: "sign in" },
    ],
    [
      { code: "banned", text: "spam" },
      { code: "banned", text: "spam", help: "nothing" },
    ],
  ]) {
    const world = new World();
    const chat = new Chat(URL, world.options({ name: "ann", password: "pw" }));
    const [{ id }] = await world.accept();
    const ready = assert.rejects(chat.ready(), (failure) => failure instanceof Failure && failure.code === error.code);
    await world.say({ type: "error", re: "hello", id, ...error });
    await ready;
    const told = Object.fromEntries(Object.entries(chat.state).filter(([, value]) => value !== undefined));
    assert.deepEqual(told, { name: "ended", ...state });
    assert.equal(world.socket.isClosed, true);
  }
});

test("a session that is refused is not replaced by the password: a logout elsewhere stays one", async () => {
  const world = new World();
  const chat = await inLobby(world, { storage: world.storage });
  await world.end();
  await world.pass(1000);
  const [{ id, session }] = await world.accept();
  assert.equal(session, "s1");
  await world.say({ type: "error", re: "hello", id, code: "bad_credentials", text: "no" });
  assert.deepEqual([chat.state.name, chat.state.help], ["ended", "sign in"]);
  assert.deepEqual(world.storage.values, []);
});

test("too many logins, or a store that does not answer, are waited for by who has a session", async () => {
  const world = new World();
  const chat = await inLobby(world);
  await world.end();
  await world.pass(1000);
  const [{ id }] = await world.accept();
  await world.say({ type: "error", re: "hello", id, code: "rate_limited", text: "no", retry_after: 7 });
  assert.deepEqual([chat.state.name, chat.state.retryAt - world.now], ["offline", 7000]);
  await world.pass(7000);
  const [again] = await world.accept();
  await world.say({ type: "error", re: "hello", id: again.id, code: "unavailable", text: "no" });
  assert.equal(chat.state.name, "offline");
});

test("`getToken` brings a new token when the old one has ended, refused or is about to", async () => {
  const world = new World();
  let made = 0;
  const getToken = async () => `t${++made}`;
  const chat = new Chat(URL, world.options({ getToken }));
  await world.welcome([]);
  const [refresh] = await world.say({ type: "expiring", in: 60 });
  assert.deepEqual([refresh.type, refresh.token], ["refresh", "t2"]);
  await world.say({ type: "error", re: "refresh", id: refresh.id, code: "bad_credentials", text: "no" });
  await world.end(4003);
  assert.equal(chat.state.name, "offline");
  await world.pass(1000);
  const [hello] = await world.accept();
  assert.deepEqual([hello.session, hello.token], ["s1", "t3"]);
  await world.say({ type: "error", re: "hello", id: hello.id, code: "bad_credentials", text: "no" });
  await world.pass(2000);
  const [again] = await world.accept();
  assert.deepEqual([again.session, again.token], [undefined, "t4"]);
  await world.say({ type: "error", re: "hello", id: again.id, code: "bad_credentials", text: "no" });
  assert.deepEqual([chat.state.name, chat.state.help], ["ended", "sign in"]);
});

test("a `getToken` that fails is tried again, and its `Failure` ends it", async () => {
  const world = new World();
  const answers = [new Error("no network"), new Failure({ code: "unauthorized", text: "log in over there" })];
  const chat = new Chat(URL, world.options({ getToken: () => Promise.reject(answers.shift()) }));
  await world.settle();
  assert.deepEqual([chat.state.name, chat.state.text], ["offline", "Error: no network"]);
  await world.pass(1000);
  assert.deepEqual([chat.state.name, chat.state.code], ["ended", "unauthorized"]);
  assert.equal(world.sockets.length, 0);
});

test("a `getToken` that brings nothing makes nobody a guest", async () => {
  const world = new World();
  const chat = new Chat(URL, world.options({ getToken: async () => "" }));
  await world.settle();
  assert.deepEqual([chat.state.code, world.sockets.length], ["no_session", 0]);
});

test("a session of before is tried with a token, and the token alone where it has ended", async () => {
  const world = new World();
  const answers = ["t1", new Failure({ code: "bad_credentials", text: "no" }), "t3"];
  const getToken = async () => {
    const answer = answers.shift();
    if (answer instanceof Failure) throw answer;
    return answer;
  };
  const chat = new Chat(URL, world.options({ session: "s0", getToken }));
  const [hello] = await world.accept();
  assert.deepEqual([hello.session, hello.token], ["s0", "t1"]);
  await world.end();
  await world.pass(1000);
  const [again] = await world.accept();
  assert.deepEqual([again.session, again.token], [undefined, "t3"]);
  assert.equal(chat.state.name, "connecting");
});

test("a failing refresh breaks nothing", async () => {
  const world = new World();
  const tokens = ["t1"];
  const chat = new Chat(
    URL,
    world.options({ getToken: async () => tokens.shift() ?? Promise.reject(new Error("no")) }),
  );
  await world.welcome([]);
  await world.say({ type: "expiring", in: 60 });
  assert.equal(chat.state.name, "ready");
});

test("a token of somebody else does not make one somebody else", async () => {
  const world = new World();
  const chat = new Chat(URL, world.options({ getToken: async () => "t" }));
  await world.welcome([]);
  await world.end();
  await world.pass(1000);
  await world.welcome([], { user: "bob" });
  assert.deepEqual([chat.state.name, chat.state.code], ["ended", "other_user"]);
});

test("logging out voids the session and stays out, whichever comes first: answer or end", async () => {
  for (const isAnswered of [true, false]) {
    const world = new World();
    const chat = await inLobby(world, { storage: world.storage });
    const done = chat.logout();
    await world.settle();
    const [{ type, id }] = world.socket.take();
    assert.equal(type, "logout");
    if (isAnswered) {
      await world.say({ type: "ok", re: "logout", id });
      await done;
    } else {
      await world.end(1000);
      await done;
    }
    assert.deepEqual([chat.state.name, chat.state.code], ["ended", "1000"]);
    assert.deepEqual(world.storage.values, []);
    await world.pass(3_600_000);
    assert.equal(world.sockets.length, 1);
  }
});

test("closing keeps the session, answers what waits, and lets no timer behind", async () => {
  const world = new World();
  const chat = await inLobby(world, { storage: world.storage });
  const asked = assert.rejects(chat.command({ type: "rooms" }), { code: "disconnected" });
  chat.close();
  await asked;
  assert.deepEqual([chat.state.name, chat.state.code, world.socket.closedWith], ["ended", "1000", 1000]);
  assert.deepEqual(
    world.storage.values.map(({ session }) => session),
    ["s1"],
  );
  assert.equal(world.timers.size, 0);
  await assert.rejects(chat.command({ type: "rooms" }), { code: "disconnected" });
});

test("closing while it connects, or before, opens nothing", async () => {
  const world = new World();
  const chat = new Chat(URL, world.options({ name: "ann" }));
  chat.close();
  await world.settle();
  assert.equal(chat.state.name, "ended");
  assert.equal(world.sockets.length, 0);
  assert.equal(world.locks.held.size, 0);
});

test("commands are answered each by its own reply", async () => {
  const world = new World();
  const chat = await inLobby(world);
  const one = chat.command({ type: "rooms" });
  const two = assert.rejects(chat.command({ type: "who", room: "x" }), {
    code: "no_room",
    text: "none",
    field: "room",
  });
  const [rooms, who] = world.socket.take();
  await world.say([
    { type: "error", re: "who", id: who.id, code: "no_room", text: "none", field: "room" },
    { type: "ok", re: "rooms", id: rooms.id, rooms: [] },
  ]);
  assert.deepEqual((await one).rooms, []);
  await two;
});

test("what can be repeated waits as the daemon says; what cannot, or waits long, is told", async () => {
  const world = new World();
  const chat = await inLobby(world);
  const error = (id, retry_after, code = "rate_limited") => ({
    type: "error",
    re: "x",
    id,
    code,
    text: "wait",
    retry_after,
  });
  const made = chat.command({ type: "create", room: "x", cid: "1" });
  const [first] = world.socket.take();
  await world.say(error(first.id, 5));
  await world.pass(5000);
  const [second] = world.socket.take();
  await world.say(error(second.id, undefined, "internal"));
  await world.pass(2000);
  const [third] = world.socket.take();
  assert.deepEqual([second.cid, third.cid], ["1", "1"]);
  await world.say({ type: "ok", re: "create", id: third.id, room: "x" });
  assert.equal((await made).room, "x");
  for (const [command, retry_after] of [
    [{ type: "profile" }, 1],
    [{ type: "send", cid: "2" }, 61],
  ]) {
    const told = assert.rejects(chat.command(command), { code: "rate_limited", retryAfter: retry_after });
    await world.say(error(world.socket.take()[0].id, retry_after));
    await told;
  }
});

test("a command that the daemon would end the connection for is not sent", async () => {
  const world = new World();
  const chat = await inLobby(world);
  await assert.rejects(chat.command({ type: "send", room: "lobby", text: "ü".repeat(33_000) }), { code: "too_long" });
  assert.deepEqual(world.socket.take(), []);
});

test("`once` asks without a login, and closes", async () => {
  const world = new World();
  const asked = once(URL, { type: "about" }, world.options());
  assert.deepEqual(await world.accept(), [{ type: "about" }]);
  await world.say({ type: "ok", re: "about", place: "northwind" });
  assert.equal((await asked).place, "northwind");
  assert.equal(world.socket.isClosed, true);
  const refused = assert.rejects(once(URL, { type: "register" }, world.options()), {
    code: "name_taken",
    field: "name",
  });
  await world.accept();
  await world.say({ type: "error", re: "register", code: "name_taken", field: "name", text: "taken" });
  await refused;
  const lost = assert.rejects(once(URL, { type: "about" }, world.options()), { code: "disconnected" });
  await world.end();
  await lost;
});

test("what a listener throws is thrown where nobody else suffers from it", async () => {
  const world = new World();
  const chat = await inLobby(world);
  const seen = [];
  const off = chat.on("frame", () => {
    throw new Error("of the listener");
  });
  chat.on("frame", ({ type }) => seen.push(type));
  await world.say({ type: "bye" });
  assert.deepEqual(seen, ["bye"]);
  await assert.rejects(world.pass(1), /of the listener/);
  off();
  await world.say({ type: "bye" });
  await world.pass(1);
  assert.equal(chat.now(), world.now);
});
