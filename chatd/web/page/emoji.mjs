// @ts-check
/** A choice of emoji: those one uses, those of a kind, and those that words name. */

import { useLayer } from "./back.mjs";
import { Failure } from "./chatd.mjs";
import { COMMON, emojis, keepTone, recent, remember, search, tone, toned } from "./emojis.mjs";
import { wayBack } from "./modal.mjs";
import { tell } from "./tell.mjs";
import { html, only, useLayoutEffect, useRef, useState } from "./ui.mjs";
import { t } from "./words.later.mjs";

const COLUMNS = 8;
const MOST_FOUND = 80;

/** What the kinds are called, and a picture of each; by Unicode's number. @type {[number, string, string][]} */
const groups = [
  [-1, "🕘", t("emojiUsed")],
  [0, "😀", t("emojiFaces")],
  [1, "👋", t("emojiPeople")],
  [3, "🐻", t("emojiNature")],
  [4, "🍎", t("emojiFood")],
  [5, "🚲", t("emojiPlaces")],
  [6, "⚽", t("emojiActivities")],
  [7, "💡", t("emojiObjects")],
  [8, "🔣", t("emojiSigns")],
  [9, "🏁", t("emojiFlags")],
];
const tones = [
  t("toneNone"),
  t("toneLight"),
  t("toneMediumLight"),
  t("toneMedium"),
  t("toneMediumDark"),
  t("toneDark"),
];
const HAND = { char: "✋", hasTones: true };

/** @typedef {{char: string, label: string}} Shown */

/**
 * The choice. Arrows go through it, from the field to search in and back; Esc closes it.
 *
 * @param {{pick: (emoji: string) => void, close: () => void, isBelow?: boolean}} props
 */
export function Choice({ pick, close, isBelow }) {
  const ref = useRef(/** @type {any} */ (null));
  const [all, setAll] = useState(/** @type {import("./emojis.mjs").Emoji[]} */ ([]));
  const [typed, setTyped] = useState("");
  const [group, setGroup] = useState(-1);
  const [skin, setSkin] = useState(tone);
  const [active, setActive] = useState(0);

  useLayer(close);
  useLayoutEffect(() => {
    const before = document.activeElement;
    const goBack = wayBack();
    ref.current.querySelector("input").focus();
    tell(emojis().then(setAll, () => Promise.reject(new Failure({ code: "disconnected", text: "" }))));
    /** @param {any} event */
    const away = ({ target }) => {
      // The button that has opened it closes it itself.
      if (ref.current && !ref.current.contains(target) && !before?.contains(target)) close();
    };
    addEventListener("pointerdown", away);
    const { current } = ref;
    return () => {
      removeEventListener("pointerdown", away);
      // Where one was, unless one has gone elsewhere.
      if (!current.contains(document.activeElement) && document.activeElement !== document.body) return;
      goBack();
    };
  }, []);

  /** @returns {Shown[]} */
  const shown = () => {
    /** @param {import("./emojis.mjs").Emoji} one */
    const inTone = (one) => ({ char: toned(one, skin), label: one.label });
    if (typed.trim()) return search(all, typed, MOST_FOUND).map(inTone);
    if (group >= 0) return all.filter((one) => one.group === group).map(inTone);
    const used = recent();
    const known = new Map(all.map((one) => [one.char, one]));
    const common = COMMON.map((char) => known.get(char) ?? { char, hasTones: false, label: char });
    const others = common.map((one) => ({ char: toned(one, skin), label: one.label }));
    return [
      ...used.map((char) => ({ char, label: known.get(char)?.label ?? labelOf(all, char) })),
      ...others.filter(({ char }) => !used.includes(char)),
    ];
  };
  const choices = shown();
  const at = Math.min(active, choices.length - 1);

  /** @param {string} emoji */
  const choose = (emoji) => {
    remember(emoji);
    pick(emoji);
  };

  /** @param {number} index */
  const go = (index) => {
    setActive(index);
    const button = ref.current.querySelectorAll(".grid button")[index];
    button?.focus();
    button?.scrollIntoView({ block: "nearest" });
  };

  /** @param {any} event */
  const onKeyDown = (event) => {
    const { key, target } = event;
    if (event.isComposing || event.keyCode === 229) return;
    const isForward = ref.current.matches(":dir(rtl)") ? "ArrowLeft" : "ArrowRight";
    const isBack = isForward === "ArrowLeft" ? "ArrowRight" : "ArrowLeft";
    const steps = /** @type {Record<string, number>} */ ({
      [isForward]: 1,
      [isBack]: -1,
      ArrowDown: COLUMNS,
      ArrowUp: -COLUMNS,
    });
    const field = ref.current.querySelector("input");
    if (key === "Escape") {
      event.stopPropagation();
      close();
    } else if (target === field && key === "Enter") {
      // The form around it is not meant.
      event.preventDefault();
      if (choices[0] && typed.trim()) choose(choices[0].char);
    } else if (target === field && key === "ArrowDown") {
      event.preventDefault();
      go(0);
    } else if (target.closest(".grid") && key in steps) {
      event.preventDefault();
      const goal = at + steps[key];
      if (goal < 0 && key === "ArrowUp") field.focus();
      else go(Math.max(0, Math.min(goal, choices.length - 1)));
    } else if (
      target.closest(".grid") &&
      key.length === 1 &&
      key !== " " &&
      !event.ctrlKey &&
      !event.metaKey &&
      !event.altKey
    ) {
      // Whoever goes on typing means the field; it gets this very key.
      field.focus();
    }
  };

  /** @param {string} value */
  const look = (value) => {
    setTyped(value);
    setActive(0);
  };
  /** @param {number} chosen */
  const wear = (chosen) => {
    keepTone(chosen);
    setSkin(chosen);
  };

  return html`
    <div class=${`picker ${only({ down: isBelow })}`} role="group" aria-label=${t("emoji")} ref=${ref} onKeyDown=${onKeyDown}>
      <input type="text" aria-label=${t("findEmoji")} placeholder=${t("findEmoji")} dir="auto" autocomplete="off" autocapitalize="none" spellcheck=${false}
        enterkeyhint="done" value=${typed} onInput=${(/** @type {any} */ event) => look(event.target.value)} />
      <div class="kinds" role="group" aria-label=${t("emojiGroups")}>
        ${groups.map(
          ([number, picture, name]) => html`
          <button type="button" key=${number} class="picture" aria-label=${name} title=${name} aria-pressed=${!typed.trim() && group === number}
            onClick=${() => {
              setGroup(number);
              look("");
            }}>${picture}</button>`,
        )}
      </div>
      <div class="grid" key=${typed.trim() ? "found" : group}>
        ${choices.map(
          ({ char, label }, index) => html`
          <button type="button" class="picture" key=${char} aria-label=${label} title=${label} tabindex=${index === at ? 0 : -1}
            onFocus=${() => setActive(index)} onClick=${() => choose(char)}>${char}</button>`,
        )}
      </div>
      <p class="quiet" role="status">${typed.trim() && all.length > 0 && !choices.length && t("noEmoji")}</p>
      <div class="tones" role="group" aria-label=${t("skinTone")}>
        ${tones.map(
          (name, number) => html`
          <button type="button" key=${number} class="picture" aria-label=${name} title=${name} aria-pressed=${skin === number}
            onClick=${() => wear(number)}>${toned(HAND, number)}</button>`,
        )}
      </div>
    </div>`;
}

/** What an emoji with a skin tone is called. @param {import("./emojis.mjs").Emoji[]} all @param {string} char */
const labelOf = (all, char) =>
  all.find((one) => one.hasTones && [1, 2, 3, 4, 5].some((number) => toned(one, number) === char))?.label ?? char;
