// @ts-check
/**
 * Deleting a message, and having it back for a while.
 *
 * The command is sent when the time is over, or when the page is left: as long as it can
 * be undone, nobody else has seen anything of it.
 */

import { going } from "./message.mjs";
import { reason } from "./reasons.mjs";
import { chat } from "./state.mjs";
import { say } from "./tell.mjs";
import { html, useEffect, useLayoutEffect, useRef, useState } from "./ui.mjs";
import { t } from "./words.later.mjs";

/** @typedef {import("./message.mjs").Going} Going */

const WHILE_MS = 8000;

/** @type {WeakMap<Going, {timer: any, commit: () => void, node?: HTMLElement}>} */
const running = new WeakMap();

/** Delete a message in a while. @param {import("./chatd.mjs").Room} room @param {number} seq */
export function remove(room, seq) {
  const of = chat.value;
  /** @type {Going} */
  const one = { room, seq, View };
  const commit = () => {
    end(one);
    try {
      of?.post({ type: "delete", room: room.name, of: seq });
    } catch (failure) {
      say(t("notDone", { reason: reason(failure) }));
    }
  };
  running.set(one, { timer: setTimeout(commit, WHILE_MS), commit });
  going.value = [...going.value, one];
}

/** It is not on its way any more. @param {Going} one */
function end(one) {
  const { timer, node } = running.get(one) ?? {};
  clearTimeout(timer);
  // The focus stays at the message when its button goes.
  const line = node?.contains(document.activeElement) && /** @type {HTMLElement|null} */ (node.closest(".message"));
  going.value = going.value.filter((other) => other !== one);
  if (line) line.focus();
}

/** What is left to do is done while it still can be: in the background a page may be ended. */
const leave = () => {
  for (const one of going.value) running.get(one)?.commit();
};
addEventListener("pagehide", leave);
document.addEventListener("visibilitychange", () => document.hidden && leave());

addEventListener("keydown", (event) => {
  const isUndo = (event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "z";
  const last = going.value.at(-1);
  // In a field it takes back what was typed.
  if (!isUndo || !last || /** @type {HTMLElement} */ (event.target).closest?.("input, textarea")) return;
  event.preventDefault();
  end(last);
});

/** What stands in the place of a message that is going. @param {{one: Going}} props */
function View({ one }) {
  const ref = useRef(/** @type {any} */ (null));
  // What is there and then says something is read out; what comes with its text may not be.
  const [said, setSaid] = useState("");
  useEffect(() => setSaid(t("removingIn", { n: WHILE_MS / 1000 })), [one]);
  useLayoutEffect(() => {
    const known = running.get(one);
    if (!known) return;
    // Once, and only if the focus has gone with the button that was pressed.
    const isLost = document.activeElement === document.body || ref.current.closest(".message").matches(":focus-within");
    if (!known.node && isLost) ref.current.querySelector("button").focus();
    known.node = ref.current;
  }, [one]);
  return html`
    <p class="gone" ref=${ref}>${t("removing")} <button type="button" class="link" onClick=${() => end(one)}>${t("undo")}</button>
      <span class="hear" role="status">${said}</span></p>`;
}
