// @ts-check
/** Days, times and what belongs together. Pure but for the time zone of the browser. */

const GROUP_MS = 5 * 60_000;
const DAY_MS = 86_400_000;

/** @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();

/** @param {string} language @param {Intl.DateTimeFormatOptions} options */
function format(language, options) {
  const key = language + JSON.stringify(options);
  const known = formats.get(key) ?? new Intl.DateTimeFormat(language, options);
  formats.set(key, known);
  return known;
}

/** The time of the day. @param {number} ts In ms. @param {string} language */
export const clock = (ts, language) => format(language, { hour: "2-digit", minute: "2-digit" }).format(ts);

/** Day and time in full. @param {number} ts In ms. @param {string} language */
export const exact = (ts, language) => format(language, { dateStyle: "full", timeStyle: "medium" }).format(ts);

/** Day and time in short. @param {number} ts In ms. @param {string} language */
export const short = (ts, language) => format(language, { dateStyle: "medium", timeStyle: "short" }).format(ts);

/** Which day a moment is on, here. @param {number} ts In ms. */
export const day = (ts) => {
  const date = new Date(ts);
  return `${date.getFullYear()}-${date.getMonth() + 1}-${date.getDate()}`;
};

/**
 * What a day is called.
 *
 * @param {number} ts A moment of it, in ms. @param {number} now In ms.
 * @param {string} language
 * @param {{today: string, yesterday: string}} words
 */
export function dayName(ts, now, language, words) {
  const shown = day(ts);
  if (shown === day(now)) return words.today;
  // Noon before: a day may have 23 or 25 hours.
  const noon = new Date(now).setHours(12, 0, 0, 0);
  if (shown === day(noon - DAY_MS)) return words.yesterday;
  const isThisYear = new Date(ts).getFullYear() === new Date(now).getFullYear();
  const year = /** @type {Intl.DateTimeFormatOptions} */ (isThisYear ? {} : { year: "numeric" });
  return format(language, { weekday: "long", day: "numeric", month: "long", ...year }).format(ts);
}

/**
 * How long ago something was, roughly.
 *
 * @param {number} ts In ms. @param {number} now In ms. @param {string} language
 */
export function ago(ts, now, language) {
  const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  const minutes = Math.round(Math.min(ts - now, 0) / 60_000);
  if (minutes > -60) return relative.format(minutes, "minute");
  if (minutes > -24 * 60) return relative.format(Math.round(minutes / 60), "hour");
  return relative.format(Math.round(minutes / 60 / 24), "day");
}

/**
 * Whether a message goes on with what its sender said just before.
 *
 * @param {{from?: string, ts: number, deleted?: boolean}|undefined} before
 * @param {{from?: string, ts: number, replyTo?: number}} message
 */
export const follows = (before, message) =>
  before !== undefined &&
  before.from === message.from &&
  message.replyTo === undefined &&
  Math.abs(message.ts - before.ts) < GROUP_MS &&
  day(before.ts) === day(message.ts);
