// @ts-check
/** What one keeps for oneself, over all of one's rooms. */

import { show } from "./dialog.mjs";
import { Found, goTo, List, usePages } from "./found.mjs";
import { Dialog } from "./modal.mjs";
import { roomName } from "./names.mjs";
import { chat, setMarked } from "./state.mjs";
import { tell } from "./tell.mjs";
import { oneLine } from "./text.mjs";
import { mark } from "./tools.mjs";
import { html, useEffect } from "./ui.mjs";
import { t } from "./words.later.mjs";

/** The dialog. @param {{from?: string}} props The message that one comes back from. */
export function Bookmarks({ from }) {
  const pages = usePages({ type: "bookmarks" }, "after");
  useEffect(() => {
    for (const { room, seq } of pages.messages) setMarked(room, seq, true);
  }, [pages.messages]);
  useEffect(
    () =>
      chat.value?.on("frame", (frame) => {
        if (frame.type === "bookmark") pages.again();
      }),
    [],
  );
  /** @param {any} message */
  const go = (message) => {
    const from = `${message.room} ${message.seq}`;
    goTo(message.room, message, t("backToBookmarks"), () => show(html`<${Bookmarks} from=${from} />`));
  };
  /** @param {any} message */
  const remove = ({ room, seq }) => {
    tell(mark(room, seq).then(pages.again));
  };
  const first = pages.messages.find(({ room, seq }) => `${room} ${seq}` === from) ?? pages.messages[0];
  return html`
    <${Dialog} title=${t("bookmarks")} wide>
      <${List} isBack=${from !== undefined} pages=${pages} none=${t("noBookmarks")} row=${(
        /** @type {any} */ message,
      ) => html`
        <${Found} key=${`${message.room} ${message.seq}`} message=${message} where=${roomName(message.room)} text=${oneLine(message.text)}
          go=${() => go(message)} isFirst=${message === first}>
          <button type="button" class="small plain" onClick=${() => remove(message)}>${t("unbookmark")}</button>
        <//>`} />
    <//>`;
}
