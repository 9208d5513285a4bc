// @ts-check
/** What the views are made of, from one place. */

import * as hooks from "../vendor/hooks.mjs";
import htm from "../vendor/htm.mjs";
import * as preact from "../vendor/preact.mjs";
import * as signals from "../vendor/signals.mjs";

export const { useEffect, useLayoutEffect, useRef, useState } = /** @type {typeof import("preact/hooks")} */ (
  /** @type {any} */ (hooks)
);
export const { Component, h, render } = /** @type {typeof import("preact")} */ (/** @type {any} */ (preact));
export const { batch, effect, signal } = /** @type {typeof import("@preact/signals")} */ (/** @type {any} */ (signals));

/** Templates as HTML is written; what is put in is text or nodes, never markup. */
export const html = /** @type {typeof import("htm")["default"]} */ (/** @type {any} */ (htm)).bind(h);

/** The names of those classes whose condition holds. @param {Record<string, any>} classes */
export const only = (classes) =>
  Object.keys(classes)
    .filter((name) => classes[name])
    .join(" ");
