// @ts-check
/** What one writes, if it is no message of its own: an answer, or one's own anew. */

import { Icon } from "./icons.mjs";
import { oneLine } from "./text.mjs";
import { html } from "./ui.mjs";
import { t } from "./words.later.mjs";

/**
 * The line above where one writes.
 *
 * @param {{kind: "reply"|"edit", name: string, text?: string, cancel: () => void}} props
 *   `name` is what is read of whoever said what is answered, `text` what that was.
 */
export const Task = ({ kind, name, text = "", cancel }) => html`
  <div class="task"><${Icon} name=${kind} />
    <span><b>${kind === "edit" ? t("editing") : t("replyTo", { name })}</b>
      <span dir="auto">${kind === "reply" && oneLine(text)}</span></span>
    <button type="button" class="icon-button" aria-label=${t("cancel")} title=${t("cancel")} onClick=${cancel}><${Icon} name="close" /></button>
  </div>`;
