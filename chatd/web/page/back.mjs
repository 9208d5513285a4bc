// @ts-check
/**
 * The browser's "back" puts away what lies over the page, the topmost first.
 *
 * For each thing that lies over another the browser's history has an entry with the address
 * of the page below. What is put away otherwise leaves its entry behind, as going back takes
 * time in which somebody may have gone elsewhere: the next thing that comes over the page
 * has it, or the next room (`open`), and "back" passes over it. "Forward" to it does nothing.
 */

import { trail } from "./address.mjs";
import { useLayoutEffect, useRef } from "./ui.mjs";

/** What puts away each thing that lies over the page, the topmost last. @type {(() => void)[]} */
const layers = [];
/** The address of the entry that was left last. */
let { href } = location;
trail.over = history.state?.over ?? 0;

/**
 * Have "back" put a view away, as long as it is there.
 *
 * @param {() => void} close @param {boolean} [isOver] Whether it lies over something.
 */
export function useLayer(close, isOver = true) {
  const latest = useRef(close);
  latest.current = close;
  useLayoutEffect(() => {
    if (!isOver) return;
    const layer = () => latest.current();
    layers.push(layer);
    if (layers.length > trail.over) {
      trail.over = layers.length;
      history.pushState({ ...history.state, over: trail.over }, "");
    }
    ({ href } = location);
    return () => {
      if (layers.includes(layer)) layers.splice(layers.indexOf(layer), 1);
    };
  }, []);
}

addEventListener("popstate", ({ state }) => {
  const [was, { length }] = [trail.over, layers];
  const isSame = location.href === href;
  trail.over = state?.over ?? 0;
  ({ href } = location);
  if (was <= trail.over) return;
  while (layers.length > trail.over) layers.pop()?.();
  if (length < was && isSame) history.back();
});
