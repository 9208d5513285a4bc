// @ts-check
/** Days, times and what belongs together. Pure but for the time zone of the browser. */

const GROUP_MS = 5 * 60_000;
const DAY_MS = 86_400_000;

/** @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();

/** What writes dates so. @param {string} language @param {Intl.DateTimeFormatOptions} options */
export function format(language, options) {
  const key = language + JSON.stringify(options);
  const known = formats.get(key) ?? new Intl.DateTimeFormat(language, options);
  formats.set(key, known);
  return known;
}

/** How hours are counted; undefined: as the language does. @type {"h12"|"h23"|undefined} */
export let hourCycle;

/** Write the time of the day with 12 or 24 hours, or as the language does. @param {string} [hours] */
export const writeHours = (hours) => {
  hourCycle = hours === "12" ? "h12" : hours === "24" ? "h23" : undefined;
};

/** The time of the day. @param {number} ts In ms. @param {string} language */
export const clock = (ts, language) => format(language, { hour: "2-digit", minute: "2-digit", hourCycle }).format(ts);

/** Day and time in full. @param {number} ts In ms. @param {string} language */
export const exact = (ts, language) =>
  format(language, { dateStyle: "full", timeStyle: "medium", hourCycle }).format(ts);

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
 * Whether a message goes on with what its sender said just before.
 *
 * @param {{from?: string, ts: number, deleted?: boolean}|undefined} before
 * @param {{from?: string, ts: number, replyTo?: number}} message
 * @param {number} [thread] Where all are replies to this, that is no answer.
 */
export const follows = (before, message, thread) =>
  before !== undefined &&
  before.from === message.from &&
  (message.replyTo === undefined || message.replyTo === thread) &&
  Math.abs(message.ts - before.ts) < GROUP_MS &&
  day(before.ts) === day(message.ts);
