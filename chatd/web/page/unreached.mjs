// @ts-check
/** Who was addressed in what one has just said, and is not told of it. */

import { command } from "./client.mjs";
import { Icon } from "./icons.mjs";
import { shownName } from "./names.mjs";
import { mayInvite } from "./rights.mjs";
import { chat } from "./state.mjs";
import { say, tell } from "./tell.mjs";
import { html, useEffect, useRef, useState } from "./ui.mjs";
import { t } from "./words.later.mjs";

/**
 * A line above where one writes, until one says something else.
 *
 * @param {{room: any}} props A room, or a thread of it.
 */
export function Unreached({ room }) {
  const of = room.room ?? room;
  const box = useRef(/** @type {any} */ (null));
  const [names, setNames] = useState(/** @type {string[]} */ ([]));
  useEffect(
    () =>
      chat.value?.on("frame", ({ re, cid, unreached = [] }) => {
        const entry = of.outbox.find((/** @type {import("./chatd.mjs").Entry} */ one) => one.cid === cid);
        if (!entry || !["send", "edit"].includes(re) || !room.outbox.includes(entry)) return;
        // What is said in a thread is seen there.
        if (!room.within && entry.command.thread) return;
        // Whoever is here does not see it as it is too old for him: asking him in helps nobody.
        setNames(unreached.filter((/** @type {string} */ name) => !of.people?.has(name)));
      }),
    [room],
  );
  if (!names.length) return null;
  /** @param {string[]} left */
  const leave = (left) => {
    // The button that was pressed goes.
    box.current.closest("form").querySelector("textarea").focus();
    setNames(left);
  };
  /** @param {string} user */
  const invite = async (user) => {
    await command({ type: "invite", room: of.name, user });
    leave(names.filter((one) => one !== user));
    say(t("inviteSent", { name: shownName(user) }));
  };
  const shown = new Intl.ListFormat(document.documentElement.lang).format(names.map(shownName));
  return html`
    <div class="task unreached" role="status" ref=${box}><${Icon} name="people" />
      <span>${t("unreached", { n: names.length, names: shown })}
        ${
          mayInvite(of) &&
          names.map(
            (name) =>
              html` <button type="button" class="small plain" key=${name} onClick=${() => tell(invite(name))}>${t("inviteOne", { name: shownName(name) })}</button>`,
          )
        }</span>
      <button type="button" class="icon-button" aria-label=${t("close")} title=${t("close")} onClick=${() => leave([])}><${Icon} name="close" /></button>
    </div>`;
}
