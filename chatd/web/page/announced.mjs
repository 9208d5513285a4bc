// @ts-check
/**
 * What the operator tells everybody: above all else, until one has put it away. It has a
 * place of its own in the document, since it is of no room and of no face of the page.
 */

import { roomName } from "./names.mjs";
import { html, render } from "./ui.mjs";
import { t } from "./words.later.mjs";

/** @typedef {import("./chatd.mjs").Frame} Frame */

/** @type {Frame[]} */
let told = [];
/** @type {HTMLElement|undefined} */
let place;

/** Show one more. @param {Frame} frame */
export function announce(frame) {
  told = [...told, frame];
  draw();
}

/** @param {Frame} frame */
function put(frame) {
  told = told.filter((one) => one !== frame);
  draw();
  /** @type {HTMLElement|null} */ (document.querySelector(".announced button, .composer textarea"))?.focus();
}

function draw() {
  if (!place) {
    place = document.createElement("aside");
    place.className = "announcements";
    place.ariaLabel = t("operator");
    document.body.append(place);
  }
  const shown = told.map(
    (frame) => html`
    <div class="announced">
      <p role="status"><b>${t("operator")}${frame.room && ` · ${roomName(frame.room)}`}:</b> <bdi>${frame.text}</bdi></p>
      <button type="button" class="link" onClick=${() => put(frame)}>${t("close")}</button></div>`,
  );
  render(html`${shown}`, place);
}
