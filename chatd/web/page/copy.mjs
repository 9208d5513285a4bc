// @ts-check
/** Copying a text, of which one is told. */

import { say, tell } from "./tell.mjs";
import { t } from "./words.later.mjs";

/** @param {string} text */
async function put(text) {
  if (navigator.clipboard) await navigator.clipboard.writeText(text);
  else {
    // Without TLS there is only this.
    /** @param {ClipboardEvent} event */
    const give = (event) => {
      event.clipboardData?.setData("text/plain", text);
      event.preventDefault();
    };
    addEventListener("copy", give, { once: true });
    const isDone = document.execCommand("copy");
    removeEventListener("copy", give);
    if (!isDone) throw new Error(t("notCopied"));
  }
  say(t("copied"));
}

/** @param {string} text */
export const copy = (text) => tell(put(text));
