// @ts-check
/** A face for somebody: initials on a colour that is always the same. */

import { html, only } from "./ui.mjs";
import { t } from "./words.mjs";

/** How many colours there are in the style sheet. */
const COLOURS = 8;

/** @param {string} name */
function colour(name) {
  let sum = 0;
  for (const char of name) sum = (sum * 31 + /** @type {number} */ (char.codePointAt(0))) % 65_521;
  return sum % COLOURS;
}

/** The first letters of the first two words, or two of the only one. @param {string} shown */
function initials(shown) {
  const words = shown
    .split("~")[0]
    .split(/[^\p{L}\p{N}\p{M}]+/u)
    .map((word) => word.match(/[\p{L}\p{N}]\p{M}*/gu) ?? [])
    .filter((letters) => letters.length);
  const [first = ["?"], second] = words;
  const letters = second ? [first[0], second[0]] : first.slice(0, 2);
  return letters.join("").toUpperCase();
}

/**
 * @param {{name: string, shown?: string, small?: boolean, state?: string}} props
 *   `state` is how the dot says it: `online`, `away`, `offline`, `unknown`; without one there is none.
 */
export const Avatar = ({ name, shown = name, small, state }) => html`
  <span class=${`avatar c${colour(name)} ${only({ tiny: small })}`} aria-hidden="true">
    ${initials(shown)}${state && html`<span class=${`dot ${state}`}></span>`}
  </span>`;

/** What the dot shows, for whoever does not see it. @param {{state: string}} props */
export const StateText = ({ state }) => html`
  <span class="hear"> ${state === "unknown" ? "" : state === "away" ? t("away") : state === "offline" ? t("isOffline") : t("isOnline")}</span>`;
