// @ts-check
/** Where one writes: a draft for each room, an answer, or a message anew. */

import { Picker } from "./dialog.mjs";
import { Icon } from "./icons.mjs";
import { draft, keepDraft } from "./kept.mjs";
import { mayModerate, writing } from "./message.mjs";
import { partner, roomName, shownName } from "./names.mjs";
import { chat, connection, touched } from "./state.mjs";
import { oneLine } from "./text.mjs";
import { html, only, useEffect, useLayoutEffect, useRef, useState } from "./ui.mjs";
import { t } from "./words.mjs";

/** @typedef {import("./chatd.mjs").Room} Room */

const TALLEST_PX = 220;

/** Why nobody, or not this one, may write here; `""` if he may. @param {Room|undefined} room */
function closed(room) {
  if (!room) return "";
  if (room.settings.archived) return t("archivedRoom");
  return room.settings.post === "moderators" && !mayModerate(room) ? t("onlyModerators") : "";
}

/** @param {{name: string, room: Room}} props */
export function Composer({ name, room }) {
  touched(name);
  const box = useRef(/** @type {any} */ (null));
  const [text, setText] = useState(() => draft(name));
  const [isPicking, setPicking] = useState(false);
  const task = writing.value?.room === name ? writing.value : null;
  const subject = task && room.message(task.seq);
  const most = chat.value?.welcome.limits?.text_chars ?? 4000;
  const length = [...text].length;

  useLayoutEffect(() => {
    const { style } = box.current;
    style.height = "auto";
    style.height = `${Math.min(box.current.scrollHeight, TALLEST_PX)}px`;
  }, [text]);

  // With a keyboard one goes on writing where one has gone; on a phone it would cover half.
  useLayoutEffect(() => {
    if (matchMedia("(pointer: fine)").matches) box.current.focus();
  }, []);

  // To edit puts the text of then here; the draft comes back afterwards.
  useEffect(() => {
    if (task?.kind === "edit") setText(subject?.text ?? "");
    if (task) box.current.focus();
    return () => {
      if (task?.kind === "edit") setText(draft(name));
    };
  }, [task]);

  /** @param {string} value */
  const write = (value) => {
    setText(value);
    if (task?.kind === "edit") return;
    keepDraft(name, value);
    room.type(Boolean(value));
  };

  /** @param {any} [event] */
  const send = (event) => {
    event?.preventDefault();
    if (!text.trim() || length > most || closed(room)) return;
    if (task?.kind === "edit") {
      if (text !== subject?.text) chat.value?.post({ type: "edit", room: name, of: task.seq, text });
    } else if (chat.value?.rooms.has(name) || !partner(name)) chat.value?.send(name, text, { replyTo: task?.seq });
    else chat.value?.sendTo(partner(name), text);
    if (task?.kind !== "edit") {
      keepDraft(name, "");
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
    if (event.key === "Enter" && !event.shiftKey && !event.altKey && !event.ctrlKey && !event.metaKey) send(event);
    else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) send(event);
    else if (event.key === "Escape" && task) cancel();
    else if (event.key === "ArrowUp" && !text) {
      const own = room.messages.findLast((one) => one.from === chat.value?.user && !one.deleted);
      if (own) {
        event.preventDefault();
        writing.value = { kind: "edit", room: name, seq: own.seq };
      }
    }
  };

  /** @param {string} emoji */
  const insert = (emoji) => {
    const { selectionStart: from, selectionEnd: to } = box.current;
    write(text.slice(0, from) + emoji + text.slice(to));
    setPicking(false);
    box.current.focus();
  };

  const why = closed(room);
  const isOffline = connection.value.name === "offline";
  const label = t("write", { room: partner(name) || name.startsWith("~") ? roomName(name) : `#${roomName(name)}` });
  return html`
    <form class="composer" onSubmit=${send}>
      ${isPicking && html`<${Picker} pick=${insert} close=${() => setPicking(false)} />`}
      <${Typing} room=${room} />
      ${
        task &&
        html`
        <div class="task"><${Icon} name=${task.kind === "edit" ? "edit" : "reply"} />
          <span><b>${task.kind === "edit" ? t("editing") : t("replyTo", { name: shownName(subject?.from ?? "") })}</b>
            <span dir="auto">${task.kind === "reply" && oneLine(subject?.text ?? "")}</span></span>
          <button type="button" class="icon-button" aria-label=${t("cancel")} title=${t("cancel")} onClick=${cancel}><${Icon} name="close" /></button>
        </div>`
      }
      <div class=${`box ${only({ closed: why })}`}>
        <textarea ref=${box} rows="1" dir="auto" aria-label=${label} placeholder=${why || label} value=${text} disabled=${Boolean(why)}
          enterkeyhint="send" autocomplete="off" aria-describedby="composer-note"
          onInput=${(/** @type {any} */ event) => write(event.target.value)} onKeyDown=${onKeyDown} onBlur=${() => room.type(false)}></textarea>
        <button type="button" class="icon-button" aria-label=${t("emoji")} title=${t("emoji")} aria-expanded=${isPicking} disabled=${Boolean(why)}
          onClick=${() => setPicking(!isPicking)}><${Icon} name="emoji" /></button>
        <button type="submit" class="send" aria-label=${task?.kind === "edit" ? t("save") : t("send")} title=${task?.kind === "edit" ? t("save") : t("send")}
          disabled=${!text.trim() || length > most || Boolean(why)}><${Icon} name="send" /></button>
      </div>
      <p id="composer-note" class=${`note ${only({ wrong: length > most })}`} role="status">
        ${length > most ? t("tooManyChars", { n: length, most }) : isOffline ? t("offlineComposer") : ""}</p>
    </form>`;
}

/** Who else is writing; its line is always there. @param {{room: Room}} props */
function Typing({ room }) {
  touched(room.name);
  const [, again] = useState(0);
  const now = chat.value?.now() ?? 0;
  const alive = [...room.typing].filter(([, until]) => until > now);
  const next = Math.min(...alive.map(([, until]) => until));
  useEffect(() => {
    if (next === Infinity) return;
    const timer = setTimeout(() => again((n) => n + 1), next - now + 50);
    return () => clearTimeout(timer);
  }, [next]);
  const [a = "", b = ""] = alive.map(([name]) => shownName(name));
  const text = ["", t("typingOne", { a }), t("typingTwo", { a, b })][alive.length] ?? t("typingMany");
  return html`<p class="typing" role="status" dir="auto">${text}</p>`;
}
