// @ts-check
/** What happened in a room beside what was said: who came and went, and what moderators did. */

import { shownName } from "./names.mjs";
import { lasting } from "./standing.mjs";
import { clock, exact } from "./time.mjs";
import { html } from "./ui.mjs";
import { t } from "./words.later.mjs";
import { locale } from "./words.mjs";

/** @typedef {import("./chatd.mjs").Frame} Frame */

/** A name in a sentence, whatever the direction in which it is read. @param {string} text */
const apart = (text) => `\u2068${text}\u2069`;

/** So many of those who came or went at once are named. */
const NAMED = 5;

/** @param {Frame} frame @returns {string} What a frame tells, in a person's words. */
function saying({ type, from = "", user = "", change, role, name: renamed, was, ...rest }) {
  const by = apart(shownName(from));
  const name = apart(shownName(user));
  const values = { by, name };
  // `room` is what it is called today.
  if (type === "rename") return t("hasRenamed", { by, was: apart(`#${was.at(-1)}`), room: apart(`#${renamed}`) });
  if (type === "room") return settingsSaid(by, rest).join(" · ");
  /** @type {Record<string, () => string>} */
  const roles = {
    owner: () => t("hasMadeOwner", values),
    moderator: () => t("hasMadeModerator", values),
    member: () => t("hasMadeMember", values),
  };
  /** @type {Record<string, () => string>} */
  const texts = {
    invite: () => t("hasInvited", values),
    uninvite: () => t("hasUninvited", values),
    decline: () => t("hasDeclined", values),
    kick: () => t("hasKicked", values),
    ban: () => t("hasBanned", values),
    unban: () => t("hasUnbanned", values),
    mute: () => t("hasMuted", values),
    unmute: () => t("hasUnmuted", values),
    role: () => roles[role]?.() ?? "",
  };
  return texts[change]?.() ?? "";
}

/** @param {string} by @param {Frame} changed @returns {string[]} */
function settingsSaid(
  by,
  { topic, title, slow_s: slow, post, history, keep_days: days, keep_messages: count, archived },
) {
  return [
    title !== undefined && (title ? t("hasTitled", { by, title: apart(title) }) : t("hasUntitled", { by })),
    topic !== undefined && (topic ? t("hasTopic", { by, topic: apart(topic) }) : t("hasNoTopic", { by })),
    archived !== undefined && t(archived ? "hasArchived" : "hasReopened", { by }),
    [slow, post, history, days, count].some((one) => one !== undefined) && t("hasSet", { by }),
  ].filter((one) => typeof one === "string");
}

/** How long it holds, and why. @param {Frame} frame */
const more = ({ change, until, reason }) =>
  ["ban", "mute"].includes(change) ? lasting({ until, reason }) : change === "kick" ? (reason ?? "") : "";

/**
 * What came between two messages, those who came or went in a row as one.
 *
 * @param {{frames: Frame[]}} props
 */
export function Happened({ frames }) {
  /** @type {Frame[][]} */
  const groups = [];
  for (const frame of frames) {
    const last = groups.at(-1);
    const isRow = ["join", "leave"].includes(frame.change) && last?.[0].change === frame.change;
    if (isRow) last?.push(frame);
    else groups.push([frame]);
  }
  return groups.map((group) => html`<${Line} key=${group[0].seq} group=${group} />`);
}

/** @param {{group: Frame[]}} props */
function Line({ group }) {
  const frame = group[0];
  const ts = Date.parse(group.at(-1)?.ts);
  const why = more(frame);
  let text = saying(frame);
  if (frame.change === "join" || frame.change === "leave") {
    const names = [...new Set(group.map(({ user }) => apart(shownName(user))))];
    const others = names.length - NAMED;
    const list = names.slice(0, NAMED);
    if (others > 0) list.push(t("others", { n: others }));
    const shown = new Intl.ListFormat(locale, { type: "conjunction" }).format(list);
    const isJoin = frame.change === "join";
    text = t(isJoin ? "hasJoined" : "hasLeft", { name: shown, n: names.length });
  }
  return (
    text &&
    html`
    <li class="happened" data-happened=${frame.change ?? frame.type}>${text}${why && html` <bdi>${why}</bdi>`}
      <time datetime=${new Date(ts).toISOString()} data-exact=${exact(ts, locale)}>${clock(ts, locale)}</time></li>`
  );
}
