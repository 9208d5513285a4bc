/** What people write, as a tree: what is understood, and that all else stays as it was typed. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { inline, isEmoji, oneLine, parse } from "../../../chatd/web/page/text.mjs";

/** A tree as one reads it: `strong(a em(b))`. */
function read(node) {
  if (Array.isArray(node)) return node.map(read).join("");
  switch (node.type) {
    case "text":
      return node.text;
    case "code":
      return `code(${node.text})`;
    case "pre":
      return `pre(${node.text})`;
    case "link":
      return node.text === node.href ? `link(${node.href})` : `link(${node.text} to ${node.href})`;
    case "mention":
    case "room":
      return `${node.type}(${node.name})`;
    case "quote":
      return `quote(${node.blocks.map(read).join("|")})`;
    case "list":
      return `${node.start === null ? "list" : `list from ${node.start}`}(${node.items.map((item) => item.map(read).join("|")).join(", ")})`;
    case "lines":
      return read(node.nodes);
    default:
      return `${node.type}(${read(node.nodes)})`;
  }
}

const lines = (text) => read(inline(text));
const blocks = (text) => parse(text).map(read).join("|");

test("what is closed is marked", () => {
  assert.equal(lines("a **b** c"), "a strong(b) c");
  assert.equal(lines("*a* _b_ ~~c~~ `d`"), "em(a) em(b) del(c) code(d)");
  assert.equal(lines("**a *b* c**"), "strong(a em(b) c)");
  assert.equal(lines("***both***"), "strong(em(both))");
  assert.equal(lines("这是**粗体**字和*斜体*。"), "这是strong(粗体)字和em(斜体)。");
});

test("what is not closed, empty or inside of a word stays as it was typed", () => {
  for (const text of [
    "**a",
    "a**",
    "** a **",
    "****",
    "*",
    "~~",
    "2*3*4",
    "snake_case_name",
    "__init__",
    "~a~",
    "`a",
    "``a`",
    "¯\\_(ツ)_/¯",
    "*a\n",
    "_a *b_ c",
  ])
    assert.equal(lines(text).replace("em(a *b)", "_a *b_"), text);
});

test("nothing is marked inside of code", () => {
  assert.equal(lines("`**a** @bob https://example.org`"), "code(**a** @bob https://example.org)");
  assert.equal(lines("`` a`b ``"), "code(a`b)");
});

test("links have a scheme, and end where the sentence goes on", () => {
  assert.equal(lines("see https://example.org/a_b_c, and more"), "see link(https://example.org/a_b_c), and more");
  assert.equal(lines("(https://example.org/x_(y))."), "(link(https://example.org/x_(y))).");
  assert.equal(lines("mailto:ann@example.org"), "link(mailto:ann@example.org)");
  assert.equal(lines("**https://example.org**"), "strong(link(https://example.org))");
});

test("what runs a program is no link", () => {
  for (const text of [
    "javascript:alert(1)",
    "[a](javascript:alert(1))",
    "data:text/html,x",
    "[a](data:text/html,x)",
    "vbscript:x",
    "[a](//example.org)",
    "file:///etc/passwd",
  ])
    assert.ok(!lines(text).includes("link("), text);
});

test("a named link does not hide where it leads", () => {
  assert.equal(lines("[the notes](https://example.org/n)"), "link(the notes to https://example.org/n)");
  assert.equal(
    lines("[https://bank.example](https://evil.example)"),
    "[link(https://bank.example)](link(https://evil.example))",
  );
  assert.equal(lines("[bank.example](https://evil.example)"), "[bank.example](link(https://evil.example))");
});

test("a room is a name behind a number sign that nothing stands before", () => {
  assert.equal(lines("#tea, and (#Garden)."), "room(tea), and (room(garden)).");
  assert.equal(lines("c#sharp ##tea a/#tea # tea"), "c#sharp ##tea a/#tea # tea");
  assert.equal(lines("`#tea` https://example.org/#tea"), "code(#tea) link(https://example.org/#tea)");
});

test("a mention is a name behind an at sign that nothing stands before", () => {
  assert.equal(lines("@bob, and @Ann."), "mention(bob), and mention(ann).");
  assert.equal(lines("你好@bob"), "你好mention(bob)");
  assert.equal(lines("ann@example.org @@x a/@b"), "ann@example.org @@x a/@b");
});

test("fences are code, and one that is not closed is text", () => {
  assert.equal(blocks("a\n```js\nb *c*\n```\nd"), "a|pre(b *c*)|d");
  assert.equal(blocks("~~~\n```\n~~~"), "pre(```)");
  assert.equal(blocks("````\n```\n````"), "pre(```)");
  assert.equal(blocks("```\na *b*"), "```\na *b*");
});

test("quotes and lists hold what stands in them", () => {
  assert.equal(blocks("> a\n> > b\nc"), "quote(a|quote(b))|c");
  assert.equal(blocks("- a\n- b\n  - c\n3. d\n4. e"), "list(a, b|list(c))|list from 3(d, e)");
  assert.equal(blocks("-a\n1.b\n-"), "-a\n1.b\n-");
});

test("every character that was typed is there, marks aside", () => {
  const plain = "ünï 👍🏽 שלום \u202eabc\u202c ‏x‎ e\u0301";
  assert.equal(lines(plain), plain);
});

test("the work grows with the length of the text alone", () => {
  const long = (text, length) => text.repeat(Math.ceil(length / text.length));
  /** The least time of the processor that it takes, in µs; no less than its clock can tell. */
  const work = (text) => {
    const runs = Array.from({ length: 5 }, () => {
      const from = process.cpuUsage();
      parse(text);
      return process.cpuUsage(from).user;
    });
    return Math.max(4000, Math.min(...runs));
  };
  for (const text of [
    "*",
    "**a ",
    "_*~~",
    "`",
    "``a",
    "[",
    "[a](https://(",
    "> ",
    "- ",
    "  - x\n",
    "@",
    "https://",
    "*a **b ",
    "```\n",
    "\n",
    "a_",
    "(a)",
  ]) {
    const [short, tall] = [work(long(text, 40_000)), work(long(text, 320_000))];
    // Were it the square, it would be 64 times as much.
    assert.ok(tall < 32 * short, `${JSON.stringify(text)}: ${short} µs, eight times as long ${tall} µs`);
  }
});

test("up to three emoji alone are pictures", () => {
  for (const text of ["👍", "👍🏽🎉", "❤️ ❤️ ❤️", "👩‍👩‍👧", "🇩🇪"]) assert.ok(isEmoji(text), text);
  for (const text of ["", "a", "1", "👍a", "👍👍👍👍", "#", "©a"]) assert.ok(!isEmoji(text), text);
});

test("a quotation is one line without marks", () => {
  assert.equal(oneLine("> **a**\n```js\nb\n```"), "a b");
});
