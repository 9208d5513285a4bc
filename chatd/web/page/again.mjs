// @ts-check
/** What comes by itself comes in the end, also if it cannot be had when it is first needed. */

import { about, chat, connection, isOutdated } from "./state.mjs";
import { effect } from "./ui.mjs";

const LONGEST_MS = 15_000;

/** Whether the daemon is there, as far as it is known. */
const isReached = () => (chat.value ? connection.value.name === "ready" : Boolean(about.value));

/**
 * Try something until it works; resolves to what it gives.
 *
 * @template T @param {() => Promise<T>} act @returns {Promise<T>}
 */
export async function eventually(act) {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await act();
    } catch {
      await chance(attempt);
    }
  }
}

/**
 * Resolves when it may work: the daemon is there again, or a network; or some time has
 * passed, longer with each attempt, as a worker or a proxy may have come by what there was not.
 *
 * @param {number} attempt
 */
async function chance(attempt) {
  const over = new AbortController();
  /** @type {any} */
  let timer;
  let stop = () => {};
  await new Promise((/** @type {(value?: any) => void} */ resolve) => {
    let was = true;
    stop = effect(() => {
      const now = isReached();
      if (now && !was) resolve();
      was = now;
    });
    addEventListener("online", resolve, { signal: over.signal });
    const wait = Math.min(1000 * 2 ** attempt, LONGEST_MS) * (0.5 + Math.random() / 2);
    // A daemon that has another version has no files of this one, however often it is asked;
    // but for whoever is not in, nothing else tells that it is there.
    if (!chat.value || !isOutdated.value) timer = setTimeout(resolve, wait);
  });
  stop();
  clearTimeout(timer);
  over.abort();
}
