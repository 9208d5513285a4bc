// @ts-check
/** What is pinned to a room. */

import { show } from "./dialog.mjs";
import { Found, goTo, List, usePages } from "./found.mjs";
import { Dialog } from "./modal.mjs";
import { reason } from "./reasons.mjs";
import { chat, touched } from "./state.mjs";
import { say } from "./tell.mjs";
import { oneLine } from "./text.mjs";
import { mayPin } from "./tools.mjs";
import { html, useEffect } from "./ui.mjs";
import { t } from "./words.later.mjs";

/** @typedef {import("./chatd.mjs").Room} Room */

/** The dialog of a room. @param {Room} room @param {number} [from] The message that one comes back from. */
export const pinsOf = (room, from) => () => html`<${Pins} room=${room} from=${from} />`;

/** @param {{room: Room, from?: number}} props */
function Pins({ room, from }) {
  touched(room.name);
  const pages = usePages({ type: "pins", room: room.name }, "after");
  useEffect(
    () =>
      chat.value?.on("event", (frame, of) => {
        if (of === room && ["pin", "delete", "edit"].includes(frame.type)) pages.again();
      }),
    [room],
  );
  /** @param {any} message */
  const go = (message) => {
    const View = pinsOf(room, message.seq);
    goTo(room.name, message, t("backToPins"), () => show(html`<${View} />`));
  };
  /** @param {number} seq */
  const unpin = (seq) =>
    chat.value
      ?.command({ type: "pin", room: room.name, of: seq, on: false })
      .catch((failure) => say(t("notDone", { reason: reason(failure) })));
  const isDirect = room.name.startsWith("@");
  const first = pages.messages.find((one) => one.seq === from) ?? pages.messages[0];
  return html`
    <${Dialog} title=${t("pins")} wide>
      <${List} isBack=${from !== undefined} pages=${pages} none=${isDirect ? t("noPinsDirect") : t("noPins")} row=${(
        /** @type {any} */ message,
      ) => html`
        <${Found} key=${message.seq} message=${message} text=${oneLine(message.text)} go=${() => go(message)} isFirst=${message === first}>
          ${mayPin(room) && html`<button type="button" class="small plain" onClick=${() => unpin(message.seq)}>${t("unpin")}</button>`}
        <//>`} />
    <//>`;
}
