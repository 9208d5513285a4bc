// @ts-check
/** What one is told that is no message: of a room in which one is not any more, and by the operator. */

import { eventually } from "./again.mjs";
import { later } from "./dialog.mjs";
import { whyLeft } from "./reasons.mjs";
import { chat } from "./state.mjs";
import { say } from "./tell.mjs";

/** Tell of what a chat hears from here on. @param {import("./chatd.mjs").Chat} made */
export function attend(made) {
  /** Why one was last removed, and from where. @type {any} */
  let removal;
  made.on("event", (frame) => {
    if (frame.user === made.user) removal = frame;
  });
  made.on("frame", (frame) => {
    if (frame.type !== "announcement") return;
    eventually(() => later(() => import("./announced.mjs"))).then((module) => module.announce(frame));
  });
  made.on("left", ({ room, title, reason }) => {
    if (chat.value !== made || reason === "leave") return;
    const why = removal?.room === room && removal.change === reason && removal.reason;
    say(whyLeft(reason, title ?? `#${room}`) + (why ? ` · ${why}` : ""));
  });
}
