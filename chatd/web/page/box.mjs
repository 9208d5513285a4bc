// @ts-check
/**
 * Keys that concern where one writes, and are needed only once one does: letters that are
 * typed where nothing can be typed go there, a mark is put around what is selected, and a
 * text that looks like a command of some other chat is not sent before it was asked for twice.
 */

import { shown } from "./dialog.mjs";
import { look } from "./kept.mjs";
import { face } from "./state.mjs";
import { say } from "./tell.mjs";
import { t } from "./words.later.mjs";

/** @typedef {KeyboardEvent & {target: HTMLElement}} Key */

/** What was clicked last: there a letter is what one types, and elsewhere it may be a key. @type {any} */
let clicked = null;
addEventListener("pointerdown", ({ target }) => (clicked = target), true);

/** The marks of what is written, by the key that puts them. @type {Record<string, string>} */
const MARKS = { b: "**", i: "*" };

/** A command, as other chats have them. */
const COMMAND = /^\/[a-z]{2,}(?=\s|$)/i;
/** The text that one was asked about. */
let asked = "";

/** Whether a text has to be asked for twice, and was not yet. @param {string} text */
function isDoubtful(text) {
  const [word] = COMMAND.exec(text.trim()) ?? [];
  if (!word || asked === text) {
    asked = "";
    return false;
  }
  asked = text;
  say(t("noCommands", { word }));
  return true;
}

/** Put a mark around what is selected, or take it away, so that the browser can undo it. @param {any} field @param {string} mark */
function put(field, mark) {
  const { selectionStart: from, selectionEnd: to, value } = field;
  const { length } = mark;
  const isThere = value.slice(from - length, from) === mark && value.slice(to, to + length) === mark;
  const inside = value.slice(from, to);
  if (isThere) field.setSelectionRange(from - length, to + length);
  // Deprecated, and the only way that the browser can undo.
  document.execCommand("insertText", false, isThere ? inside : mark + inside + mark);
  const start = isThere ? from - length : from + length;
  field.setSelectionRange(start, start + inside.length);
}

/** Before whatever has the focus: for that the letter may mean something else. @param {Key} event */
function onKeyDown(event) {
  const { key, target, ctrlKey, metaKey, altKey, shiftKey } = event;
  if (face.value !== "talk" || shown.value || event.isComposing || event.keyCode === 229) return;
  const field = target.closest?.(".composer textarea");
  const isAlone = !ctrlKey && !metaKey && !altKey;
  if (field && (ctrlKey || metaKey) && !altKey && !shiftKey && MARKS[key.toLowerCase()]) {
    event.preventDefault();
    put(field, MARKS[key.toLowerCase()]);
  } else if (field && key === "Enter" && !shiftKey && !altKey && !field.hasAttribute("aria-activedescendant")) {
    if (!isDoubtful(/** @type {any} */ (field).value)) return;
    event.preventDefault();
    event.stopPropagation();
  } else if (isAlone && key.length === 1 && key !== " " && !(key === "?" && look().help !== "off")) {
    const isIdle = target === document.body || target.matches?.(".log, .message");
    if (!isIdle || (key === "u" && !target.contains(clicked))) return;
    const box = /** @type {HTMLElement|null|undefined} */ (
      (target.closest(".room") ?? document).querySelector(".composer textarea")
    );
    // The letter goes to what has the focus by then.
    box?.focus();
    event.stopPropagation();
  }
}

addEventListener("keydown", (event) => onKeyDown(/** @type {Key} */ (event)), true);
addEventListener(
  "submit",
  (event) => {
    const form = /** @type {HTMLElement} */ (event.target);
    if (!form.matches(".composer") || !isDoubtful(/** @type {any} */ (form.querySelector("textarea")).value)) return;
    event.preventDefault();
    event.stopPropagation();
  },
  true,
);
