// @ts-check
/** The keys with which one goes from one message to another, and to what can be done with it. */

import { markUnread } from "./unread.mjs";

/** @typedef {import("./chatd.mjs").Room} Room */
/** @typedef {import("./chatd.mjs").Message} Message */

/**
 * Do what a key is for.
 *
 * @param {any} event That it was pressed, on a message or in it.
 * @param {{room: Room, thread?: number, drawn: Message[], active: number|null, setActive: (seq: number) => void, box: any}} where
 *   `thread` is that in which one is, if one is in any; `drawn` are the messages that can be gone to, `active` is where one is, `box` what has them all.
 */
export function walk(event, { room, thread, drawn, active, setActive, box }) {
  if (event.target.closest("input, textarea, .picker")) return;
  const tool = event.target.querySelector(":scope > .tools button");
  if (tool && event.key === "Enter") {
    event.preventDefault();
    tool.focus();
  }
  if (tool && !thread && event.key === "u" && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    markUnread(room, Number(event.target.dataset.seq));
  }
  const index = drawn.findIndex((one) => one.seq === active);
  /** @type {Record<string, number>} */
  const goals = {
    ArrowUp: index < 0 ? drawn.length - 1 : index - 1,
    ArrowDown: index + 1,
    Home: 0,
    End: drawn.length - 1,
  };
  const goal = drawn[goals[event.key]];
  if (!goal || !event.target.closest(".message")) return;
  event.preventDefault();
  setActive(goal.seq);
  const node = box.current.querySelector(`[data-seq="${goal.seq}"]`);
  node?.focus();
  node?.scrollIntoView({ block: "nearest" });
}
