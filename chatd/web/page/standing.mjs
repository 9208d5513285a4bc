// @ts-check
/** Who is banned from a room, muted there, or asked in. */

import { pages } from "./pages.mjs";
import { reason } from "./reasons.mjs";
import { ownRank } from "./rights.mjs";
import { chat } from "./state.mjs";
import { useEffect, useState } from "./ui.mjs";
import { short } from "./when.mjs";
import { t } from "./words.later.mjs";
import { locale } from "./words.mjs";

/** @typedef {import("./chatd.mjs").Room} Room */
/** @typedef {{until?: string, reason?: string}} Sanction */
/** @typedef {{name: string, ban?: Sanction, mute?: Sanction, invite?: {from: string, ts: string}}} Standing */

/** Who comes was perhaps asked in; by these nothing changes. */
const SAME = ["leave", "kick", "role"];
/** More than this is not read. */
const MOST = 1000;

/**
 * What the daemon tells of it: moderators all, others whom they have asked in.
 *
 * @param {Room|undefined} room
 * @returns {{standing: Map<string, Standing>, wrong: string, isCut: boolean}}
 */
export function useStanding(room) {
  const [standing, setStanding] = useState(/** @type {Map<string, Standing>} */ (new Map()));
  const [isCut, setCut] = useState(false);
  const [wrong, setWrong] = useState("");
  const rank = room && ownRank(room);
  useEffect(() => {
    if (!room) return;
    let turn = 0;
    /** Who was told of last. @type {Map<string, Standing>} */
    let known = new Map();
    const load = async () => {
      turn += 1;
      const mine = turn;
      /** @type {Map<string, Standing>} */
      const found = new Map();
      try {
        for await (const page of pages({ type: "standing", room: room.name })) {
          if (mine !== turn) return;
          for (const one of page.users) found.set(one.name, one);
          if (found.size >= MOST) break;
        }
        if (mine !== turn) return;
        known = found;
        setStanding(found);
        setCut(found.size >= MOST);
        setWrong("");
      } catch (failure) {
        if (mine === turn) setWrong(reason(failure));
      }
    };
    load();
    const stop = chat.value?.on("event", (frame, of) => {
      if (of !== room || frame.type !== "member" || SAME.includes(frame.change)) return;
      if (frame.change !== "join" || known.has(frame.user)) load();
    });
    return () => {
      turn = -1;
      stop?.();
    };
  }, [room, rank]);
  return { standing, wrong, isCut };
}

/** Until when something holds, and why. @param {Sanction} sanction */
export function lasting({ until, reason: why }) {
  const end = until ? t("holdsUntil", { when: short(Date.parse(until), locale) }) : t("holdsForGood");
  return why ? `${end} · ${why}` : end;
}

const UNITS = /** @type {[string, number][]} */ ([
  ["week", 604_800],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
]);

/** How long something lasts, in the largest unit that fits. @param {number} seconds */
export function lasts(seconds) {
  const [unit, size] = UNITS.find(([, size]) => seconds >= size && seconds % size === 0) ?? ["second", 1];
  return new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "long" }).format(seconds / size);
}

/** For how long one may mute or ban somebody: what to say, and in seconds; 0 is for good. */
export const LENGTHS = [600, 3600, 86_400, 604_800, 2_592_000, 0].map((seconds) => [
  String(seconds),
  seconds ? lasts(seconds) : t("forGood"),
]);

/** What a form's fields say, as a command does. @param {Record<string, any>} values */
export const sanctionOf = ({ seconds, reason: why }) => ({
  for: Number(seconds) || undefined,
  reason: why?.trim() || undefined,
});
