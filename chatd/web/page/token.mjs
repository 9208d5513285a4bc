// @ts-check
/** What of a text that is being written can be completed. Pure. */

import { joins } from "./text.mjs";

/** A name as it stands behind `@`, up to where one writes. */
const NAME = /[@＠]([\p{L}\p{N}\p{M}._~-]*)$/u;
/** A room, in the same way. */
const ROOM = /#([\p{L}\p{N}\p{M}._-]*)$/u;
/** A short code that is begun: two letters at least, so that `:D` and `:p` stay what they are. */
const CODE = /:([a-z0-9+-][a-z0-9_+-]+)$/i;
/** @type {Record<string, "code"|"room">} */
const KINDS = { ":": "code", "#": "room" };
const CLOSED = /:([a-z0-9+-][a-z0-9_+-]*):$/i;

/**
 * @typedef {{kind: "name"|"room"|"code", from: number, to: number, query: string}} Token
 *   `from` is where its mark stands, `query` what is behind that.
 */

/** Whether a mark at the end of this begins something, and is not code. @param {string} before */
function canBegin(before) {
  const last = before.at(-1);
  // An address, a time, or the second of two marks.
  if (joins(last) || last === "@" || last === "#" || last === "/" || last === ":") return false;
  return (before.match(/`/g)?.length ?? 0) % 2 === 0;
}

/**
 * What stands before the caret and may be completed.
 *
 * @param {string} text @param {number} caret @returns {Token|null}
 */
export function tokenAt(text, caret) {
  const before = text.slice(0, caret);
  const found = NAME.exec(before) ?? ROOM.exec(before) ?? CODE.exec(before);
  if (!found || !canBegin(before.slice(0, found.index))) return null;
  const kind = KINDS[found[0][0]] ?? "name";
  return { kind, from: found.index, to: caret, query: found[1] };
}

/**
 * A short code that has just been closed.
 *
 * @param {string} text @param {number} caret @returns {Token|null}
 */
export function closedAt(text, caret) {
  const before = text.slice(0, caret);
  const found = CLOSED.exec(before);
  if (!found || !canBegin(before.slice(0, found.index))) return null;
  return { kind: "code", from: found.index, to: caret, query: found[1].toLowerCase() };
}
