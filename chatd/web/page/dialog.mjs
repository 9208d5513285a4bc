// @ts-check
/** What stands above the page until it is closed (`modal.mjs`), and what is loaded later. */

import { eventually } from "./again.mjs";
import { connection, flash, isOutdated } from "./state.mjs";
import { say } from "./tell.mjs";
import { html, only, signal, useEffect, useState } from "./ui.mjs";
import { t } from "./words.mjs";

/** The dialog that is open, if there is one. @type {{value: any}} */
export const shown = signal(/** @type {any} */ (null));

/** @param {any} node What to show. */
export const show = (node) => {
  shown.value = node;
};
/**
 * Show a dialog whose module is loaded when it is first needed.
 *
 * @param {() => Promise<any>} load Resolves to its view.
 */
export const showLoaded = (load) => loaded(load, (View) => show(html`<${View} />`));

/** A view that is loaded when it is first needed, and its style. @param {() => Promise<any>} load */
export const later = async (load) =>
  (await Promise.all([load(), import("./later.mjs").then((one) => one.styled())]))[0];

/** @param {() => Promise<any>} load @param {(View: any) => void} use */
export async function loaded(load, use) {
  try {
    use(await later(load));
  } catch {
    // The daemon is away, or it has other versions of the page's files by now.
    if (connection.value.name === "ready") isOutdated.value = true;
    else say(t("notDone", { reason: t("cannotReach") }));
  }
}

/**
 * A view that is loaded when it is first drawn, or as soon as it can be; until then there
 * is another.
 *
 * @param {() => Promise<any>} load @param {any} [meanwhile]
 */
export function lazy(load, meanwhile = () => null) {
  const View = signal(/** @type {any} */ (null));
  let isComing = false;
  /** @param {any} props */
  return (props) => {
    useEffect(() => {
      if (isComing) return;
      isComing = true;
      eventually(() => later(load)).then((one) => {
        View.value = one;
      });
    }, []);
    return html`<${View.value ?? meanwhile} ...${props} />`;
  };
}

/** A choice of emoji, loaded when it is first needed. @param {any} props */
export function Picker(props) {
  const [View, setView] = useState(/** @type {any} */ (null));
  useEffect(
    () =>
      void loaded(
        async () => (await import("./emoji.mjs")).Choice,
        (Choice) => setView(() => Choice),
      ),
    [],
  );
  return View && html`<${View} ...${props} />`;
}

export const showJump = () => showLoaded(async () => (await import("./jump.mjs")).Jump);
export const hide = () => {
  shown.value = null;
};

/** A line about what just happened, for some seconds. */
export function Flash() {
  const text = flash.value;
  useEffect(() => {
    if (!text) return;
    const timer = setTimeout(() => (flash.value = ""), 6000);
    return () => clearTimeout(timer);
  }, [text]);
  return html`<div class=${`flash ${only({ shown: text })}`} role="status">${text}</div>`;
}
