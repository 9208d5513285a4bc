/** What of a text that is being written can be completed. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { closedAt, tokenAt } from "../../../chatd/web/page/token.mjs";

/** What is found where `|` stands. */
const at = (text, find = tokenAt) => {
  const found = find(text.replace("|", ""), text.indexOf("|"));
  return found && [found.kind, found.from, found.query];
};

test("a name is what stands behind an @ up to the caret, in any script", () => {
  assert.deepEqual(at("@|"), ["name", 0, ""]);
  assert.deepEqual(at("hi @an|n, tea?"), ["name", 3, "an"]);
  assert.deepEqual(at("שלום @דנ|"), ["name", 5, "דנ"]);
  assert.deepEqual(at("(＠kim~4|"), ["name", 1, "kim~4"]);
  assert.deepEqual(at("你好@李|"), ["name", 2, "李"]);
});

test("an address is no name, nor is what stands in code", () => {
  for (const text of ["ann@exa|", "https://example.org/@an|", "@@an|", "`@an|", "```\n@an|", "@ann |", "an|"])
    assert.equal(at(text), null, text);
  assert.deepEqual(at("`code` @an|"), ["name", 7, "an"]);
});

test("a room is what stands behind a # in the same way", () => {
  assert.deepEqual(at("see #|"), ["room", 4, ""]);
  assert.deepEqual(at("(#tea-ro|"), ["room", 1, "tea-ro"]);
  for (const text of ["c#|", "##|", "https://example.org/#a|", "`#a|", "# |"]) assert.equal(at(text), null, text);
});

test("a short code has two letters at least, so a smile stays one", () => {
  assert.deepEqual(at("well :ta|"), ["code", 5, "ta"]);
  assert.deepEqual(at(":+1|"), ["code", 0, "+1"]);
  for (const text of [":D|", ":p|", ":-)|", "12:30|", "a:ta|", "::ta|", ": ta|", "`:ta|", "http:ta|"])
    assert.equal(at(text), null, text);
});

test("a closed code is known as such", () => {
  assert.deepEqual(at("well :TaDa:|", closedAt), ["code", 5, "tada"]);
  assert.deepEqual(at(":x:|", closedAt), ["code", 0, "x"]);
  for (const text of ["12:30:|", "::|", ":ta da:|", "`:tada:|"]) assert.equal(at(text, closedAt), null, text);
});

test("what is found does not grow with what stands before", () => {
  const before = performance.now();
  assert.equal(tokenAt("@".repeat(100_000), 100_000), null);
  assert.equal(tokenAt(`${":a".repeat(50_000)} `, 100_001), null);
  assert.ok(performance.now() - before < 1000);
});
