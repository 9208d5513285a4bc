/** What cannot be had is tried again when it may work, and not otherwise. */

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

const target = new EventTarget();
globalThis.addEventListener = target.addEventListener.bind(target);
globalThis.document = new EventTarget();
globalThis.location = { href: "https://chat.example.org/" };
const { eventually } = await import("../../../chatd/web/page/again.mjs");
const { about, chat, connection, isOutdated } = await import("../../../chatd/web/page/state.mjs");

/** Resolves when all that waits for nothing else is done. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

let tries;
let fails;
/** Fails so often as is said. */
const act = async () => {
  tries += 1;
  if (tries <= fails) throw new TypeError("Failed to fetch");
  return "it";
};

/** Begin to try, with so many failures before it works; resolves after the first. */
async function begin(failures) {
  fails = failures;
  // Not the promise itself, for which whoever awaits this would wait.
  const begun = { all: eventually(act) };
  await settled();
  return begun;
}

/** How often it was tried once so much time has passed. */
async function after(ms) {
  mock.timers.tick(ms);
  await settled();
  return tries;
}

const is = (name) => {
  connection.value = { name };
};

beforeEach(() => {
  tries = 0;
  chat.value = null;
  about.value = null;
  isOutdated.value = false;
  mock.timers.enable({ apis: ["setTimeout"] });
  mock.method(Math, "random", () => 1);
});
afterEach(() => {
  mock.reset();
  mock.timers.reset();
});

test("what works at once is tried once", async () => {
  const { all } = await begin(0);
  assert.equal(await all, "it");
  assert.equal(await after(100_000), 1);
});

test("what fails is tried again and again, each time later, up to fifteen seconds", async () => {
  const { all } = await begin(6);
  let expected = 1;
  for (const wait of [1000, 2000, 4000, 8000, 15_000, 15_000]) {
    assert.equal(await after(wait - 1), expected);
    expected += 1;
    assert.equal(await after(1), expected);
  }
  assert.equal(await all, "it");
  assert.equal(await after(100_000), 7);
});

test("many do not come back at the same moment", async () => {
  mock.method(Math, "random", () => 0);
  await begin(1);
  assert.equal(await after(499), 1);
  assert.equal(await after(1), 2);
});

test("it is tried at once when there is a network again", async () => {
  const { all } = await begin(1);
  target.dispatchEvent(new Event("online"));
  assert.equal(await all, "it");
  target.dispatchEvent(new Event("online"));
  assert.equal(await after(100_000), 2);
});

test("and when there is a connection again, but not as it gets lost", async () => {
  chat.value = {};
  is("ready");
  const { all } = await begin(1);
  is("offline");
  is("connecting");
  assert.equal(await after(0), 1);
  is("ready");
  assert.equal(await all, "it");
});

test("and when somebody who is not in is answered", async () => {
  // What was there while somebody was in says nothing of it.
  is("ready");
  const { all } = await begin(1);
  assert.equal(await after(0), 1);
  about.value = { place: "here" };
  assert.equal(await all, "it");
});

test("a daemon of another version is not asked again, until there is another yet", async () => {
  chat.value = {};
  is("ready");
  isOutdated.value = true;
  const { all } = await begin(1);
  assert.equal(await after(100_000), 1);
  is("offline");
  assert.equal(await after(100_000), 1);
  is("ready");
  assert.equal(await all, "it");
});

test("but for whoever is not in, it is", async () => {
  isOutdated.value = true;
  const { all } = await begin(1);
  assert.equal(await after(1000), 2);
  assert.equal(await all, "it");
});
