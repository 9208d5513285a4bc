// @ts-check
/** Finding a room, and making one. */

import { open } from "./address.mjs";
import { hide } from "./dialog.mjs";
import { Fold } from "./fold.mjs";
import { Field, Form } from "./form.mjs";
import { Dialog } from "./modal.mjs";
import { everyRoom } from "./pages.mjs";
import { reason } from "./reasons.mjs";
import { chat, touched } from "./state.mjs";
import { html, useEffect, useState } from "./ui.mjs";
import { t } from "./words.later.mjs";

/** @param {string} name */
async function enter(name) {
  if (!chat.value?.rooms.has(name)) await chat.value?.join(name);
  hide();
  open(name);
}

/** The dialog. */
export function Directory() {
  touched();
  const [rooms, setRooms] = useState(/** @type {any[]|null} */ (null));
  const [wrong, setWrong] = useState("");
  const [typed, setTyped] = useState("");
  useEffect(() => {
    everyRoom().then(setRooms, (failure) => setWrong(reason(failure)));
  }, []);
  const wanted = typed.trim().toLowerCase().replace(/^#/, "");
  const found = (rooms ?? []).filter((room) =>
    `${room.room} ${room.title ?? ""} ${room.topic ?? ""}`.toLowerCase().includes(wanted),
  );
  /** @param {Event} event */
  const submit = (event) => {
    event.preventDefault();
    if (wanted && found[0]) enter(found[0].room).catch((failure) => setWrong(reason(failure)));
  };
  return html`
    <${Dialog} title=${t("findRoom")} wide>
      <form onSubmit=${submit}><input type="search" aria-label=${t("filterRooms")} placeholder=${t("filterRooms")} data-first autocomplete="off"
        autocapitalize="none" value=${typed} onInput=${(/** @type {any} */ event) => setTyped(event.target.value)} /></form>
      <ul class="directory" aria-busy=${!rooms && !wrong}>
        ${found.map((room) => html`<${Found} key=${room.room} room=${room} fail=${setWrong} />`)}
      </ul>
      ${rooms && !found.length && html`<p class="quiet">${t("noRooms")}</p>`}
      ${wrong && html`<p class="wrong" role="alert">${wrong}</p>`}
      <${Fold} title=${t("makeRoom")} isOpen=${Boolean(rooms && !found.length)}>
        <${Make} key=${wanted} name=${wanted} />
      <//>
    <//>`;
}

/** @param {{room: any, fail: (text: string) => void}} props */
const Found = ({ room, fail }) => {
  const isIn = chat.value?.rooms.has(room.room);
  const act = () => enter(room.room).catch((failure) => fail(reason(failure)));
  return html`
    <li>
      <span class="names"><bdi>${room.title || room.room}</bdi>
        <small>${room.topic && html`<bdi>${room.topic}</bdi> · `}${t("members", { n: room.members })}</small></span>
      <button type="button" class=${isIn ? "plain" : "primary"} onClick=${act}
        aria-label=${`${isIn ? t("open") : t("join")}: ${room.title || room.room}`}>${isIn ? t("open") : t("join")}</button>
    </li>`;
};

/** What people type, as the name of a room. @param {string} typed */
const asName = (typed) => typed.trim().toLowerCase().replace(/^#/, "").replace(/\s+/g, "-");

/** @param {Record<string, any>} values */
async function make({ name, title, topic, isPrivate }) {
  const what = isPrivate ? { private: true, title } : { room: asName(name) };
  const ok = await chat.value?.command({ type: "create", ...what, topic: topic || undefined });
  await enter(ok.room);
}

/** @param {{name: string}} props What was looked for. */
function Make({ name }) {
  const [isPrivate, setPrivate] = useState(false);
  return html`
    <${Form} action=${t("make")} send=${make}
      explain=${(/** @type {any} */ failure) => (failure.code === "bad_field" ? t("badName") : reason(failure))}>
      <label class="check"><input type="checkbox" name="isPrivate" checked=${isPrivate}
        onChange=${(/** @type {any} */ event) => setPrivate(event.target.checked)} /> ${t("roomPrivate")}</label>
      ${
        isPrivate
          ? html`<${Field} label=${t("roomTitle")} name="title" value=${name} maxlength="250" required />`
          : html`<${Field} label=${t("roomName")} name="name" value=${asName(name)} hint=${t("roomNameHint")} maxlength="64" autocapitalize="none" required />`
      }
      <${Field} label=${t("roomTopic")} name="topic" maxlength="250" />
    <//>`;
}
