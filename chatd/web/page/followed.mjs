// @ts-check
/** The threads that one follows, over all of one's rooms. */

import { open } from "./address.mjs";
import { hide } from "./dialog.mjs";
import { Found, List, usePages } from "./found.mjs";
import { Dialog } from "./modal.mjs";
import { roomName } from "./names.mjs";
import { chat } from "./state.mjs";
import { oneLine } from "./text.mjs";
import { html, useEffect, useState } from "./ui.mjs";
import { t } from "./words.later.mjs";

/** The dialog. */
export function Followed() {
  const [isUnread, setUnread] = useState(false);
  const pages = usePages({ type: "threads", unread: isUnread || undefined }, "after");
  useEffect(
    () =>
      chat.value?.on("frame", (frame) => {
        if (!("re" in frame) && ["thread", "thread_read", "follow"].includes(frame.type)) pages.again();
      }),
    [isUnread],
  );
  /** @param {string} room @param {number} seq */
  const go = (room, seq) => {
    hide();
    open(room, false, seq);
  };
  return html`
    <${Dialog} title=${t("threads")} wide>
      <label class="check"><input type="checkbox" checked=${isUnread} onChange=${() => setUnread(!isUnread)} /> ${t("threadsUnread")}</label>
      <${List} pages=${pages} none=${isUnread ? t("noThreadsUnread") : t("noThreads")} row=${(
        /** @type {{room: string, message: any}} */ { room, message },
        /** @type {number} */ index,
      ) => {
        const { count = 0, unread = 0 } = message.replies ?? {};
        return html`
        <${Found} key=${`${room} ${message.seq}`} message=${message} where=${`${roomName(room)} · ${t("nReplies", { n: count })}`} isFirst=${index === 0} label=${t("threadOpen")}
          text=${message.deleted ? t("deleted") : oneLine(message.text ?? "")} go=${() => go(room, message.seq)}>
          ${unread > 0 && html`<span class="badge">${t("nNewReplies", { n: unread })}</span>`}
        <//>`;
      }} />
    <//>`;
}
