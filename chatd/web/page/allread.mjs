// @ts-check
/** Taking all that is unread for read, in all rooms. */

import { calls } from "./attention.mjs";
import { hide, show } from "./dialog.mjs";
import { Form } from "./form.mjs";
import { Dialog } from "./modal.mjs";
import { reason } from "./reasons.mjs";
import { chat } from "./state.mjs";
import { say } from "./tell.mjs";
import { html } from "./ui.mjs";
import { t } from "./words.later.mjs";

/** The rooms in which something calls. */
export const callingRooms = () => [...(chat.value?.rooms.values() ?? [])].filter((room) => calls(room) > 0);

/** Ask whether all is to be taken for read; where nothing is unread, say so. */
export const askAllRead = () => {
  if (callingRooms().length) show(html`<${AllRead} />`);
  else say(t("allReadNone"));
};

/** The dialog. What is unread is asked for when it is done: more may have come. */
function AllRead() {
  const act = async () => {
    for (const room of callingRooms()) room.markRead(room.have ?? 0);
    hide();
    say(t("allReadDone"));
  };
  return html`
    <${Dialog} title=${t("allRead")}>
      <${Form} action=${t("allReadDo")} send=${act} explain=${reason}
        more=${html`<button type="button" class="plain" onClick=${hide}>${t("cancel")}</button>`}>
        <p>${t("allReadSure", { n: callingRooms().length })}</p>
      <//>
    <//>`;
}
