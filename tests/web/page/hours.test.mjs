/** Quiet hours. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { isWithin } from "../../../chatd/web/page/hours.mjs";

const at = (hours, minutes) => new Date(2026, 10, 22, hours, minutes);

test("hours of one day begin with the first minute and end before the last", () => {
  assert.equal(isWithin("09:30", "17:00", at(9, 29)), false);
  assert.equal(isWithin("09:30", "17:00", at(9, 30)), true);
  assert.equal(isWithin("09:30", "17:00", at(16, 59)), true);
  assert.equal(isWithin("09:30", "17:00", at(17, 0)), false);
});

test("hours may go over midnight", () => {
  assert.equal(isWithin("22:00", "07:00", at(21, 59)), false);
  assert.equal(isWithin("22:00", "07:00", at(23, 0)), true);
  assert.equal(isWithin("22:00", "07:00", at(0, 0)), true);
  assert.equal(isWithin("22:00", "07:00", at(6, 59)), true);
  assert.equal(isWithin("22:00", "07:00", at(7, 0)), false);
});

test("from a time to the same is never", () => {
  for (let hour = 0; hour < 24; hour += 1) assert.equal(isWithin("08:00", "08:00", at(hour, 0)), false);
});
