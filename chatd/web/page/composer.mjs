// @ts-check
/** Where one writes: a draft for each room, an answer, or a message anew. */

import { later, lazy, loaded, Picker } from "./dialog.mjs";
import { Icon } from "./icons.mjs";
import { draft, keepDraft, onDraft } from "./kept.mjs";
import { isGoing, textOf, writing } from "./message.mjs";
import { partner, roomName, shownName } from "./names.mjs";
import { chat, connection, touched } from "./state.mjs";
import { html, only, useEffect, useLayoutEffect, useRef, useState } from "./ui.mjs";
import { t } from "./words.mjs";

/** @typedef {import("./chatd.mjs").Room} Room */

const TALLEST_PX = 220;

/** Who else is writing: its line is always there. */
const Typing = lazy(
  async () => (await import("./typing.mjs")).Typing,
  () => html`<p class="typing" role="status"></p>`,
);

/** To what one writes an answer, or that one writes a message anew. */
const Task = lazy(async () => (await import("./task.mjs")).Task);

/** Who was addressed and is not told. */
const Unreached = lazy(async () => (await import("./unreached.mjs")).Unreached);

/** Whether one may not write, or not for a while. */
const Closed = lazy(async () => (await import("./closed.mjs")).Closed);

/** @param {{name: string, room: any}} props A room, or the thread of it in which one writes. */
export function Composer({ name, room }) {
  touched(name);
  const box = useRef(/** @type {any} */ (null));
  /** @type {number|undefined} */
  const thread = room.within;
  const place = thread ? `${name} ${thread}` : name;
  const [text, setText] = useState(() => draft(place));
  const [isPicking, setPicking] = useState(false);
  const [why, setWhy] = useState("");
  const [Completion, setCompletion] = useState(/** @type {any} */ (null));
  const current = () => (writing.value?.room === name && writing.value.thread === thread ? writing.value : null);
  const task = current();
  const subject = task && room.message(task.seq);
  const said = subject && textOf(room.room ?? room, subject);
  const most = chat.value?.welcome.limits?.text_chars ?? 4000;
  const length = [...text].length;

  useLayoutEffect(() => {
    const { style } = box.current;
    style.height = "auto";
    style.height = `${Math.min(box.current.scrollHeight, TALLEST_PX)}px`;
  }, [text]);

  // With a keyboard one goes on writing; on a phone it would cover half.
  useLayoutEffect(() => {
    if (matchMedia("(pointer: fine)").matches) box.current.focus();
  }, []);

  // To edit puts the text of then here; the draft comes back afterwards.
  useLayoutEffect(() => {
    if (task?.kind === "edit") setText(task.text ?? said ?? "");
    if (task) box.current.focus();
    return () => {
      if (task?.kind === "edit") setText(draft(place));
    };
  }, [task]);

  // What another window has comes here, too, but not in place of what was typed here.
  const isTyped = useRef(false);
  useEffect(
    () =>
      onDraft(place, (was, now) => {
        if (isTyped.current && now && !now.startsWith(was)) return;
        setText((here) => (here === was ? now : here));
      }),
    [],
  );

  /** @param {string} value */
  const write = (value) => {
    isTyped.current = value !== "";
    setText(value);
    if (!Completion && /[@＠:#]/.test(value))
      later(async () => (await import("./complete.mjs")).Completion).then(
        (View) => setCompletion(() => View),
        () => {},
      );
    const now = current();
    if (now?.kind === "edit") {
      now.text = value;
      return;
    }
    keepDraft(place, value);
    room.type(Boolean(value));
  };

  /** @param {any} [event] */
  const send = (event) => {
    event?.preventDefault();
    const isEdit = task?.kind === "edit";
    if ((!isEdit && !text.trim()) || length > most || why) return;
    if (isEdit) {
      // To leave nothing is to delete.
      if (!text.trim())
        loaded(
          async () => (await import("./undo.mjs")).remove,
          (remove) => remove(room.room ?? room, task.seq),
        );
      else if (text !== said) chat.value?.post({ type: "edit", room: name, of: task.seq, text });
    } else if (thread) {
      chat.value?.post({ type: "send", room: name, text, reply_to: task?.seq ?? thread, thread: true });
    } else if (chat.value?.rooms.has(name) || !partner(name)) chat.value?.send(name, text, { replyTo: task?.seq });
    else chat.value?.sendTo(partner(name), text);
    if (!isEdit) {
      keepDraft(place, "");
      setText("");
    }
    writing.value = null;
    box.current.focus();
  };

  const cancel = () => {
    writing.value = null;
    box.current.focus();
  };

  /** @param {any} event */
  const onKeyDown = (event) => {
    // Enter that ends a composition (Japanese, Chinese, …) is not one's own.
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey || !(event.shiftKey || event.altKey))) send(event);
    else if (event.key === "Escape" && task) {
      event.preventDefault();
      cancel();
    } else if (event.key === "ArrowUp" && !text && task?.kind !== "edit") {
      const own = room.messages.findLast(
        (/** @type {any} */ one) =>
          one.thread === thread &&
          one.from === chat.value?.user &&
          !(one.deleted || isGoing(room.room ?? room, one.seq)),
      );
      if (own) {
        event.preventDefault();
        writing.value = { kind: "edit", room: name, seq: own.seq, thread };
      }
    }
  };

  /** @param {string} emoji */
  const insert = (emoji) => {
    const { current } = box;
    current.setRangeText(emoji, current.selectionStart, current.selectionEnd, "end");
    write(current.value);
    setPicking(false);
    current.focus();
  };

  const isOffline = connection.value.name === "offline";
  const label =
    room.inviting ??
    t("write", { room: partner(name) || name.startsWith("~") ? roomName(name) : `#${roomName(name)}` });
  return html`
    <form class="composer" onSubmit=${send}>
      ${isPicking && html`<${Picker} pick=${insert} close=${() => setPicking(false)} />`}
      <${Typing} room=${room} /><${Closed} room=${room} tell=${setWhy} /><${Unreached} room=${room} />
      ${task && html`<${Task} kind=${task.kind} name=${shownName(subject?.from ?? "")} text=${said} cancel=${cancel} />`}
      <div class=${`box ${only({ closed: why })}`}>
        ${Completion && html`<${Completion} box=${box} text=${text} room=${room} />`}
        <textarea ref=${box} rows="1" dir="auto" aria-label=${label} placeholder=${why || label} value=${text} readOnly=${why} aria-disabled=${Boolean(why)}
          enterkeyhint="send" autocomplete="off" aria-describedby=${`composer-note${thread ?? ""}`}
          onInput=${(/** @type {any} */ event) => write(event.target.value)} onKeyDown=${onKeyDown} onBlur=${() => room.type(false)}></textarea>
        <button type="button" class="icon-button" aria-label=${t("emoji")} title=${t("emoji")} aria-expanded=${isPicking} disabled=${Boolean(why)}
          onClick=${() => setPicking(!isPicking)}><${Icon} name="emoji" /></button>
        <button type="submit" class="send" aria-label=${task?.kind === "edit" ? t("save") : t("send")} title=${task?.kind === "edit" ? t("save") : t("send")}
          disabled=${!text.trim() || length > most || Boolean(why)}><${Icon} name="send" /></button>
      </div>
      <p id=${`composer-note${thread ?? ""}`} class=${`note ${only({ wrong: length > most })}`} role="status">
        ${length > most ? t("tooManyChars", { n: length, most }) : why && text ? why : isOffline ? t("offlineComposer") : ""}</p>
    </form>`;
}
