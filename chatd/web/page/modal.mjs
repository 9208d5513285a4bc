// @ts-check
/** The browser's own modal dialogs. */

import { useLayer } from "./back.mjs";
import { Flash, hide, later } from "./dialog.mjs";
import { Icon } from "./icons.mjs";
import { html, useLayoutEffect, useRef } from "./ui.mjs";
import { t } from "./words.later.mjs";

/** What leads back to what has the focus now. @returns {() => void} */
export function wayBack() {
  const one = /** @type {HTMLElement|null} */ (document.activeElement);
  const message = /** @type {HTMLElement|null|undefined} */ (one?.closest(".message"));
  return () => {
    // The tools of a message are there while it has the focus.
    message?.focus();
    one?.focus();
  };
}

/**
 * One dialog. Esc, its button, a click beside it and the browser's "back" close it.
 *
 * The focus comes from where it was and goes back there in the very step in which the
 * dialog comes or goes: a key that is pressed right behind Esc goes to what has the focus.
 *
 * @param {{title: string, children: any, wide?: boolean}} props
 */
export function Dialog({ title, children, wide }) {
  const ref = useRef(/** @type {any} */ (null));
  useLayer(hide);
  useLayoutEffect(() => {
    const goBack = wayBack();
    const { current } = ref;
    let isThere = true;
    later(() => Promise.resolve())
      // Without its style it is the same dialog.
      .catch(() => {})
      .then(() => {
        if (!isThere) return;
        current.showModal();
        current.querySelector("[data-first]")?.focus();
      });
    return () => {
      isThere = false;
      // As long as it is open, nothing outside takes the focus.
      current.close();
      goBack();
    };
  }, []);
  /** Esc: the browser would tell when the next frame is drawn. @param {Event} event */
  const onCancel = (event) => {
    event.preventDefault();
    hide();
  };
  /** It is closed by the browser; one that has gone already may be told of later. @param {any} event */
  const onClose = ({ target }) => target.isConnected && hide();
  return html`
    <dialog ref=${ref} class=${wide ? "wide" : ""} aria-labelledby="dialog-title" onCancel=${onCancel} onClose=${onClose}
      onClick=${(/** @type {any} */ event) => event.target === ref.current && hide()}>
      <div class="dialog">
        <header>
          <h2 id="dialog-title" dir="auto">${title}</h2>
          <button type="button" class="icon-button" aria-label=${t("close")} title=${t("close")}
            onClick=${hide}><${Icon} name="close" /></button>
        </header>
        ${children}
        <${Flash} />
      </div>
    </dialog>`;
}
