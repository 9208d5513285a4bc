// @ts-check
/** What the page shows of threads where none is open: below a message, and in the first column. */

import { open } from "./address.mjs";
import { Avatar } from "./avatar.mjs";
import { Threads } from "./chatd.threads.mjs";
import { showLoaded } from "./dialog.mjs";
import { Icon } from "./icons.mjs";
import { shownName } from "./names.mjs";
import { chat, threads, touch, touched } from "./state.mjs";
import { clock, day } from "./time.mjs";
import { html } from "./ui.mjs";
import { short } from "./when.mjs";
import { t } from "./words.later.mjs";
import { locale } from "./words.mjs";

/** @typedef {import("./chatd.mjs").Room} Room */
/** @typedef {import("./chatd.mjs").Message} Message */

/** Keep what the messages of a chat show of their threads up to date. @param {import("./chatd.mjs").Chat} made */
export function attend(made) {
  if (chat.value !== made) return;
  threads.value = new Threads(made);
  touch("", ...made.rooms.keys());
}

/** When something was: the time of today, or the day. @param {number} ts */
export const moment = (ts) => (day(ts) === day(chat.value?.now() ?? 0) ? clock(ts, locale) : short(ts, locale));

/**
 * The thread of a message: who has written there, how much, and when the last time.
 *
 * @param {{room: Room, message: Message, version: string}} props `version` has it drawn again.
 */
export const Replies = ({ room, message: { seq, replies } }) => {
  if (!replies) return null;
  const { count, users, ts, unread = 0 } = replies;
  const when = moment(Date.parse(ts));
  const said = t("nReplies", { n: count });
  const news = unread > 0 ? t("nNewReplies", { n: unread }) : "";
  const names = users.map(shownName).join(", ");
  const label = `${t("openThread", { replies: said, names, when })}${news && `, ${news}`}`;
  return html`
    <button type="button" class="replies" aria-label=${label} onClick=${() => open(room.name, false, seq)}>
      <span class="faces">${users.map((name) => html`<${Avatar} key=${name} small name=${name} shown=${shownName(name)} />`)}</span>
      <b>${said}</b> ${news && html`<span class="badge">${news}</span>`} <small>${t("lastReply", { when })}</small>
    </button>`;
};

/** In how many threads something is unread that calls, as the levels of their rooms say. */
function calling() {
  let n = 0;
  for (const [room, seqs] of threads.value?.unread ?? []) {
    if (room.level === "all") n += seqs.size;
    else if (room.level === "mentions")
      n += [...seqs].filter((seq) => [...room.mentioned].some((one) => room.message(one)?.thread === seq)).length;
  }
  return n;
}

/** What leads to the threads that one follows. */
export const Entry = () => {
  touched();
  const n = calling();
  return html`
    <button type="button" class="jump" onClick=${() => showLoaded(async () => (await import("./followed.mjs")).Followed)}>
      <${Icon} name="thread" /> ${t("threads")}
      ${n > 0 && html`<span class="badge" title=${t("nUnreadThreads", { n })}><span aria-hidden="true">${n}</span><span class="hear">${t("nUnreadThreads", { n })}</span></span>`}
    </button>`;
};
