// @ts-check
/** Going elsewhere in the messages of a room, or a thread: to one that is named, and back. */

import { open } from "./address.mjs";
import { Range } from "./range.mjs";
import { target } from "./state.mjs";
import { say } from "./tell.mjs";
import { t } from "./words.later.mjs";

export { Range } from "./range.mjs";
export { walk } from "./walk.mjs";

/** @typedef {any} Where What is drawn and where one is in it, as `Log` has them. */

/** Show a message, wherever it is; whether it is there. @param {Where} where @param {number} seq @returns {Promise<boolean>} */
export async function jump(where, seq) {
  const { room, thread, drawn, range, active, at, box, latest, load, stay, setActive, arrive } = where;
  const within = room.message(seq)?.thread;
  if (within !== thread && within) {
    target.value = { room: room.name, seq, thread: within };
    open(room.name, false, within);
    return false;
  }
  if (!drawn.some((/** @type {any} */ one) => one.seq === seq)) {
    const found = await load(async () => (await Range.around(room, seq)) ?? say(t("replyGone")));
    if (!found) return false;
    stay(found);
    // What is in a thread, one sees there.
    if (!found.messages.some((/** @type {any} */ one) => one.seq === seq && one.thread === thread))
      return jump(latest.current, seq);
  } else if (!range) stay(Range.ofEnd(room, room.messages.indexOf(drawn[0])));
  Object.assign(at.current, { isEnd: false, goal: { seq } });
  setActive(seq);
  if (active === seq) arrive(box.current);
  return true;
}

/** Show what a message answers, from where one comes back. @param {Where} where @param {number} seq @param {number} from That one. */
export async function quote(where, seq, from) {
  const { room, thread, wanted, latest } = where;
  if (!(await jump(where, seq))) return;
  const back = () => {
    target.value = wanted;
    jump(latest.current, from);
  };
  target.value = { room: room.name, seq, thread, text: t("toReply"), back, isThere: true };
}

/** The room has begun anew. @param {Where} where */
export async function again({ room, at, stay }) {
  const { isEnd, anchor } = at.current;
  if (isEnd || !anchor) return;
  const found = await Range.around(room, anchor.seq).catch(() => undefined);
  if (!found) return;
  at.current.goal = anchor;
  stay(found);
}
