// @ts-check
/** Who has put which emoji on a message: all of them, page by page. */

import { Avatar } from "./avatar.mjs";
import { Dialog } from "./modal.mjs";
import { shownName } from "./names.mjs";
import { reason } from "./reasons.mjs";
import { chat } from "./state.mjs";
import { html, useEffect, useState } from "./ui.mjs";
import { t } from "./words.later.mjs";

/**
 * The dialog.
 *
 * @param {string} room @param {number} seq @param {[string, string[]][]} all The emoji, each with the first who have put it.
 */
export const reactedTo = (room, seq, all) => () =>
  html`
  <${Dialog} title=${t("whoReacted")}>
    ${all.map(([emoji]) => html`<${One} key=${emoji} room=${room} seq=${seq} emoji=${emoji} />`)}
  <//>`;

/** @param {{room: string, seq: number, emoji: string}} props */
function One({ room, seq, emoji }) {
  const [list, setList] = useState(/** @type {{users: string[], next?: number}} */ ({ users: [] }));
  const [isBusy, setBusy] = useState(true);
  const [wrong, setWrong] = useState("");
  const load = async () => {
    setBusy(true);
    setWrong("");
    try {
      const page = await chat.value?.command({ type: "reactions", room, of: seq, emoji, after: list.next });
      setList({ users: [...list.users, ...page.users], next: page.next });
    } catch (failure) {
      setWrong(reason(failure));
    }
    setBusy(false);
  };
  useEffect(() => void load(), []);
  return html`
    <h3><span class="picture">${emoji}</span></h3>
    <ul class="directory" aria-busy=${isBusy}>
      ${list.users.map(
        (name) => html`
        <li key=${name}><${Avatar} small name=${name} shown=${shownName(name)} /><span class="names"><bdi>${shownName(name)}</bdi></span></li>`,
      )}
    </ul>
    ${wrong && html`<p class="wrong" role="alert">${wrong}</p>`}
    ${list.next !== undefined && html`<p class="center"><button type="button" class="plain" aria-disabled=${isBusy} onClick=${() => isBusy || load()}>${t("showMore")}</button></p>`}`;
}
