// @ts-check
/** Searching what was said, in the query language of the protocol, with help to write it. */

import { roomOf } from "./client.mjs";
import { show, showLoaded } from "./dialog.mjs";
import { Found, goTo, List, usePages } from "./found.mjs";
import { Dialog } from "./modal.mjs";
import { displays, partner, roomName, shownName } from "./names.mjs";
import { reason } from "./reasons.mjs";
import { chat, here } from "./state.mjs";
import { html, useLayoutEffect, useRef, useState } from "./ui.mjs";
import { t } from "./words.later.mjs";

const MOST_CHOICES = 8;
/** What a query may say beside words. */
const FILTERS = ["from:", "in:", "after:", "before:"];

/** Why a search was refused. @param {any} failure */
function explain(failure) {
  if (failure.code === "bad_field") return t("badQuery");
  return failure.code === "unavailable" && failure.field === "query" ? t("searchSlow") : reason(failure);
}

/** What one may have begun to write: where it begins, and its parts. @param {string} text @param {number} caret */
function begun(text, caret) {
  const found = /(?:^|\s)((from|in|after|before):(\S*))$/.exec(text.slice(0, caret));
  return found && { at: caret - found[1].length, filter: found[2], typed: found[3].toLowerCase() };
}

/** Whom or what a filter may name, and how it is shown. @param {string} filter @returns {[string, string][]} */
function known(filter) {
  const rooms = [...(chat.value?.rooms.values() ?? [])];
  if (filter === "in") return rooms.map(({ name }) => [name, roomName(name)]);
  if (filter !== "from") return [];
  const names = new Set([chat.value?.user ?? "", ...displays.keys()]);
  for (const room of rooms) for (const name of [partner(room.name), ...(room.people?.keys() ?? [])]) names.add(name);
  return [...names].filter(Boolean).map((name) => [name, shownName(name)]);
}

/** A line with the words that were found in it. @param {{snippet: string, hits?: number[][]}} message */
function marked({ snippet, hits = [] }) {
  const chars = Array.from(snippet);
  /** @type {any[]} */
  const parts = [];
  let at = 0;
  for (const [from, to] of hits) {
    parts.push(chars.slice(at, from).join(""), html`<mark>${chars.slice(from, to).join("")}</mark>`);
    at = to;
  }
  return [...parts, chars.slice(at).join("")];
}

/** @typedef {{query: string, pages: import("./found.mjs").Pages, from: string}} Left What was there when one left. */

/** The dialog. @param {{was?: Left}} props */
export function Search({ was }) {
  const [typed, setTyped] = useState(was?.query ?? "");
  const [query, setQuery] = useState(was?.query ?? "");
  const [caret, setCaret] = useState(typed.length);
  const [wanted, setWanted] = useState(/** @type {number|null} */ (typed.length));
  const box = useRef(/** @type {any} */ (null));
  const list = useRef(/** @type {any} */ (null));
  const pages = usePages(query ? { type: "search", query } : null, "next", was?.pages, explain);

  // Where one goes on to write after something was put in.
  useLayoutEffect(() => {
    if (wanted === null) return;
    box.current.setSelectionRange(wanted, wanted);
    setWanted(null);
  }, [wanted]);

  /** Put something in the place of what is there. @param {number} from @param {number} to @param {string} text @param {number} [inside] */
  const put = (from, to, text, inside = text.length) => {
    setTyped(typed.slice(0, from) + text + typed.slice(to));
    setCaret(from + inside);
    setWanted(from + inside);
    box.current.focus();
  };
  /** Put a filter behind what is there. @param {string} filter */
  const add = (filter) => put(typed.length, typed.length, (typed && !typed.endsWith(" ") ? " " : "") + filter);
  const quote = () => {
    const space = typed && !typed.endsWith(" ") ? " " : "";
    put(typed.length, typed.length, `${space}""`, space.length + 1);
  };

  const part = begun(typed, caret);
  const choices = part
    ? known(part.filter)
        .filter(([name, shown]) => name !== part.typed && `${name} ${shown}`.toLowerCase().includes(part.typed))
        .slice(0, MOST_CHOICES)
    : [];
  /** @param {string} name */
  const choose = (name) => part && put(part.at, caret, `${part.filter}:${name} `);

  /** @param {any} event */
  const onKeyDown = (event) => {
    const steps = { ArrowDown: 1, ArrowUp: -1 }[/** @type {"ArrowDown"} */ (event.key)];
    const buttons = [...(list.current?.querySelectorAll("button") ?? [])];
    if (!steps) return;
    if (!buttons.length) {
      // Nothing is suggested: down there is what was found.
      const first = steps > 0 && event.currentTarget.parentElement.querySelector(".found button");
      if (!first) return;
      event.preventDefault();
      first.focus();
      return;
    }
    event.preventDefault();
    const goal = buttons.indexOf(document.activeElement) + steps;
    (buttons[Math.min(goal, buttons.length - 1)] ?? box.current).focus();
  };
  /** @param {Event} event */
  const submit = (event) => {
    event.preventDefault();
    if (typed.trim() === query) pages.again();
    setQuery(typed.trim());
  };
  /** @param {any} message */
  const go = (message) => {
    const left = {
      query,
      pages: { messages: pages.messages, next: pages.next },
      from: `${message.room} ${message.seq}`,
    };
    goTo(message.room, message, t("backToResults"), () => show(html`<${Search} was=${left} />`));
  };
  const open = roomOf(here.value);
  const toDay = () => open && showLoaded(async () => (await import("./day.mjs")).dayOf(/** @type {any} */ (open)));
  const isPast = was && query === was.query;
  return html`
    <${Dialog} title=${t("search")} wide>
      <form class="search" role="search" onSubmit=${submit} onKeyDown=${onKeyDown}>
        <div class="pair">
          <input ref=${box} type="search" aria-label=${t("searchHint")} placeholder=${t("searchHint")} data-first=${!was || undefined} autocomplete="off" dir="auto"
            autocapitalize="none" spellcheck=${false} maxlength="256" value=${typed} aria-describedby="search-help"
            onInput=${(/** @type {any} */ event) => {
              setTyped(event.target.value);
              setCaret(event.target.selectionStart);
            }} onSelect=${(/** @type {any} */ event) => setCaret(event.target.selectionStart)} />
          <button type="submit" class="primary" disabled=${!typed.trim()}>${t("search")}</button>
        </div>
        <div class="pair filters" role="group" aria-label=${t("searchFilters")}>
          ${open && html`<button type="button" class="small plain" onClick=${() => add(`in:${open.name} `)}>${t("searchHere", { room: roomName(open.name) })}</button>`}
          <button type="button" class="small plain" onClick=${() => add(FILTERS[0])}>${t("searchFrom")}</button>
          <button type="button" class="small plain" onClick=${() => add(FILTERS[1])}>${t("searchIn")}</button>
          <button type="button" class="small plain" onClick=${() => add(FILTERS[2])}>${t("searchAfter")}</button>
          <button type="button" class="small plain" onClick=${() => add(FILTERS[3])}>${t("searchBefore")}</button>
          <button type="button" class="small plain" onClick=${quote}>${t("searchPhrase")}</button>
          ${open && html`<button type="button" class="small plain" onClick=${toDay}>${t("dayGo")}</button>`}
        </div>
        ${
          part && /after|before/.test(part.filter)
            ? html`<label class="field"><span>${part.filter === "after" ? t("searchAfter") : t("searchBefore")}</span>
              <input type="date" onChange=${(/** @type {any} */ event) => event.target.value && choose(event.target.value)} /></label>`
            : choices.length > 0 &&
              html`<ul class="choices" ref=${list} aria-label=${t("searchChoices")}>${choices.map(
                ([name, shown]) =>
                  html`<li key=${name}><button type="button" onClick=${() => choose(name)}><bdi>${shown}</bdi>${name !== shown && html`<small class="quiet"><bdi>${name}</bdi></small>`}</button></li>`,
              )}</ul>`
        }
        <p id="search-help" class="quiet">${t("searchHelp")}</p>
      </form>
      <${List} key=${query} isBack=${Boolean(isPast)} pages=${pages} none=${query ? t("searchNone") : ""} row=${(
        /** @type {any} */ message,
        /** @type {number} */ index,
      ) => {
        const id = `${message.room} ${message.seq}`;
        return html`<${Found} key=${id} message=${message} where=${roomName(message.room)} text=${marked(message)}
          go=${() => go(message)} isFirst=${isPast ? id === was.from : !was && index < 0} />`;
      }} />
    <//>`;
}
