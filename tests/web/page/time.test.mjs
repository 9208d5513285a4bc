/** Days, times and groups; in Berlin's time, which has days of 23 and 25 hours. */

import assert from "node:assert/strict";
import { test } from "node:test";

process.env.TZ = "Europe/Berlin";
const { clock, day, dayName, exact, follows, writeHours } = await import("../../../chatd/web/page/time.mjs");
const { ago, short } = await import("../../../chatd/web/page/when.mjs");
const words = { today: "Today", yesterday: "Yesterday" };
const at = (text) => new Date(text).getTime();

test("a day is called by how far it is", () => {
  const now = at("2026-11-27T10:00:00+01:00");
  const name = (text) => dayName(at(text), now, "de", words);
  assert.equal(name("2026-11-27T00:00:01+01:00"), "Today");
  assert.equal(name("2026-11-26T23:59:59+01:00"), "Yesterday");
  assert.equal(name("2026-11-25T12:00:00+01:00"), "Mittwoch, 25. November");
  assert.equal(name("2025-11-25T12:00:00+01:00"), "Dienstag, 25. November 2025");
});

test("yesterday is the day before, however long that was", () => {
  const name = (text, now) => dayName(at(text), at(now), "de", words);
  assert.equal(name("2026-10-24T23:30:00+02:00", "2026-10-25T23:30:00+01:00"), "Yesterday");
  assert.equal(name("2026-10-25T00:10:00+02:00", "2026-10-26T00:05:00+01:00"), "Yesterday");
  assert.equal(name("2026-03-28T23:50:00+01:00", "2026-03-29T23:55:00+02:00"), "Yesterday");
});

test("times are those of the reader's language and place", () => {
  const ts = at("2026-11-27T13:05:09Z");
  assert.equal(clock(ts, "de"), "14:05");
  assert.match(clock(ts, "en-US"), /^02:05\sPM$/);
  assert.match(exact(ts, "de"), /Freitag, 27\. November 2026.*14:05:09/);
  assert.equal(day(ts), "2026-11-27");
  assert.equal(ago(ts - 5 * 60_000, ts, "en"), "5 minutes ago");
  assert.equal(ago(ts - 26 * 3_600_000, ts, "en"), "yesterday");
  assert.equal(ago(ts + 60_000, ts, "en"), "this minute");
});

test("a message goes on with what its sender said within five minutes of the same day", () => {
  const ts = at("2026-11-27T12:00:00+01:00");
  const before = { from: "ann", ts };
  assert.ok(follows(before, { from: "ann", ts: ts + 299_000 }));
  assert.ok(!follows(before, { from: "ann", ts: ts + 300_000 }));
  assert.ok(!follows(before, { from: "bob", ts }));
  assert.ok(!follows(before, { from: "ann", ts, replyTo: 3 }));
  assert.ok(!follows(undefined, { from: "ann", ts }));
  const midnight = at("2026-11-27T00:00:00+01:00");
  assert.ok(!follows({ from: "ann", ts: midnight - 1 }, { from: "ann", ts: midnight }));
});

test("hours go to 12 or 24 as one says, and else as the language has them", () => {
  const [noon, night] = [at("2026-11-27T12:05:00+01:00"), at("2026-11-27T00:05:00+01:00")];
  writeHours("12");
  assert.match(clock(night, "de"), /^12:05\sAM$/);
  assert.match(exact(noon, "en-GB"), /12:05:00\spm$/);
  writeHours("24");
  assert.deepEqual([clock(noon, "en-US"), clock(night, "en-US")], ["12:05", "00:05"]);
  assert.match(short(night, "en-US"), /00:05$/);
  writeHours();
  assert.deepEqual([clock(night, "de"), clock(night, "en-US").slice(0, 5)], ["00:05", "12:05"]);
});
