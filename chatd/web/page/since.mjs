// @ts-check
/** Which message of a room is the first since a moment. Pure but for what is asked for. */

/** So many messages are looked through at once; where more are left, what is left is halved. */
const PAGE = 100;

/** @typedef {{seq: number, ts: string, hidden?: boolean, thread?: boolean}} Said A message as `history` has it. */

/**
 * The first message that is not before a moment and is shown in the room; if there is none,
 * the last one before it.
 *
 * What is said later has a higher number and no earlier moment: so the part in which it can
 * be is halved until it is a page.
 *
 * @param {(seq: number, limit: number) => Promise<Said[]>} from Resolves to what was said from
 *   a number on, at most so many.
 * @param {number} first The number with which the room begins. @param {number} last With which it ends.
 * @param {number} moment In ms.
 * @returns {Promise<Said|undefined>} Nothing, where nothing was said.
 */
export async function firstSince(from, first, last, moment) {
  let [low, high] = [first, last];
  while (high - low > PAGE) {
    const middle = (low + high) >> 1;
    const [one] = await from(middle, 1);
    if (one && Date.parse(one.ts) < moment) low = one.seq;
    else high = middle;
  }
  /** @type {Said|undefined} */
  let before;
  for (let next = low; ; ) {
    const found = await from(next, PAGE);
    for (const one of found.filter(isShown)) {
      if (Date.parse(one.ts) >= moment) return one;
      before = one;
    }
    if (!found.length) break;
    next = found[found.length - 1].seq + 1;
  }
  // All that was said last may be in threads.
  for (let end = low; !before && end > first; end -= PAGE) {
    const found = await from(Math.max(first, end - PAGE), PAGE);
    before = found.filter((one) => isShown(one) && one.seq < end).pop();
  }
  return before;
}

/** Whether the room shows it: what is in a thread one sees there. @param {Said} one */
const isShown = ({ hidden, thread }) => !hidden && !thread;
