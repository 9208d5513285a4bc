// @ts-check
/** What stands above the page until it is closed: the browser's own modal dialogs. */

import { Icon } from "./icons.mjs";
import { say } from "./reasons.mjs";
import { connection, flash, isOutdated } from "./state.mjs";
import { html, only, signal, useEffect, useRef, useState } from "./ui.mjs";
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

/** @param {() => Promise<any>} load @param {(View: any) => void} use */
async function loaded(load, use) {
  try {
    use(await load());
  } catch {
    // The daemon is away, or it has other versions of the page's files by now.
    if (connection.value.name === "ready") isOutdated.value = true;
    else say(t("notDone", { reason: t("cannotReach") }));
  }
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

/**
 * One dialog. Esc, its button and a click beside it close it.
 *
 * @param {{title: string, children: any, wide?: boolean}} props
 */
export function Dialog({ title, children, wide }) {
  const ref = useRef(/** @type {any} */ (null));
  useEffect(() => {
    const before = /** @type {HTMLElement|null} */ (document.activeElement);
    ref.current.showModal();
    ref.current.querySelector("[data-first]")?.focus();
    return () => {
      // The tools of a message are there while it has the focus.
      /** @type {HTMLElement|null|undefined} */ (before?.closest(".message"))?.focus();
      before?.focus();
    };
  }, []);
  return html`
    <dialog ref=${ref} class=${wide ? "wide" : ""} aria-labelledby="dialog-title" onClose=${hide}
      onClick=${(/** @type {any} */ event) => event.target === ref.current && ref.current.close()}>
      <div class="dialog">
        <header>
          <h2 id="dialog-title" dir="auto">${title}</h2>
          <button type="button" class="icon-button" aria-label=${t("close")} title=${t("close")}
            onClick=${() => ref.current.close()}><${Icon} name="close" /></button>
        </header>
        ${children}
        <${Flash} />
      </div>
    </dialog>`;
}

/**
 * Ask before something that cannot be taken back.
 *
 * @param {string} question @param {string} action What its button says. @param {() => void} act
 */
export function confirm(question, action, act) {
  const go = () => {
    hide();
    act();
  };
  show(html`
    <${Dialog} title=${question}>
      <div class="actions">
        <button type="button" class="plain" onClick=${hide}>${t("cancel")}</button>
        <button type="button" class="danger" data-first onClick=${go}>${action}</button>
      </div>
    <//>`);
}

/** A line about what just happened, for some seconds. */
export function Flash() {
  const text = flash.value;
  useEffect(() => {
    if (!text) return;
    const timer = setTimeout(() => (flash.value = ""), 6000);
    return () => clearTimeout(timer);
  }, [text]);
  return html`<div class=${`flash ${only({ shown: text })}`} role="status" dir="auto">${text}</div>`;
}
