// @ts-check
/** Whom one blocks. */

import { Act } from "./act.mjs";
import { shownName } from "./names.mjs";
import { pages } from "./pages.mjs";
import { reason } from "./reasons.mjs";
import { chat } from "./state.mjs";
import { say } from "./tell.mjs";
import { html, useEffect, useState } from "./ui.mjs";
import { t } from "./words.later.mjs";

/**
 * Whom one blocks, and what changes that.
 *
 * @returns {{blocked: Set<string>|null, wrong: string, set: (user: string, on: boolean) => Promise<void>}}
 */
export function useBlocks() {
  const [blocked, setBlocked] = useState(/** @type {Set<string>|null} */ (null));
  const [wrong, setWrong] = useState("");
  useEffect(() => {
    if (chat.value?.role === "guest") return;
    const load = async () => {
      /** @type {Set<string>} */
      const found = new Set();
      for await (const page of pages({ type: "blocks" })) for (const name of page.users) found.add(name);
      setBlocked(found);
    };
    load().catch((failure) => setWrong(reason(failure)));
  }, []);
  /** @param {string} user @param {boolean} on */
  const set = async (user, on) => {
    await chat.value?.command({ type: on ? "block" : "unblock", user });
    setBlocked((was) => new Set(on ? [...(was ?? []), user] : [...(was ?? [])].filter((one) => one !== user)));
    say(t(on ? "isBlocked" : "isUnblocked", { name: shownName(user) }));
  };
  return { blocked, wrong, set };
}

/** Blocking somebody, or no longer. @param {{name: string, blocks: ReturnType<typeof useBlocks>, isLabelled?: boolean}} props */
export function Block({ name, blocks, isLabelled }) {
  const { blocked, set } = blocks;
  const [wrong, setWrong] = useState("");
  if (!blocked) return null;
  const shown = shownName(name);
  const label = (/** @type {string} */ word) => (isLabelled ? `${word}: ${shown}` : undefined);
  if (!blocked.has(name))
    return html`<${Act} label=${t("block")} name=${label(t("block"))} text=${t("blockSure", { name: shown })} act=${() => set(name, true)} />`;
  const unblock = () => set(name, false).catch((failure) => setWrong(reason(failure)));
  return html`<button type="button" class="plain" aria-label=${label(t("unblock"))} onClick=${unblock}>${t("unblock")}</button>
    ${wrong && html`<p class="wrong" role="alert">${wrong}</p>`}`;
}

/** The list of them, in the settings. */
export function Blocks() {
  const blocks = useBlocks();
  const { blocked, wrong } = blocks;
  const names = [...(blocked ?? [])].sort((one, two) => shownName(one).localeCompare(shownName(two)));
  return html`
    <div tabindex="-1">
      <p class="quiet">${names.length ? t("blocksHint") : t("blocksNone")}</p>
      <ul class="directory" aria-busy=${!blocked && !wrong}>
        ${names.map(
          (name) => html`
          <li key=${name}><span class="names"><bdi>${shownName(name)}</bdi>${shownName(name) !== name && html`<small>@${name}</small>`}</span>
            <${Block} name=${name} blocks=${blocks} isLabelled /></li>`,
        )}
      </ul>
      ${wrong && html`<p class="wrong" role="alert">${wrong}</p>`}
    </div>`;
}
