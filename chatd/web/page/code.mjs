// @ts-check
/**
 * Code in a message: its words in colours, and a button that copies it.
 *
 * The colours come from a library's stream of tokens, of which nodes are made here. What
 * it does not know, and what is very long, is shown as it was typed.
 */

import { eventually } from "./again.mjs";
import { copy } from "./copy.mjs";
import { html, useEffect, useState } from "./ui.mjs";
import { t } from "./words.later.mjs";

/** What follows a fence, by the grammar that it means. @type {Record<string, string>} */
const LANGUAGES = {
  bash: "bash sh shell zsh console",
  c: "c h cc cpp cxx hpp c++",
  css: "css scss less",
  diff: "diff patch",
  docker: "docker dockerfile",
  go: "go golang",
  html: "html htm vue svelte",
  http: "http",
  ini: "ini conf cfg properties systemd",
  java: "java kotlin kt",
  js: "js javascript jsx mjs cjs node",
  json: "json jsonc json5",
  lua: "lua",
  make: "make makefile",
  md: "md markdown",
  pl: "pl perl",
  py: "py python py3 python3",
  rs: "rs rust",
  sql: "sql sqlite mysql postgres postgresql plsql",
  toml: "toml",
  ts: "ts typescript tsx",
  xml: "xml svg",
  yaml: "yaml yml",
};
/** Those that are only part of others. */
const PARTS = ["jsdoc", "regex", "todo"];

/** @type {Map<string, string>} */
const names = new Map(
  Object.entries(LANGUAGES).flatMap(([name, others]) => others.split(" ").map((other) => [other, name])),
);
const grammars = new Set([...Object.keys(LANGUAGES), ...PARTS]);
/** The time that some texts take grows with the square of their length: these take 50 ms at worst. */
const MOST_CHARS = 5000;

/** @type {Map<string, any>} */
const loaded = new Map();

/** A grammar, loaded when it is first needed; nothing of what is not known. @param {string} name */
async function grammarOf(name) {
  if (!grammars.has(name)) return undefined;
  if (!loaded.has(name)) loaded.set(name, (await eventually(() => import(`../vendor/language-${name}.mjs`))).default);
  return loaded.get(name);
}

/**
 * Code in pieces, each with what it is.
 *
 * @param {string} text @param {string} name Of a grammar.
 * @returns {Promise<[string, string|undefined][]>}
 */
async function tokensOf(text, name) {
  const { tokenizer } = await eventually(() => import(/** @type {any} */ ("../vendor/highlight.mjs")));
  /** @type {[string, string|undefined][]} */
  const found = [];
  const run = tokenizer(text, name, (/** @type {string} */ piece, /** @type {string|undefined} */ kind) => {
    const last = found.at(-1);
    if (last && last[1] === kind) last[0] += piece;
    else if (piece) found.push([piece, kind]);
  });
  // It asks for the grammars that it needs one by one.
  for (let step = run.next(); !step.done; ) step = run.next(loaded.get(step.value) ?? (await grammarOf(step.value)));
  return found;
}

/** One block of code. @param {{text: string, language: string}} props */
export function Code({ text, language }) {
  const [tokens, setTokens] = useState(/** @type {[string, string|undefined][]} */ ([]));
  const name = names.get(language.split(/[\s,:{]/)[0].toLowerCase());
  useEffect(() => {
    let isWanted = true;
    setTokens([]);
    // Without colours it is the same code.
    if (name && text.length <= MOST_CHARS)
      tokensOf(text, name).then(
        (found) => isWanted && setTokens(found),
        () => {},
      );
    return () => {
      isWanted = false;
    };
  }, [text, name]);
  return html`
    <div class="code">
      <pre dir="ltr" tabindex="0"><code>${
        tokens.length
          ? tokens.map(([piece, kind]) => (kind ? html`<span class=${`token ${kind}`}>${piece}</span>` : piece))
          : text
      }</code></pre>
      <button type="button" class="icon-button" aria-label=${t("copyCode")} title=${t("copyCode")} onClick=${() => copy(text)}>
        <svg class="icon" viewBox="0 0 18 18" aria-hidden="true" focusable="false"><path d="M6.5 6.5h8v8h-8zM11.5 6.5v-3h-8v8h3" /></svg></button>
    </div>`;
}
