// @ts-check
/** Has the browser keep the page's files, so that it starts without the daemon (`worker.mjs`). */

import { home } from "./state.mjs";

/** As the browser has it that knows them; the policy of the page (CSP) names this one. @type {any} */
const types = /** @type {any} */ (globalThis).trustedTypes;
const url = new URL("worker.mjs", import.meta.url).href;
/** The only policy there is, and all that it lets through. */
const policy = types?.createPolicy("worker", { createScriptURL: () => url });

/** Start the worker of this version, in place of that of another; where there is none, nothing is done. */
export const keepFiles = () => navigator.serviceWorker?.register(policy?.createScriptURL("") ?? url, { scope: home });
