// @ts-check
/** Forms: labelled fields, one button, and what went wrong beside them. */

import { html, useLayoutEffect, useRef, useState } from "./ui.mjs";

let fields = 0;

/**
 * A labelled field.
 *
 * @param {{label: string, hint?: string, name: string, [attribute: string]: any}} props
 */
export function Field({ label, hint, name, autofocus, ...attributes }) {
  const [id] = useState(() => `field-${++fields}`);
  const ref = useRef(/** @type {any} */ (null));
  // Before anybody can have gone on: later it would take the focus from the next field.
  useLayoutEffect(() => {
    if (autofocus) ref.current.focus();
  }, []);
  return html`
    <div class="field">
      <label for=${id}>${label}</label>
      <input ref=${ref} data-first=${autofocus} id=${id} name=${name} type="text" autocomplete="off" aria-describedby=${hint && `${id}-hint`} ...${attributes} />
      ${hint && html`<small id=${`${id}-hint`}>${hint}</small>`}
    </div>`;
}

/**
 * A labelled choice of one of several.
 *
 * @param {{label: string, hint?: string, name: string, value: string, options: string[][], [attribute: string]: any}} props
 *   `options` has for each its value and what it is called.
 */
export function Choice({ label, hint, name, value, options, ...attributes }) {
  const [id] = useState(() => `field-${++fields}`);
  return html`
    <div class="field">
      <label for=${id}>${label}</label>
      <select id=${id} name=${name} aria-describedby=${hint && `${id}-hint`} ...${attributes}>
        ${options.map(([one, text]) => html`<option value=${one} selected=${one === value}>${text}</option>`)}
      </select>
      ${hint && html`<small id=${`${id}-hint`}>${hint}</small>`}
    </div>`;
}

/**
 * A form that is sent by its button or by Enter, once at a time.
 *
 * @param {{action: string, children: any, send: (values: Record<string, any>) => Promise<any>,
 *   explain: (failure: any) => string, class?: string, more?: any, isRisky?: boolean}} props
 *   `explain` says in words why `send` was rejected; what is risky looks like it.
 */
export function Form({ action, children, send, explain, more, class: name = "", isRisky }) {
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState("");
  /** @param {any} event */
  const submit = async (event) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setWrong("");
    try {
      await send(Object.fromEntries(new FormData(event.target)));
    } catch (failure) {
      setWrong(explain(failure));
      // Where it is to be mended.
      event.target.elements.namedItem(/** @type {any} */ (failure).field ?? "")?.focus?.();
    }
    setBusy(false);
  };
  return html`
    <form class=${name} onSubmit=${submit} aria-busy=${busy}>
      ${children}
      <p class="wrong" role="alert">${wrong}</p>
      <div class="actions">
        ${more}
        <button type="submit" class=${isRisky ? "danger" : "primary"} aria-disabled=${busy}>${action}</button>
      </div>
    </form>`;
}
