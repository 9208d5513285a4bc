// @ts-check
/** What is asked once more before it is done: a button, and in its place what will happen. */

import { Form } from "./form.mjs";
import { reason } from "./reasons.mjs";
import { html, useLayoutEffect, useRef, useState } from "./ui.mjs";
import { t } from "./words.later.mjs";

/**
 * A button that asks before it does something.
 *
 * @param {{label: string, text: string, action?: string, act: (values: Record<string, any>) => Promise<any>,
 *   children?: any, isHarmless?: boolean, name?: string, explain?: (failure: any) => string}} props
 *   `text` says what will happen, `action` what the button says that does it, `name` what the
 *   first button is called where its label alone does not tell.
 */
export function Act({ label, text, action = label, act, children, isHarmless, name, explain = reason }) {
  const [isOpen, setOpen] = useState(false);
  const box = useRef(/** @type {any} */ (null));
  const was = useRef(false);
  useLayoutEffect(() => {
    // The focus goes where one has to decide, and back to where one was.
    if (isOpen !== was.current) box.current.querySelector("input:not([type=hidden]), select, button").focus();
    if (isOpen) box.current.scrollIntoView({ block: "nearest" });
    was.current = isOpen;
  }, [isOpen]);
  /** @param {Record<string, any>} values */
  const send = async (values) => {
    await act(values);
    setOpen(false);
  };
  /** @param {any} event */
  const onKeyDown = (event) => {
    if (event.key !== "Escape") return;
    // It closes the question, not what is around it.
    event.preventDefault();
    event.stopPropagation();
    setOpen(false);
  };
  if (!isOpen)
    return html`<span ref=${box}><button type="button" class=${isHarmless ? "plain" : "plain risky"} aria-label=${name} onClick=${() => setOpen(true)}>${label}</button></span>`;
  return html`
    <div class="sure" role="group" aria-label=${name ?? label} ref=${box} onKeyDown=${onKeyDown}>
      <${Form} action=${action} send=${send} explain=${explain} isRisky=${!isHarmless}
        more=${html`<button type="button" class="plain" onClick=${() => setOpen(false)}>${t("cancel")}</button>`}>
        <p>${text}</p>
        ${children}
      <//>
    </div>`;
}
