// @ts-check
/** The tree of a text (`text.mjs`) as nodes of the page. */

import { lazy } from "./dialog.mjs";
import { chat } from "./state.mjs";
import { isEmoji, parse } from "./text.mjs";
import { html, only } from "./ui.mjs";

/**
 * A text as people read it.
 *
 * @param {{text: string, isPerson: (name: string) => boolean}} props
 */
export const Markup = ({ text, isPerson }) => html`
  <div class=${`text ${only({ emoji: isEmoji(text) })}`} dir="auto">${parse(text).map((block) => block_(block, isPerson))}</div>`;

/** Code, plain until what gives it colours is loaded. */
const Pre = lazy(
  async () => (await import("./code.mjs")).Code,
  (/** @type {any} */ { text }) => html`<div><pre dir="ltr" tabindex="0"><code>${text}</code></pre></div>`,
);

/** @param {import("./text.mjs").Block} block @param {(name: string) => boolean} isPerson @returns {any} */
function block_(block, isPerson) {
  /** @param {import("./text.mjs").Block[]} some */
  const inside = (some) => some.map((one) => block_(one, isPerson));
  switch (block.type) {
    case "pre":
      return html`<${Pre} ...${block} />`;
    case "quote":
      return html`<blockquote dir="auto">${inside(block.blocks)}</blockquote>`;
    case "list": {
      const items = block.items.map((item) => html`<li dir="auto">${inside(item)}</li>`);
      return block.start === null ? html`<ul>${items}</ul>` : html`<ol start=${block.start}>${items}</ol>`;
    }
    default:
      return html`<p dir="auto">${nodes(block.nodes, isPerson)}</p>`;
  }
}

/** @param {import("./text.mjs").Inline[]} some @param {(name: string) => boolean} isPerson @returns {any} */
const nodes = (some, isPerson) =>
  some.map((one) => {
    switch (one.type) {
      case "code":
        return html`<code>${one.text}</code>`;
      case "strong":
        return html`<strong>${nodes(one.nodes, isPerson)}</strong>`;
      case "em":
        return html`<em>${nodes(one.nodes, isPerson)}</em>`;
      case "del":
        return html`<del>${nodes(one.nodes, isPerson)}</del>`;
      case "link":
        return html`<a href=${one.href} title=${one.href} target="_blank" rel="noopener noreferrer">${one.text}</a>`;
      case "mention": {
        const isMe = one.name === chat.value?.user;
        return isMe || one.name === "all" || isPerson(one.name)
          ? // What it is in does not take its direction from a name.
            html`<bdi class=${`mention ${only({ "to-me": isMe })}`}>${one.text}</bdi>`
          : one.text;
      }
      case "room":
        return chat.value?.rooms.has(one.name)
          ? html`<a href=${`#room=${encodeURIComponent(one.name)}`}>${one.text}</a>`
          : one.text;
      default:
        return one.text;
    }
  });
