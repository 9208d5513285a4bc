// @ts-check
/** The style and the drawings of what is loaded later. */

import { PATHS } from "./icons.mjs";

Object.assign(PATHS, {
  check: "M3.5 9.5 7.5 13.5 14.5 5",
  close: "M4.5 4.5l9 9M13.5 4.5l-9 9",
  down: "M9 3.5v11M4.5 10 9 14.5 13.5 10",
  link: "M7.5 10.5l3-3M8 5.6l1.7-1.7a3.1 3.1 0 0 1 4.4 4.4L12.4 10M10 12.4l-1.7 1.7a3.1 3.1 0 0 1-4.4-4.4L5.6 8",
  reply: "M7.5 4 3 8.5 7.5 13M3.5 8.5H10c3 0 5 1.8 5 5.5",
  thread: "M3 3.5h12v8.7H8.2L5 15v-2.8H3zM6 6.6h6M6 9.2h4",
  trash: "M3.5 5h11M7 5V3.5h4V5M5 5l.6 9.5h6.8L13 5M7.5 7.8v4M10.5 7.8v4",
  unread: "M3.5 9H8M9.5 9h.1M3.5 5h11M3.5 13h11M13 7.2a1.8 1.8 0 1 0 0 3.6a1.8 1.8 0 1 0 0-3.6",
  up: "M9 14.5v-11M4.5 8 9 3.5 13.5 8",
  warn: "M9 3 2.5 14.5h13zM9 7.5v3.3M9 12.6v.1",
});

/** @type {Promise<any>|undefined} */
let styling;

/** Resolves once the style is there. */
export function styled() {
  styling ??= new Promise((resolve, reject) => {
    const sheet = document.createElement("link");
    sheet.rel = "stylesheet";
    sheet.href = new URL("later.css", import.meta.url).href;
    sheet.onload = resolve;
    sheet.onerror = () => {
      // The next who needs it asks again.
      sheet.remove();
      styling = undefined;
      reject(new Error("no style"));
    };
    document.head.append(sheet);
  });
  return styling;
}
