import assert from "node:assert/strict";
import { test } from "node:test";
import { HAPPENED, MOST, PAGE, Range } from "../../../chatd/web/page/range.mjs";

/** The most events of a page, as the daemon has it. */
const EVENTS = 100;

/**
 * A room up to `count`, of which the last `held` messages are known; each fifth number is no
 * message, but may be an event, as `happens` says.
 */
function roomOf(count, held, happens = (seq) => seq % 10 === 0, isMessage = (seq) => seq % 5 !== 0) {
  const numbers = Array.from({ length: count }, (_, n) => n + 1);
  const messages = numbers
    .filter(isMessage)
    .slice(-held)
    .map((seq) => ({ seq }));
  const frame = (seq) => ({ type: "member", seq });
  const from = messages[0].seq;
  const room = {
    ...{ messages, from, have: count, first: 1, elsewhere: new Map(), asked: [] },
    happened: numbers.filter((seq) => seq >= from && happens(seq)).map(frame),
    message: (seq) => room.messages.find((one) => one.seq === seq) ?? room.elsewhere.get(seq),
    /** As the library has it. */
    async history(which) {
      room.asked.push(which);
      const { before = Infinity, after = 0, limit } = which;
      const isNewest = which.after === undefined;
      const found = numbers.filter((seq) => seq >= room.first && seq < before && seq > after);
      if (isNewest) found.reverse();
      const kept = [];
      let [said, happened] = [0, 0];
      const entries = found.filter((seq) => isMessage(seq) || happens(seq));
      for (const seq of entries) {
        if (isMessage(seq) ? ++said > limit : ++happened > EVENTS) break;
        kept.push(seq);
      }
      const more = kept.length < entries.length;
      const last = kept.at(-1);
      kept.sort((one, two) => one - two);
      const shown = kept
        .filter(isMessage)
        .map((seq) => room.message(seq) ?? { seq, hidden: seq % 7 === 0 || undefined });
      for (const one of shown) room.elsewhere.set(one.seq, one);
      const end = Math.min(before - 1, room.have);
      return {
        ...{ messages: shown, events: kept.filter(happens).map(frame), more, first: room.first, as_of: room.have },
        start: isNewest ? (more ? last : room.first) : after + 1,
        end: isNewest ? end : more ? last : room.have,
      };
    },
    /** Something is said. */
    say() {
      do {
        room.have += 1;
        if (happens(room.have)) room.happened.push(frame(room.have));
      } while (!isMessage(room.have));
      room.messages.push({ seq: room.have });
    },
  };
  return room;
}

const seqs = (range) => range.messages.map(({ seq }) => seq);
/** All that happened in a range is there, once and in order. */
const isWhole = (range, happens = (seq) => seq % 10 === 0) => {
  const wanted = Array.from({ length: range.to - range.from + 1 }, (_, n) => range.from + n).filter(happens);
  assert.deepEqual(
    range.happened.map(({ seq }) => seq),
    wanted,
  );
};
const visible = (from, to) =>
  Array.from({ length: to - from + 1 }, (_, n) => from + n).filter((seq) => seq % 5 !== 0 && seq % 7 !== 0);

/** What is held apart is what the range has. */
const isHeld = (room, range) => assert.deepEqual([...room.elsewhere.keys()], seqs(range));

test("a far message comes by two pages, and nothing between is asked for", async () => {
  const room = roomOf(100_000, 60);
  const range = await Range.around(room, 50_003);
  assert.deepEqual(room.asked, [
    { before: 50_004, limit: PAGE },
    { after: 50_003, limit: PAGE },
  ]);
  assert.ok(seqs(range).includes(50_003));
  assert.deepEqual(seqs(range), visible(range.from, range.to));
  assert.deepEqual([range.hasOlder, range.hasNewer, range.isGap], [true, true, true]);
  isHeld(room, range);
  isWhole(range);
});

test("what is no message, or is not there any more, is not found, and leaves nothing", async () => {
  const room = roomOf(1000, 60);
  room.first = 100;
  for (const seq of [205, 203, 50, 2000]) assert.equal(await Range.around(room, seq), undefined);
  assert.equal(room.elsewhere.size, 0);
});

test("a message at the end needs nothing", async () => {
  const room = roomOf(1000, 60);
  const range = await Range.around(room, 999);
  assert.deepEqual(room.asked, []);
  assert.deepEqual([seqs(range).at(-1), range.to, range.hasNewer], [999, 1000, false]);
});

test("reading back to the beginning holds a bounded part without a hole, and so does the way to the end", async () => {
  const room = roomOf(3000, 60);
  let range = Range.ofEnd(room, 0);
  while (range.hasOlder) {
    await range.older();
    assert.ok(range.messages.length <= MOST);
    const own = seqs(range).filter((seq) => seq < room.from);
    assert.deepEqual(own, visible(range.from, Math.min(range.to, room.from - 1)));
    isHeld(room, range);
    isWhole(range);
  }
  assert.equal(range.from, 1);
  assert.equal(range.hasNewer, true);
  const there = room.asked.length;
  let steps = 0;
  while (range.hasNewer) {
    const last = seqs(range).at(-1);
    await range.newer();
    steps += 1;
    assert.ok(seqs(range).at(-1) > last, "it goes on");
    assert.ok(range.messages.length <= MOST);
    assert.equal(new Set(seqs(range)).size, range.messages.length);
    isHeld(room, range);
    isWhole(range);
  }
  assert.ok(room.asked.length - there <= steps);
  assert.equal(range.to, 3000);
  assert.deepEqual(seqs(range).slice(-60), room.messages.map(({ seq }) => seq).slice(-60));
  range = Range.ofEnd(room, 0);
  assert.equal(range.hasNewer, false);
});

test("what comes is taken up while there is room for it; what is dropped meanwhile is asked for", async () => {
  const room = roomOf(100, 50);
  const range = Range.ofEnd(room, 0);
  room.say();
  range.follow();
  assert.equal(seqs(range).at(-1), room.have);
  for (let n = 0; n < 2 * MOST; n += 1) room.say();
  range.follow();
  assert.equal(range.messages.length, MOST);
  assert.equal(range.isGap, false);
  // The room holds the last of them only.
  room.messages = room.messages.slice(-100);
  room.from = room.messages[0].seq;
  assert.equal(range.isGap, true);
  const before = seqs(range);
  range.follow();
  assert.deepEqual(seqs(range), before);
});

test("where much more happens than is said, all of it passes, and little is held", async () => {
  const [happens, isMessage] = [(seq) => seq % 50 !== 0, (seq) => seq % 50 === 0];
  const room = roomOf(5000, 2, happens, isMessage);
  const range = Range.ofEnd(room, 0);
  const seen = new Set();
  const look = () => {
    assert.ok(range.happened.length <= HAPPENED);
    isWhole(range, happens);
    for (const { seq } of [...range.messages, ...range.happened]) seen.add(seq);
  };
  look();
  while (range.hasOlder) {
    const { from } = range;
    await range.older();
    assert.ok(range.from < from, "it goes on");
    look();
  }
  assert.equal(range.from, 1);
  for (const one of Array.from({ length: 5000 }, (_, n) => n + 1)) if (one % 350) assert.ok(seen.has(one), one);
  while (range.hasNewer) {
    const { to } = range;
    await range.newer();
    assert.ok(range.to > to, "it goes on");
    look();
  }
  assert.equal(range.to, 5000);
});

test("what happens is taken up as what is said, as long as there is room for it", () => {
  const happens = (seq) => seq % 2 === 0;
  const room = roomOf(100, 50, happens, (seq) => seq % 2 === 1);
  const range = Range.ofEnd(room, 0);
  room.say();
  range.follow();
  isWhole(range, happens);
  assert.equal(range.to, room.have);
  for (let n = 0; n < HAPPENED; n += 1) {
    room.have += 1;
    room.happened.push({ type: "room", seq: room.have });
  }
  range.follow();
  assert.deepEqual([range.happened.length, range.hasNewer], [HAPPENED, true]);
  const { to } = range;
  range.follow();
  assert.equal(range.to, to);
});

test("a range is over when the room began anew, or another one is read", async () => {
  const room = roomOf(1000, 60);
  const one = await Range.around(room, 501);
  assert.equal(one.isOver, false);
  const other = await Range.around(room, 101);
  assert.deepEqual([one.isOver, other.isOver], [true, false]);
  room.elsewhere = new Map();
  assert.equal(other.isOver, true);
});

test("what is not kept any more goes", async () => {
  const other = roomOf(1000, 60);
  const range = await Range.around(other, 101);
  other.first = 99;
  await range.newer();
  assert.equal(seqs(range)[0], 99);
});
