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
 * A form that is sent by its button or by Enter, once at a time.
 *
 * @param {{action: string, children: any, send: (values: Record<string, any>) => Promise<any>,
 *   explain: (failure: any) => string, class?: string, more?: any}} props
 *   `explain` says in words why `send` was rejected.
 */
export function Form({ action, children, send, explain, more, class: name = "" }) {
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
    }
    setBusy(false);
  };
  return html`
    <form class=${name} onSubmit=${submit} aria-busy=${busy}>
      ${children}
      <p class="wrong" role="alert">${wrong}</p>
      <div class="actions">
        ${more}
        <button type="submit" class="primary" aria-disabled=${busy}>${action}</button>
      </div>
    </form>`;
}
