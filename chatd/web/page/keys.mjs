// @ts-check
/**
 * The keys that lead through the page, and the dialog that names all that there are.
 *
 * With it comes the jump, so that what is typed behind its keys goes there; what keeps the
 * focus (`focus.mjs`); and what was not sent can be looked at, and much be done with messages,
 * without a connection.
 */

import "./box.mjs";
import "./clicks.mjs";
import "./files.mjs";
import "./focus.mjs";
import "./jump.mjs";
import "./tools.mjs";
import "./undo.mjs";
import "./unsent.mjs";

import { askAllRead } from "./allread.mjs";
import { show, showLoaded, shown } from "./dialog.mjs";
import { keepLook, look } from "./kept.mjs";
import { Dialog } from "./modal.mjs";
import { face } from "./state.mjs";
import { html, useState } from "./ui.mjs";
import { t } from "./words.later.mjs";

/** @typedef {KeyboardEvent & {target: HTMLElement}} Key */

const isMac = /Mac|iP/.test(navigator.platform);
const [CTRL, ALT] = isMac ? ["⌘", "⌥"] : [t("keyCtrl"), "Alt"];
const SHIFT = isMac ? "⇧" : t("keyShift");
const ENTER = t("keyEnter");

/** Where one writes, if one is in a room. @returns {HTMLElement|null} */
const box = () => document.querySelector(".composer textarea");

/** Whether a key there is what is typed. @param {HTMLElement} target */
const isTyped = (target) => Boolean(target.closest?.("input, textarea, select, [contenteditable]"));

/** What lies over the room on a small screen, by the button that puts it away. @returns {HTMLElement|null} */
const over = () =>
  matchMedia("(max-width: 1000px)").matches && document.querySelector(".people")
    ? document.querySelector('.room > header [aria-pressed="true"]')
    : null;

/**
 * Open the room above or below, as the first column lists them, round and round.
 *
 * @param {number} step -1 is up, 1 is down. @param {boolean} isNew Only where something is new.
 */
function move(step, isNew) {
  const links = /** @type {HTMLElement[]} */ ([...document.querySelectorAll(".sidebar .lists a")]);
  const here = links.findIndex((one) => one.hasAttribute("aria-current"));
  const start = here < 0 && step < 0 ? 0 : here;
  const others = links.map((_, n) => links.at((start + step * (n + 1)) % links.length));
  others.find((one) => !isNew || one?.classList.contains("new"))?.click();
}

/** Before whatever has the focus: an arrow there means something else. @param {Key} event */
function onKeyDown(event) {
  const { key, ctrlKey, metaKey, altKey, shiftKey, target } = event;
  if (face.value !== "talk" || shown.value || event.isComposing) return;
  const isAsked = key === "?" && !ctrlKey && !metaKey && !altKey && !isTyped(target) && look().help !== "off";
  const step = { ArrowUp: -1, ArrowDown: 1 }[key];
  const isSearch = key.toLowerCase() === "f" && shiftKey && (ctrlKey || metaKey) && !altKey;
  if (isSearch) showLoaded(async () => (await import("./search.mjs")).Search);
  else if (key === "Escape" && shiftKey) askAllRead();
  else if (isAsked || (key === "/" && (ctrlKey || metaKey) && !altKey)) show(html`<${Keys} />`);
  else if (step && altKey && !ctrlKey && !metaKey) move(step, shiftKey);
  else return;
  event.preventDefault();
  event.stopPropagation();
}

/** Esc leads a step back, once: to the message, to the room, to where one writes. @param {Key} event */
function onEscape(event) {
  const { key, target, defaultPrevented, isComposing } = event;
  if (key !== "Escape" || face.value !== "talk" || shown.value || defaultPrevented || isComposing) return;
  event.preventDefault();
  const message = /** @type {HTMLElement|null|undefined} */ (target.closest?.("[data-seq]"));
  const button = over();
  if (button) button.click();
  else if (message && message !== target) message.focus();
  else if (target !== box()) box()?.focus();
}

/** A key that was pressed before this was loaded. @param {Key} event */
export function late(event) {
  onKeyDown(event);
  onEscape(event);
}

addEventListener("keydown", (event) => onKeyDown(/** @type {Key} */ (event)), true);
addEventListener("keydown", (event) => onEscape(/** @type {Key} */ (event)));
// Nor does it come over the room by itself, when a window becomes small or is zoomed.
matchMedia("(max-width: 1000px)").addEventListener("change", () => over()?.click());
// What has the focus is not to be covered.
addEventListener("focusin", ({ target }) => {
  if (/** @type {HTMLElement} */ (target).closest?.(".log-place, .composer")) over()?.click();
});

/** @typedef {[string[][], string]} Row The keys that do it, each as those that are pressed together, and what it is. */

/** @returns {[string, Row[]][]} */
const groups = () => [
  [
    t("keysEverywhere"),
    [
      [[[CTRL, "K"]], t("keyJump")],
      [
        [
          [ALT, "↑"],
          [ALT, "↓"],
        ],
        t("keyRooms"),
      ],
      [
        [
          [ALT, SHIFT, "↑"],
          [ALT, SHIFT, "↓"],
        ],
        t("keyNew"),
      ],
      [[[CTRL, SHIFT, "F"]], t("keySearch")],
      [[[SHIFT, "Esc"]], t("allRead")],
      [[["Tab"], [SHIFT, "Tab"]], t("keyTab")],
      [[["Esc"]], t("keyBack")],
      [[[CTRL, "/"], ["?"]], t("keyHelp")],
    ],
  ],
  [
    t("keysWriting"),
    [
      [[[ENTER], [CTRL, ENTER]], t("keySend")],
      [[[SHIFT, ENTER]], t("keyLine")],
      [[["↑"]], t("keyEdit")],
      [
        [
          [CTRL, "B"],
          [CTRL, "I"],
        ],
        t("keyMarks"),
      ],
      [[["@"], [":"]], t("keyComplete")],
      [[["↑"], ["↓"], [ENTER], ["Tab"]], t("keyTake")],
      [[["Esc"]], t("keyCancel")],
      [[[SHIFT, "Tab"]], t("keyRead")],
    ],
  ],
  [
    t("keysReading"),
    [
      [[["↑"], ["↓"]], t("keyMove")],
      [[[t("keyHome")], [t("keyEnd")]], t("keyEnds")],
      [[[ENTER]], t("keyTools")],
      [[["U"]], t("keyUnread")],
      [[[CTRL, "Z"]], t("keyUndo")],
      [[["Esc"]], t("keyWrite")],
    ],
  ],
  [
    t("keysChoosing"),
    [
      [[["↓"], ["↑"]], t("keyInto")],
      [[["←"], ["→"]], t("keyEmoji")],
    ],
  ],
];

/** All keys that there are. */
export function Keys() {
  const [isOn, setOn] = useState(look().help !== "off");
  /** A key alone gets in the way of whoever speaks to the computer. @param {boolean} on */
  const set = (on) => {
    keepLook({ ...look(), help: on ? "" : "off" });
    setOn(on);
  };
  return html`
    <${Dialog} title=${t("keys")} wide>
      ${groups().map(
        ([title, rows]) => html`
        <h3>${title}</h3>
        <dl class="keys">
          ${rows.map(
            ([ways, what]) => html`
            <div><dt>${what}</dt>
              <dd>${ways.map((one) => html`<span>${one.map((key) => html`<kbd>${key}</kbd>`)}</span>`)}</dd></div>`,
          )}
        </dl>`,
      )}
      <label class="check"><input type="checkbox" checked=${isOn} onChange=${(/** @type {any} */ event) => set(event.target.checked)} /> ${t("keyAlone")}</label>
    <//>`;
}
