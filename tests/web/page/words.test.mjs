/** All that the page says stands in one dictionary, in each language. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { en as later, t as tLater } from "../../../chatd/web/page/words.later.mjs";
import { choose, en as first, LANGUAGES, t } from "../../../chatd/web/page/words.mjs";

const page = new URL("../../../chatd/web/page/", import.meta.url);
const languages = { en: { ...first, ...later } };
for (const name of LANGUAGES.slice(1)) {
  const [one, other] = await Promise.all(
    ["words", "words.later"].map((file) => import(new URL(`${file}.${name}.mjs`, page))),
  );
  languages[name] = { ...one.default, ...other.default };
}
const sources = readdirSync(page)
  .filter((name) => name.endsWith(".mjs") && !name.startsWith("words."))
  .map((name) => readFileSync(new URL(name, page), "utf8"));
const usedIn = (texts) =>
  new Set(
    texts.flatMap((source) =>
      [...source.matchAll(/\bt\(\s*(?:\w+ \? )?"(\w+)"(?: : "(\w+)")?/g)].flatMap(([, ...keys]) => keys),
    ),
  );
const used = usedIn(sources);

const forms = (text) => (typeof text === "string" ? [text] : Object.values(text));
const values = (text) =>
  [...new Set(forms(text).flatMap((form) => [...form.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)))].sort();

test("each language has each text, and says the same values in it", () => {
  for (const [name, language] of Object.entries(languages)) {
    assert.deepEqual(Object.keys(language).sort(), Object.keys(languages.en).sort(), name);
    for (const [key, text] of Object.entries(language)) {
      assert.deepEqual(values(text), values(languages.en[key]), `${name}: ${key}`);
      for (const category of typeof text === "string"
        ? []
        : new Intl.PluralRules(name).resolvedOptions().pluralCategories)
        assert.ok(category in text, `${name}: ${key} has no ${category}`);
    }
  }
});

test("each text is used, and each that is used is there", () => {
  const there = new Set(Object.keys(languages.en));
  assert.deepEqual(
    [...there].filter((key) => !used.has(key)),
    [],
  );
  assert.deepEqual(
    [...used].filter((key) => key && !there.has(key)),
    [],
  );
});

test("what is said from the first is loaded at first, and what only later is, is not", () => {
  const early = usedIn(sources.filter((source) => /\bt \} from "\.\/words\.mjs"/.test(source)));
  assert.deepEqual(
    Object.keys(later).filter((key) => early.has(key)),
    [],
  );
  assert.deepEqual(
    Object.keys(first).filter((key) => !early.has(key)),
    [],
  );
});

test("no text is shouted, and none is empty", () => {
  for (const text of Object.values(languages).flatMap(Object.values).flatMap(forms)) {
    assert.ok(text.trim() && !text.includes("!"), text);
  }
});

test("each thing has one name", () => {
  const others = {
    en: /\bmakes? (an?|the) (room|account|link)|add people|sign (in|out)|\bload the page|revoke/i,
    de: /anlegen|hinzufügen|\bLeute\b|einloggen|ausloggen|widerruf/i,
  };
  for (const [name, language] of Object.entries(languages))
    for (const text of Object.values(language).flatMap(forms)) assert.doesNotMatch(text, others[name]);
});

test("the first of a reader's languages that there is, is spoken", () => {
  assert.equal(choose(["fr-CA", "de-AT", "en"]), "de");
  assert.equal(choose(["EN-us"]), "en");
  assert.equal(choose(["fr"]), "en");
  assert.equal(choose([]), "en");
});

test("what is loaded later says the texts of both dictionaries", () => {
  assert.equal(tLater("revoke"), "Take back");
  assert.equal(tLater("send"), "Send");
  assert.equal(tLater("inviteLeft", { n: 1 }), "1 use left");
});

test("what depends on a number has its form", () => {
  assert.equal(t("unread", { n: 3 }), "3 unread messages");
  assert.equal(t("unread", { n: 1 }), "1 unread message");
});
