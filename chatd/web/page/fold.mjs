// @ts-check
/** What can be folded up. */

import { html, useState } from "./ui.mjs";

/**
 * Open or not as its reader has left it, whatever comes meanwhile.
 * @param {{title: any, isOpen?: boolean, children?: any}} props `isOpen` holds until he has said something.
 */
export function Fold({ title, isOpen = false, children }) {
  const [said, setSaid] = useState(/** @type {boolean|null} */ (null));
  const shows = said ?? isOpen;
  /** @param {Event} event */
  const turn = (event) => {
    event.preventDefault();
    setSaid(!shows);
  };
  return html`<details open=${shows}><summary onClick=${turn}>${title}</summary>${children}</details>`;
}
