// @ts-check
/** Who else is writing. */

import { shownName } from "./names.mjs";
import { chat, touched } from "./state.mjs";
import { html, useEffect, useState } from "./ui.mjs";
import { t } from "./words.later.mjs";

/** @typedef {import("./chatd.mjs").Room} Room */

/** The line above where one writes, which is always there. @param {{room: Room}} props */
export function Typing({ room }) {
  touched(room.name);
  const [, again] = useState(0);
  const now = chat.value?.now() ?? 0;
  const alive = [...room.typing].filter(([, until]) => until > now);
  const next = Math.min(...alive.map(([, until]) => until));
  useEffect(() => {
    if (next === Infinity) return;
    const timer = setTimeout(() => again((n) => n + 1), next - now + 50);
    return () => clearTimeout(timer);
  }, [next]);
  // In the order of their names: whoever goes on writing does not change his place.
  const shown = alive.map(([name]) => shownName(name)).sort((one, two) => one.localeCompare(two));
  const [a, b] = shown.map((name) => html`<bdi>${name}</bdi>`);
  /** @type {Record<string, any>} */
  const names = { a, b };
  const text = ["", t("typingOne"), t("typingTwo")][alive.length] ?? t("typingMany");
  // The sentence goes as the page is read, and each name in it as it is.
  const parts = text.split(/\{([ab])\}/).map((part, at) => (at % 2 ? names[part] : part));
  return html`<p class="typing" role="status">${parts}</p>`;
}
