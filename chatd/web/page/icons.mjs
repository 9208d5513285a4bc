// @ts-check
/** The page's own drawings: 18 px, strokes of 1.8 px, in the colour of the text. */

import { html } from "./ui.mjs";

/** @type {Record<string, string>} */
const PATHS = {
  add: "M9 3v12M3 9h12",
  back: "M11.5 3.5 6 9l5.5 5.5",
  close: "M4.5 4.5l9 9M13.5 4.5l-9 9",
  down: "M9 3.5v11M4.5 10 9 14.5 13.5 10",
  edit: "M3 15l.8-3.3L12 3.5l2.5 2.5-8.2 8.2zM10.5 5l2.5 2.5",
  emoji: "M9 2.2a6.8 6.8 0 1 0 0 13.6a6.8 6.8 0 1 0 0-13.6M6 10.6c1.5 2.3 4.5 2.3 6 0M6.7 6.8v.4M11.3 6.8v.4",
  hash: "M7 3 5.5 15M12.5 3 11 15M3.5 6.8h11.5M3 11.2h11.5",
  invite:
    "M7 3.4a2.6 2.6 0 1 0 0 5.2a2.6 2.6 0 1 0 0-5.2M2.5 15c.4-3 2.2-4.2 4.5-4.2s4.1 1.2 4.5 4.2M14 6v5M11.5 8.5h5",
  lock: "M5 8.2h8a1 1 0 0 1 1 1V14a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V9.2a1 1 0 0 1 1-1M6.2 8V6a2.8 2.8 0 0 1 5.6 0v2",
  more: "M4 9h.1M9 9h.1M14 9h.1",
  out: "M7 3H4.5A1.5 1.5 0 0 0 3 4.5v9A1.5 1.5 0 0 0 4.5 15H7M7.5 9H15M12 5.8 15.2 9 12 12.2",
  people:
    "M7 3.4a2.6 2.6 0 1 0 0 5.2a2.6 2.6 0 1 0 0-5.2M2.5 15c.4-3 2.2-4.2 4.5-4.2s4.1 1.2 4.5 4.2M12 3.8a2.6 2.6 0 0 1 0 4.6M13.4 11c1.3.6 2 1.9 2.2 4",
  reply: "M7.5 4 3 8.5 7.5 13M3.5 8.5H10c3 0 5 1.8 5 5.5",
  send: "M9 15V3.5M4 8.3 9 3.3l5 5",
  settings:
    "M3 5h6M13 5h2M3 9h1M8 9h7M3 13h7M14 13h1M11 3.3a1.7 1.7 0 1 0 0 3.4a1.7 1.7 0 1 0 0-3.4M6 7.3a1.7 1.7 0 1 0 0 3.4a1.7 1.7 0 1 0 0-3.4M12 11.3a1.7 1.7 0 1 0 0 3.4a1.7 1.7 0 1 0 0-3.4",
  trash: "M3.5 5h11M7 5V3.5h4V5M5 5l.6 9.5h6.8L13 5M7.5 7.8v4M10.5 7.8v4",
  warn: "M9 3 2.5 14.5h13zM9 7.5v3.3M9 12.6v.1",
};

/** A drawing; whatever it stands in has the name. @param {{name: string}} props */
export const Icon = ({ name }) => html`
  <svg class="icon" viewBox="0 0 18 18" aria-hidden="true" focusable="false"><path d=${PATHS[name]} /></svg>`;
