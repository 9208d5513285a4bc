// @ts-check
/** A QR code as a drawing. */

import { generate } from "../vendor/lean-qr.mjs";
import { html } from "./ui.mjs";

/** White around it, in modules: scanners need four. */
const QUIET = 4;

/** @param {{text: string, label: string}} props */
export function QR({ text, label }) {
  const code = /** @type {any} */ (generate)(text);
  const size = code.size + 2 * QUIET;
  let path = "";
  for (let y = 0; y < code.size; y += 1) {
    for (let x = 0; x < code.size; x += 1) if (code.get(x, y)) path += `M${x + QUIET} ${y + QUIET}h1v1h-1z`;
  }
  return html`
    <svg class="qr" role="img" aria-label=${label} viewBox=${`0 0 ${size} ${size}`} shape-rendering="crispEdges">
      <path class="paper" d=${`M0 0h${size}v${size}h-${size}z`} /><path class="ink" d=${path} />
    </svg>`;
}
