// @ts-check
/**
 * The focus is never lost: where what has it goes from the page, what is left around it has it.
 *
 * A view that knows better where the focus goes on takes it there when it is drawn; this comes
 * after it, and before anything else is pressed.
 */

/** What can have the focus. */
const GOALS = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]";

/** What has it, or had it last, and all that is around that. @type {HTMLElement[]} */
let around = [];

/** Give the focus to something; whether it has taken it. @param {HTMLElement} one */
const takes = (one) => {
  one.focus({ preventScroll: true });
  return document.activeElement === one;
};

/** What can have it in a part of the page, the best first. @param {HTMLElement} part @returns {HTMLElement[]} */
const within = (part) => [
  // Of a room, and of all that there is, it is where one writes; after a touch that would
  // bring up a keyboard.
  .../** @type {NodeListOf<HTMLElement>} */ (
    part.matches("main, .room") && matchMedia("(pointer: fine)").matches
      ? part.querySelectorAll(".composer textarea")
      : []
  ),
  .../** @type {NodeListOf<HTMLElement>} */ (part.querySelectorAll(GOALS)),
];

/** Give the focus on, if what had it was removed and nothing else has taken it. */
function giveOn() {
  if (!around.length || around[0].isConnected || document.activeElement !== document.body) return;
  const left = around.filter((one) => one.isConnected);
  // Of another face of the page nothing is left that could have it.
  const parts = left.slice(0, left.findIndex((one) => one.matches("main")) + 1);
  around = [];
  // What scrolls would take it, too, where one sees nothing of it.
  const goals = parts.filter((part) => part.matches(GOALS));
  if (!goals.some(takes)) parts.some((part) => within(part).some(takes));
}

/** @param {any} target What has it now. */
function note(target) {
  around = [];
  for (let one = /** @type {HTMLElement|null} */ (target); one; one = one.parentElement) around.push(one);
}

note(document.activeElement);
addEventListener("focusin", ({ target }) => note(target));
addEventListener("focusout", ({ target, relatedTarget }) => {
  // Whoever lets it go, by a click beside it, does not want it elsewhere.
  if (!relatedTarget)
    queueMicrotask(() => {
      if (target === around[0] && around[0].isConnected && document.activeElement === document.body) around = [];
    });
});
new MutationObserver(giveOn).observe(document.body, { childList: true, subtree: true });
