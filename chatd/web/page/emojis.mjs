// @ts-check
/**
 * Which emoji there are, what they are called, and which of them one uses.
 *
 * @typedef {{char: string, codes: string[], hasTones: boolean, group: number, label: string, words: string}} Emoji
 *   `words` is all by which it is looked for, folded.
 */

import { keep, storage } from "./kept.mjs";
import { language } from "./words.mjs";

/** What most people use, where one has used little yet. */
export const COMMON =
  "👍 👎 ❤️ 😂 😄 🙂 😉 😍 🤔 😮 😢 😭 😡 😅 🙄 😴 🤯 🥳 😎 🤷 🙏 👏 💪 👋 🙌 🤝 👀 ✅ ❌ ❓ ❗ 💯 🔥 🎉 🚀 ⭐ 💡 🐛 🔧 📌 📅 ⏰ ☕ 🍕 🍰 🍀 🌞 🌧️".split(
    " ",
  );

const RECENT = "chatd emoji";
const TONE = "chatd tone";
const MOST_RECENT = 24;

/** @type {Promise<Emoji[]>|undefined} */
let known;

/** All of them, in Unicode's order; loaded when they are first needed. */
export function emojis() {
  known ??= load().catch((error) => {
    known = undefined;
    throw error;
  });
  return known;
}

/** @returns {Promise<Emoji[]>} */
async function load() {
  const [{ default: rows }, { default: words }] = await Promise.all([
    import(/** @type {any} */ ("../vendor/emoji.mjs")),
    import(`../vendor/emoji.${language}.mjs`),
  ]);
  const named = words.split("\n");
  /** @type {Emoji[]} */
  const found = [];
  let group = 0;
  for (const row of rows.split("\n")) {
    const [char, ...codes] = row.split(" ");
    if (!codes.length) {
      group = Number(char.slice(1));
      continue;
    }
    const hasTones = codes.at(-1) === "*";
    if (hasTones) codes.pop();
    const [label, others] = named[found.length].split("\t");
    found.push({ char, codes, hasTones, group, label, words: folded(`${label} ${others} ${codes.join(" ")}`) });
  }
  return found;
}

/** A text without what does not tell words apart. @param {string} text */
const folded = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

/** What is used often is found first, then what begins with what is typed. @param {number} rank @param {boolean} isUsed */
const ranked = (rank, isUsed) => rank * 2 - (isUsed ? 1 : 0);

/**
 * Those that words in the page's language or short codes name.
 *
 * @param {Emoji[]} all @param {string} typed @param {number} most How many are wanted.
 */
export function search(all, typed, most) {
  const wanted = folded(typed).split(/\s+/).filter(Boolean);
  const starts = wanted.map((word) => new RegExp(`(?:^|[\\s_-])${escaped(word)}`));
  const used = new Set([...recent(), ...COMMON].map(bare));
  return all
    .filter(({ words }) => starts.every((start) => start.test(words)))
    .map((one) => {
      const [first = ""] = wanted;
      const isIt = one.codes.includes(typed) || folded(one.label) === wanted.join(" ");
      const begins = one.codes.some((code) => code.startsWith(first)) || folded(one.label).startsWith(first);
      return { one, rank: ranked(isIt ? 0 : begins ? 1 : 2, used.has(bare(one.char))) };
    })
    .sort((one, two) => one.rank - two.rank)
    .slice(0, most)
    .map(({ one }) => one);
}

/**
 * Those whose short codes begin with what is typed, then those that have it further in.
 *
 * @param {Emoji[]} all @param {string} typed @param {number} most
 * @returns {{one: Emoji, code: string}[]}
 */
export function byCode(all, typed, most) {
  const wanted = typed.toLowerCase();
  const used = new Set([...recent(), ...COMMON].map(bare));
  /** @type {{one: Emoji, code: string, rank: number}[]} */
  const found = [];
  for (const one of all) {
    const code =
      one.codes.find((code) => code.startsWith(wanted)) ??
      one.codes.find((code) => code.includes(`_${wanted}`) || code.includes(`-${wanted}`));
    if (code === undefined) continue;
    const rank = code === wanted ? 0 : code.startsWith(wanted) ? 1 : 2;
    found.push({ one, code, rank: ranked(rank, used.has(bare(one.char))) });
  }
  return found.sort((one, two) => one.rank - two.rank).slice(0, most);
}

/** @param {string} text */
const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&");

/** An emoji without its skin tone. @param {string} emoji */
const bare = (emoji) => emoji.replace(/[\u{1f3fb}-\u{1f3ff}\ufe0f]/gu, "");

/** The skin tone that one has chosen: 1 to 5, or 0. */
export const tone = () => Number(storage.getItem(TONE)) || 0;

/** @param {number} chosen */
export const keepTone = (chosen) => keep(TONE, chosen ? String(chosen) : "");

/** An emoji with a skin tone, if it can have one. @param {{char: string, hasTones: boolean}} one @param {number} chosen */
export function toned({ char, hasTones }, chosen) {
  if (!hasTones || !chosen) return char;
  const [first, ...rest] = char;
  return first + String.fromCodePoint(0x1f3fa + chosen) + rest.join("").replace(/^\ufe0f/, "");
}

/** Those that one has used last. @returns {string[]} */
export const recent = () =>
  (storage.getItem(RECENT) ?? "").split(" ").filter((one) => /\p{Emoji}/u.test(one) && one.length < 40);

/** Remember that an emoji was chosen. @param {string} emoji */
export const remember = (emoji) =>
  keep(RECENT, [emoji, ...recent().filter((one) => one !== emoji)].slice(0, MOST_RECENT).join(" "));
