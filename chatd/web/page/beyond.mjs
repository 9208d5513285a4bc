// @ts-check
/** What is new in the list of rooms above or below what one sees of it. */

import { askAllRead, callingRooms } from "./allread.mjs";
import { Icon } from "./icons.mjs";
import { touched } from "./state.mjs";
import { html, only, useEffect, useRef, useState } from "./ui.mjs";
import { t } from "./words.later.mjs";

/** @typedef {{n: number, to: HTMLElement, isForMe: boolean}} Side How much is there, the nearest of it, and whether some is for oneself. */

/** From so many rooms on in which something calls, all of it can be taken for read at once. */
const MANY = 4;

/** @param {HTMLElement[]} entries The nearest first. @returns {Side|undefined} */
const side = (entries) =>
  entries.length
    ? { n: entries.length, to: entries[0], isForMe: entries.some((one) => one.querySelector(".badge.at")) }
    : undefined;

/** What is new out of sight in a list. @param {HTMLElement} list @returns {Record<"above"|"below", Side|undefined>} */
function outOfSight(list) {
  const { top, bottom } = list.getBoundingClientRect();
  const above = /** @type {HTMLElement[]} */ ([]);
  const below = /** @type {HTMLElement[]} */ ([]);
  for (const one of /** @type {NodeListOf<HTMLElement>} */ (list.querySelectorAll("a.new"))) {
    const place = one.getBoundingClientRect();
    const middle = (place.top + place.bottom) / 2;
    if (middle < top) above.unshift(one);
    else if (middle > bottom) below.push(one);
  }
  return { above: side(above), below: side(below) };
}

/** The ways to the nearest, where there is one. They stand behind the list, and cover nothing of it. */
export function Beyond() {
  touched();
  const box = useRef(/** @type {any} */ (null));
  const [{ above, below }, setFound] = useState(/** @type {ReturnType<typeof outOfSight>} */ ({}));
  const look = () => {
    // Whoever logs out has gone when this comes.
    if (!box.current) return;
    const found = outOfSight(box.current.previousElementSibling);
    setFound((was) => (isSame(was.above, found.above) && isSame(was.below, found.below) ? was : found));
  };
  // The list is drawn by now, with what is new in it.
  useEffect(look);
  useEffect(() => {
    const list = box.current.previousElementSibling;
    const observer = new ResizeObserver(look);
    observer.observe(list);
    list.addEventListener("scroll", look, { passive: true });
    return () => {
      observer.disconnect();
      list.removeEventListener("scroll", look);
    };
  }, []);
  return html`
    <div class="beyond" ref=${box}>
      ${above && html`<${Way} key="above" ...${above} icon="up" text=${t("newAbove", { n: above.n })} />`}
      ${below && html`<${Way} key="below" ...${below} icon="down" text=${t("newBelow", { n: below.n })} />`}
      ${callingRooms().length >= MANY && html`<button type="button" class="all" onClick=${askAllRead}><${Icon} name="check" /> ${t("allReadShort")}</button>`}
    </div>`;
}

/** @param {Side|undefined} one @param {Side|undefined} other */
const isSame = (one, other) => one?.n === other?.n && one?.to === other?.to && one?.isForMe === other?.isForMe;

/** @param {Side & {icon: string, text: string}} props */
function Way({ to, isForMe, icon, text }) {
  const go = () => {
    to.scrollIntoView({ block: "center" });
    // The button may go with what it led to; from here on Enter opens it, and Tab leads on.
    to.focus({ preventScroll: true });
  };
  return html`<button type="button" class=${only({ at: isForMe })} onClick=${go}><${Icon} name=${icon} /> ${text}</button>`;
}
