// @ts-check
/** When something was, in short or roughly; more of `time.mjs`. */

import { format, hourCycle } from "./time.mjs";

/** Day and time in short. @param {number} ts In ms. @param {string} language */
export const short = (ts, language) =>
  format(language, { dateStyle: "medium", timeStyle: "short", hourCycle }).format(ts);

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
