// @ts-check
/** Typing where one wants to be: a room, or a person to write to. */

import { open } from "./address.mjs";
import { Dialog, hide } from "./dialog.mjs";
import { Icon } from "./icons.mjs";
import { direct, roomName } from "./names.mjs";
import { chat } from "./state.mjs";
import { html, useState } from "./ui.mjs";
import { t } from "./words.mjs";

/** Where one can go: by what it is called. */
function targets() {
  const { rooms, user } = /** @type {import("./chatd.mjs").Chat} */ (chat.value);
  /** @type {Map<string, string>} */
  const found = new Map();
  for (const room of rooms.values()) found.set(room.name, roomName(room.name));
  for (const room of rooms.values()) {
    for (const person of room.people?.values() ?? []) {
      if (person.name !== user && !person.name.includes("~"))
        found.set(direct(person.name), person.display || person.name);
    }
  }
  return [...found];
}

/** The dialog; Enter goes to the first that is shown. */
export function Jump() {
  const [typed, setTyped] = useState("");
  const wanted = typed.trim().toLowerCase().replace(/^[@#]/, "");
  const found = targets().filter(([name, shown]) => shown.toLowerCase().includes(wanted) || name.includes(wanted));
  const isGuest = chat.value?.role === "guest";
  const isNamed = wanted && found.some(([name, shown]) => shown.toLowerCase() === wanted || name === direct(wanted));
  if (wanted && !isNamed && !isGuest && wanted !== chat.value?.user)
    found.push([direct(wanted), t("writeTo", { name: wanted })]);
  /** @param {string} name */
  const go = (name) => {
    hide();
    open(name);
  };
  /** @param {Event} event */
  const submit = (event) => {
    event.preventDefault();
    if (found[0]) go(found[0][0]);
  };
  return html`
    <${Dialog} title=${t("jump")}>
      <form onSubmit=${submit}>
        <input type="text" aria-label=${t("jumpHint")} placeholder=${t("jumpHint")} data-first autocomplete="off" autocapitalize="none"
          spellcheck=${false} value=${typed} onInput=${(/** @type {any} */ event) => setTyped(event.target.value)} />
        <ul class="choices">
          ${found.slice(0, 50).map(
            ([name, shown], at) => html`
            <li key=${name}><button type="button" class=${at ? "" : "first"} onClick=${() => go(name)}>
              <span class="hash" aria-hidden="true">${name.startsWith("@") ? "@" : html`<${Icon} name=${name.startsWith("~") ? "lock" : "hash"} />`}</span><bdi>${shown}</bdi></button></li>`,
          )}
        </ul>
        ${!found.length && html`<p class="quiet">${t("jumpNone")}</p>`}
      </form>
    <//>`;
}
