// @ts-check
/** One message, and what can be done with it. */

import { Avatar } from "./avatar.mjs";
import { lazy } from "./dialog.mjs";
import { Icon } from "./icons.mjs";
import { Markup } from "./markup.mjs";
import { shownName } from "./names.mjs";
import { chat, isMarked, roles } from "./state.mjs";
import { oneLine } from "./text.mjs";
import { clock, exact, hourCycle } from "./time.mjs";
import { Component, html, only, signal } from "./ui.mjs";
import { locale, t } from "./words.mjs";

/** @typedef {import("./chatd.mjs").Room} Room */
/** @typedef {import("./chatd.mjs").Message} Message */
/** @typedef {import("./chatd.mjs").Entry} Entry */

/** What is written in answer to, or instead of, a message (its `text` so far); and in which thread. */
export const writing = signal(
  /** @type {{kind: "reply"|"edit", room: string, seq: number, thread?: number, text?: string}|null} */ (null),
);
/** Whose emoji are shown. */
export const picking = signal(/** @type {{seq: number, isBelow: boolean, thread?: number}|null} */ (null));

/** @typedef {{room: Room, seq: number, View: any}} Going What is shown of a message that is being deleted. */
/** Those that can be undone. */
export const going = signal(/** @type {Going[]} */ ([]));
/** @param {Room} room @param {number} seq */
export const goingOf = (room, seq) => going.value.find((one) => one.room === room && one.seq === seq);

/** The moment of a message. @param {{ts: number}} props */
const Time = ({ ts }) => html`
  <time datetime=${new Date(ts).toISOString()} data-exact=${exact(ts, locale)}>${clock(ts, locale)}</time>`;

/** What of the outbox concerns a message. @param {Room} room @param {number} seq */
export const pendingOf = (room, seq) =>
  room.outbox.filter((entry) => entry.command.of === seq && entry.state !== "failed");

/** What a message says by now. @param {Room} room @param {Message} message */
export const textOf = (room, { seq, text }) =>
  pendingOf(room, seq).findLast(({ command }) => command.type === "edit")?.command.text ?? text;

/** Whether it is about to be deleted. @param {Room} room @param {number} seq */
export const isGoing = (room, seq) =>
  goingOf(room, seq) || pendingOf(room, seq).some(({ command }) => command.type === "delete");

/**
 * Drawn again only if it has changed. Its tools, which are most of its nodes, are there
 * only where somebody points or has gone to.
 *
 * @extends {Component<any, any>}
 */
export class Line extends Component {
  /** @override @param {any} next @param {any} state */
  shouldComponentUpdate(next, { isNear }) {
    const { props, state } = /** @type {any} */ (this);
    return isNear !== state.isNear || Object.keys(next).some((key) => next[key] !== props[key]);
  }

  /** @override @param {any} props @param {any} state */
  render(
    {
      room,
      message,
      version,
      isFollowing,
      isActive,
      isPicking,
      going,
      pending,
      quotedText,
      quotedName,
      select,
      jump,
      within,
    },
    { isNear },
  ) {
    const shown = shownName(message.from ?? "");
    const text = textOf(room, message);
    const isEdited = text !== message.text;
    const isGone = message.deleted || isGoing(room, message.seq);
    const body = isGone
      ? going
        ? html`<${going.View} one=${going} />`
        : html`<p class="gone">${t("deleted")}</p>`
      : html`
        ${message.replyTo !== undefined && message.replyTo !== within && html`<${Quote} text=${quotedText} name=${quotedName} jump=${() => jump(message.replyTo, message.seq)} />`}
        <${Markup} text=${text} isPerson=${(/** @type {string} */ name) => room.people?.has(name) || roles.value.has(name)} />
        ${message.pinned && html`<small class="edited"><${Icon} name="pin" /> ${t("pinned")}</small> `}
        ${(message.edited || isEdited) && html`<small class="edited">${t(isEdited ? "sending" : "edited")}</small>`}
        ${(pending.length > 0 || Object.keys(message.reactions).length > 0) && html`<${Reactions} room=${room} message=${message} version=${version} pending=${pending} />`}`;
    return html`
      <li class=${`message ${only({ more: isFollowing, active: isActive })}`} data-seq=${message.seq} tabindex=${isActive ? 0 : -1}
        onFocusIn=${() => select(message.seq)}
        onPointerEnter=${() => this.setState({ isNear: true })} onPointerLeave=${() => this.setState({ isNear: false })}>
        ${!isFollowing && html`<${Avatar} name=${message.from ?? ""} shown=${shown} />`}
        <div class="body">
          ${
            isFollowing
              ? html`<span class="hear">${shown}, </span><span class="margin"><${Time} ts=${message.ts} /></span>`
              : html`<span class="head"><bdi class="who">${shown}</bdi>${message.from?.includes("~") && html`<small class="quiet">${t("roleGuest")}</small>`}<${Time} ts=${message.ts} /></span>`
          }
          ${body}
          ${message.replies && !within && html`<${Replies} room=${room} message=${message} version=${version} />`}
        </div>
        ${!isGone && (isActive || isNear || isPicking) && html`<${Tools} room=${room} message=${message} version=${version} isPicking=${isPicking} within=${within} />`}
      </li>`;
  }
}

/** Rooms of which something is unread by hand: it is not read by looking at it. @type {WeakSet<Room>} */
export const held = new WeakSet();

/** What can be done with a message: nothing until that is loaded. */
const Tools = lazy(async () => (await import("./tools.mjs")).Tools);

/** Which message's emoji are shown, in the room or in a thread. @param {number} [thread] */
export const pickingOf = (thread) => (picking.value?.thread === thread ? picking.value?.seq : undefined);

/** What has a line drawn again. @param {Room} room @param {Message} message */
export const versionOf = (
  { name },
  { seq, from = "", asOf, deleted, replies: { count, last, unread } = /** @type {any} */ ({}) },
) => `${[asOf, deleted, hourCycle, isMarked(name, seq), shownName(from), count, last, unread]}`;

/** The thread of a message, as it is shown below it. */
const Replies = lazy(async () => (await import("./threads.mjs")).Replies);

/** What people have put on a message. */
const Reactions = lazy(async () => (await import("./reactions.mjs")).Reactions);

/** @param {{text?: string, name: string, jump: () => void}} props */
const Quote = ({ text, name, jump }) => html`
  <button type="button" class="quote" onClick=${jump}>
    ${
      text === undefined
        ? t("replyGone")
        : html`<bdi class="who">${name}</bdi> <span dir="auto">${oneLine(text)}</span>`
    }
  </button>`;

/** What is said of what is on its way. @param {Entry} entry @param {boolean} isOffline */
function waits({ error }, isOffline) {
  if (isOffline) return t("waiting");
  if (error?.code === "unavailable") return t("diskFull");
  return error?.code === "rate_limited" ? t("slowDown") : t("sending");
}

/** What has become of what failed, on a line that is there before that is loaded. */
const Failed = lazy(
  async () => (await import("./unsent.mjs")).Failed,
  () => html`<span class="failed"></span>`,
);

/**
 * What is not in the room yet: on its way, or failed.
 *
 * @param {{entry: Entry, state: Entry["state"], isOffline: boolean, isFollowing: boolean, why?: string}} props
 *   `why` is the code of the error after which it is tried again.
 */
export const Waiting = ({ entry, state, isOffline, isFollowing, why }) => {
  const { command } = entry;
  const failed = state === "failed";
  const { user = "" } = /** @type {any} */ (chat.value);
  const status = failed
    ? html`<${Failed} entry=${entry} why=${why} />`
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
