// @ts-check
/** A small choice of emoji: those that people use most, and those one has used last. */

import { keep, storage } from "./kept.mjs";
import { html, only, useEffect, useRef } from "./ui.mjs";
import { t } from "./words.mjs";

const CHOICE =
  "👍 👎 ❤️ 😂 😄 🙂 😉 😍 🤔 😮 😢 😭 😡 😅 🙄 😴 🤯 🥳 😎 🤷 🙏 👏 💪 👋 🙌 🤝 👀 ✅ ❌ ❓ ❗ 💯 🔥 🎉 🚀 ⭐ 💡 🐛 🔧 📌 📅 ⏰ ☕ 🍕 🍰 🍀 🌞 🌧️".split(
    " ",
  );
const RECENT = "chatd emoji";
const MOST_RECENT = 8;

/** @returns {string[]} */
const recent = () => (storage.getItem(RECENT) ?? "").split(" ").filter((one) => CHOICE.includes(one));

/** Remember that an emoji was chosen. @param {string} emoji */
const remember = (emoji) =>
  keep(RECENT, [emoji, ...recent().filter((one) => one !== emoji)].slice(0, MOST_RECENT).join(" "));

/**
 * A grid to choose from; arrows go through it, Esc closes it.
 *
 * @param {{pick: (emoji: string) => void, close: () => void, isBelow?: boolean}} props
 */
export function Choice({ pick, close, isBelow }) {
  const ref = useRef(/** @type {any} */ (null));
  const first = recent();
  const all = [...first, ...CHOICE.filter((one) => !first.includes(one))];
  useEffect(() => {
    ref.current.querySelector("button").focus();
    /** @param {any} event */
    const away = (event) => ref.current && !ref.current.contains(event.target) && close();
    addEventListener("pointerdown", away);
    return () => removeEventListener("pointerdown", away);
  }, []);
  /** @param {string} emoji */
  const choose = (emoji) => {
    remember(emoji);
    pick(emoji);
  };
  /** @param {any} event */
  const onKeyDown = (event) => {
    /** @type {Record<string, number>} */
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 8, ArrowUp: -8 };
    if (event.key === "Escape") {
      event.stopPropagation();
      close();
    } else if (event.key in steps) {
      event.preventDefault();
      const buttons = [...ref.current.querySelectorAll("button")];
      const at = buttons.indexOf(document.activeElement) + steps[event.key];
      buttons[Math.max(0, Math.min(at, buttons.length - 1))].focus();
    }
  };
  return html`
    <div class=${`picker ${only({ down: isBelow })}`} role="group" aria-label=${t("emoji")} ref=${ref} onKeyDown=${onKeyDown}>
      ${all.map((emoji) => html`<button type="button" key=${emoji} aria-label=${emoji} onClick=${() => choose(emoji)}>${emoji}</button>`)}
    </div>`;
}
