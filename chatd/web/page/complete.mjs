// @ts-check
/**
 * What is being written, completed: names behind `@`, rooms behind `#`, emoji behind `:`.
 *
 * A list above the box offers what fits. The keys that choose from it are taken only
 * while it is there, and never from an input method. Nothing is replaced but what was
 * chosen, or a short code that was closed (`:tada:`), and the browser can undo that as
 * it undoes what was typed.
 */

import { Avatar } from "./avatar.mjs";
import { byCode, emojis, remember, tone, toned } from "./emojis.mjs";
import { Icon } from "./icons.mjs";
import { roomName, shownName } from "./names.mjs";
import { pages } from "./pages.mjs";
import { chat } from "./state.mjs";
import { closedAt, tokenAt } from "./token.mjs";
import { html, useEffect, useLayoutEffect, useRef, useState } from "./ui.mjs";
import { t } from "./words.later.mjs";

/** @typedef {import("./chatd.mjs").Room} Room */
/** @typedef {{key: string, text: string, icon: any, label: any, note?: string}} Choice */

const MOST = 6;
const MOST_MEMBERS = 2000;

/** Put a text in the place of another, as if it were typed. @param {any} field @param {number} from @param {number} to @param {string} text */
function replace(field, from, to, text) {
  field.focus();
  field.setSelectionRange(from, to);
  // Deprecated, and the only way that the browser can undo.
  if (document.execCommand("insertText", false, text)) return;
  field.setRangeText(text, from, to, "end");
  field.dispatchEvent(new InputEvent("input", { bubbles: true }));
}

/** Those of a room who are not online too. @param {Room} room @param {Map<string, string>} names To be filled, with what they are called. */
async function learn(room, names) {
  for await (const { users } of pages({ type: "who", room: room.name, all: true })) {
    for (const { name, display = "" } of users) names.set(name, display);
    if (names.size >= MOST_MEMBERS) return;
  }
}

/** Whether one's `@all` addresses everybody. @param {Room} room */
const mayAll = (room) => !room.name.startsWith("@") && (room.role !== "member" || chat.value?.role === "admin");

/**
 * Who fits to what is typed: by the beginning of a name before what is in its middle, who
 * spoke last before others.
 *
 * @param {Room} room @param {Map<string, string>} members @param {string} query @param {string} mark
 * @returns {Choice[]}
 */
function people(room, members, query, mark) {
  const wanted = query.normalize("NFKC").toLowerCase();
  const names = new Set([...members.keys(), ...(room.people?.keys() ?? [])]);
  /** @type {Map<string, number>} */
  const spoke = new Map();
  for (const { from, seq } of room.messages) if (from) spoke.set(from, seq);
  for (const name of spoke.keys()) if (!members.size) names.add(name);
  names.delete(chat.value?.user ?? "");
  /** @type {{name: string, shown: string, rank: number}[]} */
  const found = [];
  for (const name of names) {
    const shown = (!name.includes("~") && members.get(name)) || shownName(name);
    const low = shown.toLowerCase();
    const words = /** @type {string[]} */ (low.split(/\s+/));
    const rank = name.startsWith(wanted)
      ? 0
      : words.some((word) => word.startsWith(wanted))
        ? 1
        : name.includes(wanted) || low.includes(wanted)
          ? 2
          : 3;
    if (rank < 3) found.push({ name, shown, rank });
  }
  found.sort(
    (one, two) =>
      one.rank - two.rank ||
      (spoke.get(two.name) ?? 0) - (spoke.get(one.name) ?? 0) ||
      one.name.localeCompare(two.name),
  );
  const choices = found.slice(0, MOST).map(({ name, shown }) => ({
    key: name,
    text: mark + name,
    icon: html`<${Avatar} small name=${name} shown=${shown} />`,
    label: shown,
    note: shown === name ? "" : `@${name}`,
  }));
  if (mayAll(room) && "all".startsWith(wanted)) {
    const all = {
      key: "all",
      text: `${mark}all`,
      icon: html`<span class="hash">@</span>`,
      label: "all",
      note: t("everybody"),
    };
    // Who only asks who is here does not mean everybody.
    if (wanted) choices.unshift(all);
    else choices.push(all);
  }
  return choices.slice(0, MOST);
}

/** The rooms that one is in and others can find, those that begin so before others. @param {string} query @returns {Choice[]} */
function rooms(query) {
  const wanted = query.normalize("NFKC").toLowerCase();
  const all = [...(chat.value?.rooms.keys() ?? [])].filter((name) => !/^[~@]/.test(name)).sort();
  const found = all.filter((name) => `${name} ${roomName(name).toLowerCase()}`.includes(wanted));
  found.sort((one, two) => Number(two.startsWith(wanted)) - Number(one.startsWith(wanted)));
  return found.slice(0, MOST).map((name) => ({
    key: name,
    text: `#${name}`,
    icon: html`<${Icon} name="hash" />`,
    label: name,
    note: roomName(name) === name ? "" : roomName(name),
  }));
}

/** @param {import("./emojis.mjs").Emoji[]} all @param {string} query @returns {Choice[]} */
const pictures = (all, query) =>
  byCode(all, query, MOST).map(({ one, code }) => ({
    key: one.char,
    text: toned(one, tone()),
    icon: html`<span class="picture">${toned(one, tone())}</span>`,
    label: `:${code}:`,
    note: one.label,
  }));

/**
 * What belongs to the box in which one writes.
 *
 * @param {{box: {current: any}, text: string, room: Room}} props
 */
export function Completion({ box, text, room }) {
  const [token, setToken] = useState(/** @type {import("./token.mjs").Token|null} */ (null));
  const [active, setActive] = useState(0);
  const [all, setAll] = useState(/** @type {import("./emojis.mjs").Emoji[]} */ ([]));
  const [members, setMembers] = useState(/** @type {Map<string, string>} */ (new Map()));
  /** Where Esc was pressed: nothing is offered there again. */
  const refused = useRef(-1);
  const list = useRef(/** @type {any} */ (null));

  const choices = !token
    ? []
    : token.kind === "code"
      ? pictures(all, token.query)
      : token.kind === "room"
        ? rooms(token.query)
        : people(room, members, token.query, text[token.from] ?? "@");
  const chosen = choices[Math.min(active, choices.length - 1)];
  const isOpen = Boolean(chosen);

  /** Look what stands before the caret now. */
  const look = () => {
    const { selectionStart, selectionEnd, value } = box.current;
    const isThere = selectionStart === selectionEnd && document.activeElement === box.current;
    const found = isThere ? tokenAt(value, selectionStart) : null;
    if (found?.from !== refused.current) refused.current = -1;
    if (found?.query !== token?.query || found?.from !== token?.from) setActive(0);
    setToken(refused.current < 0 ? found : null);
  };

  /** Replace a short code that was just closed. */
  const close = async () => {
    const { selectionStart, value } = box.current;
    const found = closedAt(value, selectionStart);
    if (!found) return;
    const one = (await emojis()).find(({ codes }) => codes.includes(found.query));
    // Meanwhile one may have gone on.
    if (one && box.current?.value.slice(found.from, found.to) === value.slice(found.from, found.to)) {
      const caret = box.current.selectionStart;
      const char = toned(one, tone());
      replace(box.current, found.from, found.to, char);
      const end = caret + char.length - (found.to - found.from);
      box.current.setSelectionRange(end, end);
      remember(char);
    }
  };

  /** @param {Choice} choice */
  const accept = (choice) => {
    if (!token) return;
    const isBefore = /^\s/.test(text.slice(token.to));
    replace(box.current, token.from, token.to, choice.text + (isBefore ? "" : " "));
    if (token.kind === "code") remember(choice.text);
    setToken(null);
  };

  /** @param {KeyboardEvent} event */
  const onKeyDown = (event) => {
    // What an input method does with a key is its own.
    if (!isOpen || !token || event.isComposing || event.keyCode === 229) return;
    if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
    const { key } = event;
    const steps = /** @type {Record<string, number>} */ ({ ArrowDown: 1, ArrowUp: -1 });
    if (key in steps) setActive((Math.min(active, choices.length - 1) + steps[key] + choices.length) % choices.length);
    else if (key === "Escape") {
      refused.current = token.from;
      setToken(null);
    } else if (key === "Enter" && chosen.text.toLowerCase() === text.slice(token.from, token.to).toLowerCase()) {
      // It stands there already: Enter sends.
      return setToken(null);
    } else if (key === "Enter" || key === "Tab") accept(chosen);
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  };

  const latest = useRef({ look, close, onKeyDown });
  latest.current = { look, close, onKeyDown };

  useLayoutEffect(look, [text]);

  useEffect(() => {
    const field = box.current;
    field.setAttribute("aria-autocomplete", "list");
    const seen = () => latest.current.look();
    const typed = (/** @type {any} */ event) => {
      // Not what was pasted, nor what an undo has brought back.
      const isTyped = event.type === "compositionend" || (event.inputType === "insertText" && !event.isComposing);
      if (isTyped && event.data?.endsWith(":")) tell(latest.current.close());
    };
    const pressed = (/** @type {any} */ event) => latest.current.onKeyDown(event);
    const away = () => setToken(null);
    field.addEventListener("keydown", pressed, true);
    field.addEventListener("input", typed);
    field.addEventListener("compositionend", typed);
    for (const kind of ["keyup", "click", "focus", "compositionend"]) field.addEventListener(kind, seen);
    field.addEventListener("blur", away);
    // The first code may be closed by now.
    tell(latest.current.close());
    return () => {
      field.removeEventListener("keydown", pressed, true);
      field.removeEventListener("input", typed);
      field.removeEventListener("compositionend", typed);
      for (const kind of ["keyup", "click", "focus", "compositionend"]) field.removeEventListener(kind, seen);
      field.removeEventListener("blur", away);
    };
  }, []);

  const kind = token?.kind;
  useEffect(() => {
    if (kind === "code" && !all.length) tell(emojis().then(setAll));
    if (kind !== "name" || members.size) return;
    /** @type {Map<string, string>} */
    const found = new Map();
    tell(learn(room, found).then(() => setMembers(found)));
  }, [kind]);

  const at = choices.indexOf(chosen);
  useLayoutEffect(() => {
    const field = box.current;
    if (isOpen) {
      field.setAttribute("aria-controls", "completions");
      field.setAttribute("aria-activedescendant", `completion-${at}`);
      list.current?.children[at]?.scrollIntoView({ block: "nearest" });
    } else {
      field.removeAttribute("aria-controls");
      field.removeAttribute("aria-activedescendant");
    }
  }, [isOpen, at]);

  return html`
    <span class="hear" role="status">${isOpen && t("nCompletions", { n: choices.length })}</span>
    ${
      isOpen &&
      html`
      <ul class="completions" id="completions" role="listbox" aria-label=${t("completions")} ref=${list}
        onMouseDown=${(/** @type {Event} */ event) => event.preventDefault()}>
        ${choices.map(
          (choice, index) => html`
          <li role="option" key=${choice.key} id=${`completion-${index}`} aria-selected=${choice === chosen} onClick=${() => accept(choice)}>
            ${choice.icon}<bdi>${choice.label}</bdi>${choice.note && html`<small dir="auto">${choice.note}</small>`}
          </li>`,
        )}
      </ul>`
    }`;
}

/** Without what could not be loaded one types on; the next time it is asked for again. @param {Promise<any>} done */
const tell = (done) => done.catch(() => {});
