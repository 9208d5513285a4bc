import assert from "node:assert/strict";
import { test } from "node:test";
import { firstSince } from "../../../chatd/web/page/since.mjs";

const MINUTE_MS = 60_000;

/**
 * A room in which each third number is a message, said a minute after the one before; and what
 * was asked of it.
 */
function room(count, isThread = () => false) {
  const all = Array.from({ length: count }, (_, n) => ({
    seq: 3 * n + 1,
    ts: new Date(n * MINUTE_MS).toISOString(),
    thread: isThread(n) || undefined,
  }));
  const asked = [];
  const from = async (seq, limit) => {
    asked.push(limit);
    return all.filter((one) => one.seq >= seq).slice(0, limit);
  };
  return { from, asked, last: 3 * count };
}

test("it is the first that is not before the moment, wherever that is", async () => {
  for (const count of [1, 2, 30, 99, 100, 101, 250, 1000]) {
    const { from, last } = room(count);
    for (const n of new Set([0, 1, count >> 1, count - 2, count - 1].filter((one) => one >= 0 && one < count))) {
      const exact = await firstSince(from, 1, last, n * MINUTE_MS);
      assert.equal(exact.seq, 3 * n + 1, `${n} of ${count}`);
      const before = await firstSince(from, 1, last, n * MINUTE_MS - 1);
      assert.equal(before.seq, 3 * n + 1, `just before ${n} of ${count}`);
    }
  }
});

test("where nothing was said since, it is the last one", async () => {
  const { from, last } = room(500);
  assert.equal((await firstSince(from, 1, last, 500 * MINUTE_MS)).seq, 3 * 499 + 1);
});

test("where nothing was said at all, it is nothing", async () => {
  assert.equal(await firstSince(async () => [], 1, 700, 0), undefined);
});

test("what is in a thread is passed over, however much that is", async () => {
  const { from, last } = room(1000, (n) => n > 400);
  assert.equal((await firstSince(from, 1, last, 2000 * MINUTE_MS)).seq, 3 * 400 + 1);
  const other = room(1000, (n) => n >= 300 && n < 900);
  assert.equal((await firstSince(other.from, 1, other.last, 350 * MINUTE_MS)).seq, 3 * 900 + 1);
});

test("a room of a hundred thousand is asked a dozen times", async () => {
  const { from, asked, last } = room(33_333);
  await firstSince(from, 1, last, 12_345 * MINUTE_MS);
  assert.ok(asked.length <= 12, `${asked.length}`);
  assert.ok(asked.filter((limit) => limit > 1).length <= 2);
});
