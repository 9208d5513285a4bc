// @ts-check
/** Lists that the daemon gives in pages. */

import { chat } from "./state.mjs";

/**
 * Ask for one page of a list after the other, as long as there are and somebody wants them.
 *
 * @param {Record<string, any>} command Without `after`.
 * @param {any} [after] Behind what the first page is to begin.
 * @returns {AsyncGenerator<Record<string, any>>}
 */
export async function* pages(command, after) {
  do {
    /** @type {any} */
    const page = await chat.value?.command({ ...command, after });
    yield page;
    after = page.next;
  } while (after !== undefined);
}

/** All public rooms, or the first thousand. @returns {Promise<Record<string, any>[]>} */
export async function everyRoom() {
  /** @type {Record<string, any>[]} */
  const found = [];
  for await (const page of pages({ type: "rooms" })) {
    found.push(...page.rooms);
    if (found.length >= 1000) break;
  }
  return found;
}
