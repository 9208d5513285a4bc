// @ts-check
/** Hours in which somebody does not want to be called. Pure. */

/**
 * Whether a moment of the day is from one time on and before another, maybe over midnight.
 *
 * @param {string} from As `22:00`. @param {string} to The same as `from` is never.
 * @param {Date} now
 */
export function isWithin(from, to, now) {
  const at = [now.getHours(), now.getMinutes()].map((part) => String(part).padStart(2, "0")).join(":");
  return from <= to ? from <= at && at < to : at >= from || at < to;
}
