// @ts-check
/** Lists of messages that lie elsewhere, page by page; each leads to its place and back. */

import { open } from "./address.mjs";
import { hide } from "./dialog.mjs";
import { shownName } from "./names.mjs";
import { reason } from "./reasons.mjs";
import { chat, target } from "./state.mjs";
import { html, useEffect, useLayoutEffect, useRef, useState } from "./ui.mjs";
import { short } from "./when.mjs";
import { t } from "./words.later.mjs";
import { locale } from "./words.mjs";

/** @typedef {{messages: any[], next?: any, wrong?: string, isBusy?: boolean}} Pages */

/**
 * What a command lists, as far as it was asked for.
 *
 * @param {Record<string, any>|null} command Null asks for nothing.
 * @param {"after"|"next"} by In what a page's `next` is given back.
 * @param {Pages} [was] What was there when one left.
 * @param {(failure: any) => string} [explain] Why something was refused.
 * @returns {Pages & {more: () => Promise<void>, again: () => Promise<void>}}
 */
export function usePages(command, by, was, explain = reason) {
  const [pages, setPages] = useState(was ?? /** @type {Pages} */ ({ messages: [], isBusy: command !== null }));
  const before = useRef(was);
  /** Of answers that overtake each other the last one asked for holds. */
  const turn = useRef(0);
  /** @param {any[]} messages @param {any} [next] */
  async function load(messages, next) {
    turn.current += 1;
    const mine = turn.current;
    setPages((now) => ({ ...now, isBusy: true, wrong: undefined }));
    try {
      // A page may be empty and have others behind it.
      let found = messages;
      let place = next;
      do {
        const page = await chat.value?.command({ ...command, [by]: place });
        found = [...found, ...(page.messages ?? page.threads)];
        place = page.next;
      } while (place !== undefined && found.length === messages.length);
      if (mine === turn.current) setPages({ messages: found, next: place });
    } catch (failure) {
      if (mine === turn.current) setPages((now) => ({ ...now, isBusy: false, wrong: explain(failure) }));
    }
  }
  // What is deleted while one looks at the list leads nowhere any more.
  useEffect(
    () =>
      chat.value?.on("event", (event, { name }) => {
        if (event.type !== "delete" && !event.deleted) return;
        /** @param {any} one */
        const isIt = (one) => one.room === name && one.seq === event.of;
        setPages((now) =>
          now.messages.some(isIt)
            ? { ...now, messages: now.messages.map((one) => (isIt(one) ? { ...one, isGone: true } : one)) }
            : now,
        );
      }),
    [],
  );
  const key = JSON.stringify(command);
  useEffect(() => {
    if (command && !before.current) load([]);
    before.current = undefined;
    return () => {
      turn.current += 1;
    };
  }, [key]);
  return { ...pages, more: () => load(pages.messages, pages.next), again: () => load([]) };
}

/**
 * Show a message in its place, from which one comes back.
 *
 * @param {string} room @param {{seq: number, thread?: number}} message
 * @param {string} text What the way back is called. @param {() => void} back
 */
export function goTo(room, { seq, thread }, text, back) {
  hide();
  open(room, false, thread);
  target.value = { room, seq, thread, text, back };
}

/** From one row to another by the arrows. @param {any} event */
export function walk(event) {
  const rows = [...event.currentTarget.children].filter((row) => row.querySelector("button"));
  const at = rows.indexOf(event.target.closest("li"));
  /** @type {Record<string, number>} */
  const goals = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 };
  const goal = rows[goals[event.key]]?.querySelector("button");
  if (!goal) return;
  event.preventDefault();
  goal.focus();
}

/**
 * A list, and what leads on.
 *
 * @param {{pages: ReturnType<typeof usePages>, none: string, row: (message: any) => any, isBack?: boolean}} props
 *   `row` draws a message; with `isBack` one has come back to what is marked in the list.
 */
export function List({ pages, none, row, isBack }) {
  const { messages, next, wrong, isBusy, more } = pages;
  const box = useRef(/** @type {any} */ (null));
  const had = useRef(0);
  useLayoutEffect(() => {
    const rows = box.current;
    // Where "Show more" goes, one is at what it has shown; all else is the page's (`focus.mjs`).
    if (document.activeElement === document.body) rows.children[had.current]?.querySelector("button")?.focus();
    if (isBack) rows.querySelector("[data-first]")?.focus();
    had.current = messages.length;
  }, [messages.length]);
  return html`
    <ul class="directory found" ref=${box} aria-busy=${Boolean(isBusy)} onKeyDown=${walk}>${messages.map(row)}</ul>
    ${!messages.length && !isBusy && !wrong && html`<p class="quiet">${none}</p>`}
    ${isBusy && html`<p class="quiet" role="status">${t("loading")}</p>`}
    ${wrong && html`<p class="wrong" role="alert">${wrong}</p>`}
    ${next !== undefined && html`<p class="center"><button type="button" class="plain" aria-disabled=${isBusy} onClick=${() => isBusy || more()}>${t("showMore")}</button></p>`}`;
}

/**
 * One message of a list.
 *
 * @param {{message: any, where?: string, text: any, go: () => void, isFirst: boolean, label?: string, children?: any}} props
 *   `label` is what leads there.
 */
export const Found = ({ message, where, text, go, isFirst, label = t("showThere"), children }) => html`
  <li class=${message.isGone ? "" : "leads"} onClick=${(/** @type {any} */ { target }) =>
    // Its button is what leads there; who sees the row may press any of it.
    !message.isGone && !target.closest("button") && getSelection()?.isCollapsed && go()}>
    <span class="names">
      <span><bdi class="who">${shownName(message.from)}</bdi> <small>${where && html`<bdi>${where}</bdi> · `}${short(Date.parse(message.ts), locale)}</small></span>
      ${message.isGone ? html`<span class="text quiet" role="status">${t("deletedMeanwhile")}</span>` : html`<span class="text" dir="auto">${text}</span>`}
    </span>
    <span class="pair">
      ${!message.isGone && html`<button type="button" class="small plain" data-first=${isFirst || undefined} onClick=${go}>${label}</button>`}
      ${children}
    </span>
  </li>`;
