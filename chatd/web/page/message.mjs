// @ts-check
/** One message, and what can be done with it. */

import { Avatar } from "./avatar.mjs";
import { confirm, Picker } from "./dialog.mjs";
import { Icon } from "./icons.mjs";
import { Markup } from "./markup.mjs";
import { shownName } from "./names.mjs";
import { reason } from "./reasons.mjs";
import { chat } from "./state.mjs";
import { oneLine } from "./text.mjs";
import { clock, exact } from "./time.mjs";
import { Component, html, only, signal } from "./ui.mjs";
import { locale, t } from "./words.mjs";

/** @typedef {import("./chatd.mjs").Room} Room */
/** @typedef {import("./chatd.mjs").Message} Message */
/** @typedef {import("./chatd.mjs").Entry} Entry */

/** One click away. */
const QUICK = ["👍", "👎", "❤️"];

/** What is being written in answer to, or instead of, another message. */
export const writing = signal(/** @type {{kind: "reply"|"edit", room: string, seq: number}|null} */ (null));
/** The message whose emoji are shown to choose from. */
const picking = signal(/** @type {{seq: number, isBelow: boolean}|null} */ (null));

/** The moment of a message. @param {{ts: number}} props */
const Time = ({ ts }) => html`
  <time datetime=${new Date(ts).toISOString()} data-exact=${exact(ts, locale)}>${clock(ts, locale)}</time>`;

/** @param {Room} room @param {Message} message @param {string} emoji */
function react(room, message, emoji) {
  const { user = "" } = /** @type {any} */ (chat.value);
  const on = !message.reactions[emoji]?.includes(user);
  chat.value?.post({ type: "react", room: room.name, of: message.seq, emoji, on });
}

/** What of the outbox concerns a message, by what it does. @param {Room} room @param {number} seq */
export const pendingOf = (room, seq) =>
  room.outbox.filter((entry) => entry.command.of === seq && entry.state !== "failed");

/** Whether one has a moderator's rights: administrators in public rooms. @param {Room} room */
export const mayModerate = (room) =>
  room.role !== "member" || (chat.value?.role === "admin" && !/^[~@]/.test(room.name));

/** @param {Room} room @param {Message} message */
const remove = (room, message) =>
  confirm(t("removeSure"), t("remove"), () => chat.value?.post({ type: "delete", room: room.name, of: message.seq }));

/**
 * Drawn again only if it has changed: a long list is drawn as quickly as a short one.
 *
 * @extends {Component<any, any>}
 */
export class Line extends Component {
  /** @override @param {any} next */
  shouldComponentUpdate(next) {
    const { props } = /** @type {any} */ (this);
    return Object.keys(next).some((key) => next[key] !== props[key]);
  }

  /** @override @param {any} props */
  render({ room, message, version, isFollowing, isActive, isPicking, pending, quoted, quotedName, select, jump }) {
    const { user = "" } = /** @type {any} */ (chat.value);
    const shown = shownName(message.from ?? "");
    const edited = pending.findLast((/** @type {Entry} */ entry) => entry.command.type === "edit");
    const isGoing = pending.some((/** @type {Entry} */ entry) => entry.command.type === "delete");
    const text = edited?.command.text ?? message.text;
    const isGone = message.deleted || isGoing;
    const body = isGone
      ? html`<p class="gone">${t("deleted")}</p>`
      : html`
        ${message.replyTo !== undefined && html`<${Quote} seq=${message.replyTo} message=${quoted} name=${quotedName} jump=${jump} />`}
        <${Markup} text=${text} isPerson=${(/** @type {string} */ name) => room.people?.has(name)} />
        ${(message.edited || edited) && html`<small class="edited">${edited ? t("sending") : t("edited")}</small>`}
        <${Reactions} room=${room} message=${message} version=${version} pending=${pending} user=${user} />`;
    return html`
      <li class=${`message ${only({ more: isFollowing, active: isActive })}`} data-seq=${message.seq} tabindex=${isActive ? 0 : -1}
        onFocus=${() => select(message.seq)}>
        ${!isFollowing && html`<${Avatar} name=${message.from ?? ""} shown=${shown} />`}
        <div class="body">
          ${
            isFollowing
              ? html`<span class="hear">${shown}, </span><span class="margin"><${Time} ts=${message.ts} /></span>`
              : html`<span class="head"><bdi class="who">${shown}</bdi>${message.from?.includes("~") && html`<small class="quiet">${t("roleGuest")}</small>`}<${Time} ts=${message.ts} /></span>`
          }
          ${body}
        </div>
        ${!isGone && html`<${Tools} room=${room} message=${message} isPicking=${isPicking} />`}
      </li>`;
  }
}

/** @param {{room: Room, message: Message, isPicking: boolean}} props */
const Tools = ({ room, message, isPicking }) => {
  const isOwn = message.from === chat.value?.user;
  /** @param {string} icon @param {string} name @param {(event: any) => void} act */
  const tool = (icon, name, act) => html`
    <button type="button" aria-label=${name} title=${name} onClick=${act}><${Icon} name=${icon} /></button>`;
  const close = () => {
    picking.value = null;
  };
  /** @param {any} event */
  const show = (event) => {
    const isBelow = event.currentTarget.getBoundingClientRect().top < innerHeight / 2;
    picking.value = isPicking ? null : { seq: message.seq, isBelow };
  };
  /** @param {string} emoji */
  const pick = (emoji) => {
    close();
    react(room, message, emoji);
  };
  return html`
    <div class=${`tools ${only({ open: isPicking })}`} role="group" aria-label=${t("more")}>
      ${QUICK.map(
        (
          emoji,
        ) => html`<button type="button" class="quick picture" key=${emoji} aria-label=${`${t("react")} ${emoji}`} title=${t("react")}
        onClick=${() => react(room, message, emoji)}>${emoji}</button>`,
      )}
      ${tool("emoji", t("react"), show)}
      ${tool("reply", t("reply"), () => (writing.value = { kind: "reply", room: room.name, seq: message.seq }))}
      ${isOwn && tool("edit", t("edit"), () => (writing.value = { kind: "edit", room: room.name, seq: message.seq }))}
      ${(isOwn || mayModerate(room)) && tool("trash", t("remove"), () => remove(room, message))}
      ${isPicking && html`<${Picker} pick=${pick} close=${close} isBelow=${picking.value?.isBelow} />`}
    </div>`;
};

/** Which message's emoji are shown. */
export const pickingOf = () => picking.value?.seq;

/** @param {{seq: number, message?: Message, name: string, jump: (seq: number) => void}} props */
const Quote = ({ seq, message, name, jump }) => html`
  <button type="button" class="quote" onClick=${() => jump(seq)}>
    ${
      message && message.text !== undefined
        ? html`<bdi class="who">${name}</bdi> <span dir="auto">${oneLine(message.text)}</span>`
        : t("replyGone")
    }
  </button>`;

/** @param {{room: Room, message: Message, version: string, pending: Entry[], user: string}} props */
function Reactions({ room, message, pending, user }) {
  /** @type {Record<string, string[]>} */
  const all = { ...message.reactions };
  /** How many are not named. @param {string} emoji */
  const unnamed = (emoji) => Math.max(0, (message.reacted[emoji] ?? 0) - (message.reactions[emoji]?.length ?? 0));
  for (const { command } of pending) {
    if (command.type !== "react") continue;
    const others = (all[command.emoji] ?? []).filter((name) => name !== user);
    all[command.emoji] = command.on === false ? others : [...others, user];
  }
  const shown = Object.entries(all).filter(([emoji, names]) => names.length + unnamed(emoji));
  if (!shown.length) return null;
  return html`
    <div class="reactions">
      ${shown.map(([emoji, names]) => {
        const count = names.length + unnamed(emoji);
        const first = names.slice(0, 20);
        const others = count - first.length;
        const text =
          t("reactions", { emoji, names: first.map(shownName).join(", ") }) +
          (others ? t("andOthers", { n: others }) : "");
        return html`<button type="button" key=${emoji} aria-pressed=${names.includes(user)} title=${text} aria-label=${text}
          onClick=${() => react(room, message, emoji)}><span class="picture">${emoji}</span> ${count}</button>`;
      })}
    </div>`;
}

/** What is said of what is on its way. @param {Entry} entry @param {boolean} isOffline */
function waits({ error }, isOffline) {
  if (isOffline) return t("waiting");
  if (error?.code === "unavailable") return t("diskFull");
  return error?.code === "rate_limited" ? t("slowDown") : t("sending");
}

/**
 * What is not in the room yet: on its way, or failed.
 *
 * @param {{entry: Entry, state: Entry["state"], isOffline: boolean, isFollowing: boolean, why?: string}} props
 *   `why` is the code of the error after which it is tried again.
 */
export const Waiting = ({ entry, state, isOffline, isFollowing }) => {
  const { command, error } = entry;
  const failed = state === "failed";
  const { user = "" } = /** @type {any} */ (chat.value);
  const isText = command.type === "send";
  const status = failed
    ? html`<span class="failed" role="alert"><${Icon} name="warn" /> ${t(isText ? "notSent" : "changed", { reason: reason(error) })}
        <button type="button" class="link" onClick=${() => chat.value?.retry(entry)}>${t("retry")}</button>
        <button type="button" class="link" onClick=${() => chat.value?.discard(entry)}>${t("discard")}</button></span>`
    : html`<small class="status">${waits(entry, isOffline)}</small>`;
  return html`
    <li class=${`message pending ${only({ more: isFollowing })}`} data-cid=${entry.cid}>
      ${!isFollowing && html`<${Avatar} name=${user} shown=${shownName(user)} />`}
      <div class="body">
        ${!isFollowing && html`<span class="head"><bdi class="who">${shownName(user)}</bdi></span>`}
        ${command.text !== undefined && html`<${Markup} text=${command.text} isPerson=${() => false} />`}
        ${status}
      </div>
    </li>`;
};
