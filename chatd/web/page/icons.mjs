// @ts-check
/** The page's own drawings: 18 px, strokes of 1.8 px, in the colour of the text. */

import { html } from "./ui.mjs";

/** More come with what is loaded later (`later.mjs`). @type {Record<string, string>} */
export const PATHS = {
  add: "M9 3v12M3 9h12",
  back: "M11.5 3.5 6 9l5.5 5.5",
  bell: "M4 13h10c-1.2-1.2-1.4-2.6-1.4-4.6a3.6 3.6 0 0 0-7.2 0C5.4 10.4 5.2 11.8 4 13M7.6 15.2h2.8",
  bookmark: "M5 3h8v12l-4-3.2L5 15z",
  edit: "M3 15l.8-3.3L12 3.5l2.5 2.5-8.2 8.2zM10.5 5l2.5 2.5",
  emoji: "M9 2.2a6.8 6.8 0 1 0 0 13.6a6.8 6.8 0 1 0 0-13.6M6 10.6c1.5 2.3 4.5 2.3 6 0M6.7 6.8v.4M11.3 6.8v.4",
  hash: "M7 3 5.5 15M12.5 3 11 15M3.5 6.8h11.5M3 11.2h11.5",
  lock: "M5 8.2h8a1 1 0 0 1 1 1V14a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V9.2a1 1 0 0 1 1-1M6.2 8V6a2.8 2.8 0 0 1 5.6 0v2",
  more: "M4 9h.1M9 9h.1M14 9h.1",
  mute: "M4 13h7M5.4 8.4c0 2-.2 3.4-1.4 4.6M7 5.4a3.6 3.6 0 0 1 5.6 3c0 1 .1 1.9.3 2.6M7.6 15.2h2.8M3 3l12 12",
  people:
    "M7 3.4a2.6 2.6 0 1 0 0 5.2a2.6 2.6 0 1 0 0-5.2M2.5 15c.4-3 2.2-4.2 4.5-4.2s4.1 1.2 4.5 4.2M12 3.8a2.6 2.6 0 0 1 0 4.6M13.4 11c1.3.6 2 1.9 2.2 4",
  pin: "M6.5 3h5M7.5 3v4.5L5 10.5h8l-2.5-3V3M9 10.5V15",
  search: "M8 3.2a4.8 4.8 0 1 0 0 9.6a4.8 4.8 0 1 0 0-9.6M11.6 11.6 15 15",
  send: "M9 15V3.5M4 8.3 9 3.3l5 5",
  settings:
    "M3 5h6M13 5h2M3 9h1M8 9h7M3 13h7M14 13h1M11 3.3a1.7 1.7 0 1 0 0 3.4a1.7 1.7 0 1 0 0-3.4M6 7.3a1.7 1.7 0 1 0 0 3.4a1.7 1.7 0 1 0 0-3.4M12 11.3a1.7 1.7 0 1 0 0 3.4a1.7 1.7 0 1 0 0-3.4",
};

/** A drawing; whatever it stands in has the name. @param {{name: string}} props */
export const Icon = ({ name }) => html`
  <svg class="icon" viewBox="0 0 18 18" aria-hidden="true" focusable="false"><path d=${PATHS[name]} /></svg>`;
