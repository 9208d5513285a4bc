// @ts-check
/**
 * What people write, as a tree: a subset of Markdown. Pure.
 *
 * Nothing here makes HTML. What is not closed, has no content, or is not known stays as
 * it was typed. The work grows with the length of the text, whatever stands in it.
 *
 * @typedef {{type: "text", text: string}
 *   | {type: "code", text: string}
 *   | {type: "strong"|"em"|"del", nodes: Inline[]}
 *   | {type: "link", href: string, text: string}
 *   | {type: "mention"|"room", name: string, text: string}} Inline
 * @typedef {{type: "lines", nodes: Inline[]}
 *   | {type: "pre", text: string, language: string}
 *   | {type: "quote", blocks: Block[]}
 *   | {type: "list", start: number|null, items: Block[][]}} Block
 */

const FENCE = /^ {0,3}(`{3,}|~{3,})[ \t]*([^`]*)$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^( *)(?:[-*•]|(\d{1,9})[.)]) +(?=\S)/;
const DEEPEST = 4;

/**
 * The blocks of a text.
 *
 * @param {string} text @returns {Block[]}
 */
export const parse = (text) => blocks(text.split("\n"), 0);

/** @param {string[]} lines @param {number} depth @returns {Block[]} */
function blocks(lines, depth) {
  /** @type {Block[]} */
  const found = [];
  /** @type {string[]} */
  let plain = [];
  const flush = () => {
    const text = plain.join("\n").replace(/^\n+|\n+$/g, "");
    if (text.trim()) found.push({ type: "lines", nodes: inline(text) });
    plain = [];
  };
  const closings = fenceEnds(lines);
  for (let at = 0; at < lines.length; ) {
    const line = lines[at];
    const end = closings.get(at);
    if (end !== undefined) {
      flush();
      const language = /** @type {RegExpExecArray} */ (FENCE.exec(line))[2].trim();
      found.push({ type: "pre", text: lines.slice(at + 1, end).join("\n"), language });
      at = end + 1;
    } else if (FENCE.test(line)) {
      // A fence that is not closed: it and what is behind it is as it was typed.
      flush();
      found.push({ type: "lines", nodes: [{ type: "text", text: lines.slice(at).join("\n") }] });
      return found;
    } else if (depth < DEEPEST && QUOTE.test(line)) {
      flush();
      const from = at;
      while (at < lines.length && QUOTE.test(lines[at])) at += 1;
      const quoted = lines.slice(from, at).map((one) => one.replace(QUOTE, ""));
      found.push({ type: "quote", blocks: blocks(quoted, depth + 1) });
    } else if (depth < DEEPEST && ITEM.test(line)) {
      flush();
      const from = at;
      while (at < lines.length && (ITEM.test(lines[at]) || (/^ {2,}\S/.test(lines[at]) && !closings.has(at)))) at += 1;
      found.push(...lists(lines.slice(from, at), depth));
    } else {
      plain.push(line);
      at += 1;
    }
  }
  flush();
  return found;
}

/** Where each fence that is closed ends, by where it begins. @param {string[]} lines */
function fenceEnds(lines) {
  /** @type {Map<number, number>} */
  const ends = new Map();
  /** @type {{at: number, fence: string}|undefined} */
  let open;
  lines.forEach((line, at) => {
    const [, fence, rest] = FENCE.exec(line) ?? [];
    if (!fence) return;
    if (!open) open = { at, fence };
    else if (fence[0] === open.fence[0] && fence.length >= open.fence.length && !rest.trim()) {
      ends.set(open.at, at);
      open = undefined;
    }
  });
  return ends;
}

/** How many spaces a line begins with. @param {string} line */
const indentOf = (line) => line.length - line.trimStart().length;

/** The lists that lines are, which begin with one's item. @param {string[]} lines @param {number} depth */
function lists(lines, depth) {
  /** @type {{type: "list", start: number|null, items: Block[][]}[]} */
  const found = [];
  const indent = indentOf(lines[0]);
  for (let at = 0; at < lines.length; ) {
    const [marker, , number] = ITEM.exec(lines[at]) ?? [""];
    const own = [lines[at].slice(marker.length)];
    for (at += 1; at < lines.length && indentOf(lines[at]) > indent + 1; at += 1) {
      own.push(lines[at].slice(indent + 2));
    }
    const start = number === undefined ? null : Number(number);
    const last = found.at(-1);
    const item = blocks(own, depth + 1);
    if (last && (last.start === null) === (start === null)) last.items.push(item);
    else found.push({ type: "list", start, items: [item] });
  }
  return found;
}

const LINK = /\b(?:https?:\/\/|mailto:|tel:|xmpp:|ircs?:\/\/)(?:\[[\da-f:.]+\]|[^\s<>"“”«»[\]])[^\s<>"“”«»[\]]*/iy;
const NAMED = /\[([^\]\n]{1,300})\]\(((?:https?:\/\/|mailto:)[^\s()<>]+(?:\([^\s()<>]*\)[^\s()<>]*)*)\)/y;
const LIKE_LINK = /:\/\/|\bwww\.|[\p{L}\p{N}]\.\p{L}{2,}/u;
const NAME = /[@＠#]([\p{L}\p{N}\p{M}][\p{L}\p{N}\p{M}._~-]*)/uy;
/** Letters of scripts that are written without spaces do not join what stands beside them. */
const JOINS = /[\p{L}\p{N}_]/u;
const SPACELESS =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
/** @type {Record<string, "strong"|"em"|"del">} */
const KINDS = { "**": "strong", "*": "em", _: "em", "~~": "del" };

/** @param {string|undefined} char */
export const joins = (char) => char !== undefined && JOINS.test(char) && !SPACELESS.test(char);
/** @param {string|undefined} char */
const isSpace = (char) => char === undefined || /\s/.test(char);

/**
 * What stands in lines.
 *
 * @param {string} text @returns {Inline[]}
 */
export function inline(text) {
  /** @type {{mark: string, nodes: Inline[]}[]} */
  const open = [{ mark: "", nodes: [] }];
  const spans = codeSpans(text);
  let plain = "";
  const flush = () => {
    if (plain) /** @type {any} */ (open.at(-1)).nodes.push({ type: "text", text: plain });
    plain = "";
  };
  /** @param {Inline} node */
  const put = (node) => {
    flush();
    /** @type {any} */ (open.at(-1)).nodes.push(node);
  };
  /** What was opened from here on was not closed: it is text. @param {number} from */
  const giveUp = (from) => {
    while (open.length > from) {
      flush();
      const { mark, nodes } = /** @type {any} */ (open.pop());
      /** @type {any} */ (open.at(-1)).nodes.push({ type: "text", text: mark }, ...nodes);
    }
  };
  for (let at = 0; at < text.length; ) {
    const char = text[at];
    const before = text[at - 1];
    if (char === "`") {
      const { end, length } = /** @type {any} */ (spans.get(at));
      if (end === undefined) plain += text.slice(at, at + length);
      else put({ type: "code", text: trimmed(text.slice(at + length, end)) });
      at = (end ?? at) + length;
    } else if (char === "@" || char === "＠" || char === "#") {
      const name = joins(before) || /[@#/]/.test(before) ? undefined : match(NAME, text, at)?.[1];
      const own = name?.replace(/[._~-]+$/, "");
      if (own)
        put({ type: char === "#" ? "room" : "mention", name: own.normalize("NFKC").toLowerCase(), text: char + own });
      else plain += char;
      at += own ? own.length + 1 : 1;
    } else if (char === "[" && match(NAMED, text, at)) {
      const [all, label, href] = /** @type {RegExpExecArray} */ (match(NAMED, text, at));
      // A label that looks like an address of its own would hide where it leads.
      if (LIKE_LINK.test(label)) plain += "[";
      else put({ type: "link", href, text: label });
      at += LIKE_LINK.test(label) ? 1 : all.length;
    } else if (/[a-z]/i.test(char) && !joins(before) && match(LINK, text, at)) {
      const href = withoutEnd(/** @type {any} */ (match(LINK, text, at))[0]);
      put({ type: "link", href, text: href });
      at += href.length;
    } else if (char === "*" || char === "_" || char === "~") {
      const mark = markAt(text, at, /** @type {any} */ (open.at(-1)).mark);
      const kind = KINDS[mark];
      const after = text[at + mark.length];
      const loose = mark === "**" || mark === "~~";
      const begun = open.findLastIndex((one) => one.mark === mark);
      const isFilled = begun > 0 && (plain || open[begun].nodes.length || begun < open.length - 1);
      if (kind && begun > 0 && isFilled && !isSpace(before) && (loose || !joins(after))) {
        giveUp(begun + 1);
        flush();
        const { nodes } = /** @type {any} */ (open.pop());
        put({ type: kind, nodes });
      } else if (kind && begun < 0 && !isSpace(after) && (loose || (!joins(before) && before !== "\\"))) {
        flush();
        open.push({ mark, nodes: [] });
      } else plain += mark;
      at += mark.length;
    } else {
      plain += char;
      at += 1;
    }
  }
  giveUp(1);
  flush();
  return merged(open[0].nodes);
}

/** @param {RegExp} regex A sticky one. @param {string} text @param {number} at */
function match(regex, text, at) {
  regex.lastIndex = at;
  return regex.exec(text);
}

/**
 * A mark, or a whole run that is none.
 *
 * @param {string} text @param {number} at @param {string} innermost What is open.
 */
function markAt(text, at, innermost) {
  let end = at;
  while (text[end] === text[at]) end += 1;
  const run = text.slice(at, end);
  // `***both***` is a strong one around another.
  if (run === "***") return run.slice(0, innermost === run[0] ? 1 : 2);
  return run;
}

/** Where each run of backticks is closed, if it is. @param {string} text */
function codeSpans(text) {
  const runs = [...text.matchAll(/`+/g)].map((run) => ({ at: run.index, length: run[0].length }));
  /** @type {Map<number, {end: number|undefined, length: number}>} */
  const found = new Map();
  /** @type {Map<number, number>} The next run of each length, from behind. */
  const next = new Map();
  for (const { at, length } of runs.reverse()) {
    found.set(at, { end: next.get(length), length });
    next.set(length, at);
  }
  return found;
}

/** One space at both ends is there to part backticks. @param {string} code */
const trimmed = (code) => (/^ .*\S.* $/s.test(code) ? code.slice(1, -1) : code);

/** A link without what ends the sentence around it. @param {string} href */
function withoutEnd(href) {
  let end = href.length;
  let opened = 0;
  for (const char of href) opened += char === "(" ? 1 : char === ")" ? -1 : 0;
  for (; end > 0; end -= 1) {
    const last = href[end - 1];
    if (last === ")" && opened < 0) opened += 1;
    else if (!/[.,:;!?'’*_~\]}。、，！？）」』]/.test(last)) break;
  }
  return href.slice(0, end);
}

/** Texts that follow one another are one. @param {Inline[]} nodes @returns {Inline[]} */
function merged(nodes) {
  /** @type {Inline[]} */
  const found = [];
  for (const node of nodes) {
    const last = found.at(-1);
    if (node.type === "text" && last?.type === "text") last.text += node.text;
    else if ("nodes" in node) found.push({ ...node, nodes: merged(node.nodes) });
    else found.push({ ...node });
  }
  return found;
}

// Tones and U+FE0F follow what is drawn; U+200D joins several to one picture.
const DRAWN = "\\p{Extended_Pictographic}[\\p{Emoji_Modifier}\\ufe0f]*";
const PICTURE = `${DRAWN}(?:\\u200d${DRAWN})*`;
const ONLY_EMOJI = new RegExp(`^(?:(?:${PICTURE}|\\p{RI}{2})\\s*){1,3}$`, "u");

/** Whether a text is up to three emoji and nothing else. @param {string} text */
export const isEmoji = (text) => text.length < 60 && ONLY_EMOJI.test(text.trim());

/** A text in one line, without its marks; for a quotation. @param {string} text */
export const oneLine = (text) =>
  text
    .slice(0, 300)
    .replace(/```\S*|[*~`]{1,3}|^> ?/gm, "")
    .replace(/\s+/g, " ")
    .trim();
