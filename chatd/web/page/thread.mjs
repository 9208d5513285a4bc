// @ts-check
/**
 * A thread that is open beside its room, or over it on a phone.
 *
 * It is shown by what shows a room: `Beside` is to a log, a range and a composer what a room
 * is to them, and holds of it what is in the thread.
 */

import { open } from "./address.mjs";
import { Composer } from "./composer.mjs";
import { Icon } from "./icons.mjs";
import { Log } from "./log.mjs";
import { goingOf, Line, pendingOf, pickingOf, textOf, versionOf, writing } from "./message.mjs";
import { roomName, shownName } from "./names.mjs";
import { reason } from "./reasons.mjs";
import { aside, chat, here, target, threads, touched } from "./state.mjs";
import { tell } from "./tell.mjs";
import { html, useEffect, useLayoutEffect, useRef, useState } from "./ui.mjs";
import { t } from "./words.later.mjs";

/** @typedef {import("./chatd.mjs").Room} Room */
/** @typedef {import("./chatd.mjs").Message} Message */
/** @typedef {import("./chatd.threads.mjs").Thread} Page */

/** A thread as if it were a room. */
class Beside {
  /** What is held of it around where somebody reads. @type {Map<number, Message>} */
  elsewhere = new Map();
  /** Who writes is told to the room. */
  typing = new Map();

  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    this.room = page.room;
    this.within = page.seq;
    const unread = page.root?.replies?.unread ?? 0;
    const others = page.messages.filter((one) => this.#isNews(one));
    const next = unread ? (others.at(-unread) ?? others[0]) : undefined;
    this.read = next ? next.seq - 1 : (page.messages.at(-1)?.seq ?? page.seq);
  }

  /** @param {Message} one */
  #isNews(one) {
    return one.from !== this.room.chat.user && !one.deleted;
  }

  /** How many replies of others that are held are not read yet. */
  get unread() {
    return this.messages.filter((one) => one.seq > this.read && this.#isNews(one)).length;
  }
  get label() {
    return t("threadMessages", { room: roomName(this.name) });
  }
  get inviting() {
    return t("threadWrite");
  }
  get name() {
    return this.room.name;
  }
  get role() {
    return this.room.role;
  }
  get settings() {
    return this.room.settings;
  }
  get people() {
    return this.room.people;
  }
  get live() {
    return this.room.live;
  }
  get joining() {
    return this.room.joining;
  }
  get first() {
    return this.room.first;
  }
  get have() {
    return this.room.have ?? 0;
  }
  get from() {
    return this.more ? this.messages[0].seq : this.first;
  }
  get messages() {
    return this.page.messages;
  }
  get more() {
    return this.page.more && this.messages.length > 0;
  }
  /** What of it waits to be sent. */
  get outbox() {
    return this.room.outbox.filter(
      ({ command: { thread, reply_to: to } }) => thread && (to === this.within || this.message(to)),
    );
  }

  /** @param {number} seq */
  message(seq) {
    const { root } = this.page;
    if (seq === root?.seq) return root;
    return this.messages.find((one) => one.seq === seq) ?? this.elsewhere.get(seq);
  }

  /** Load what is before. @param {number} limit */
  async loadOlder(limit) {
    const more = await this.page.loadOlder(limit);
    this.room.chat.emit("room", this.room);
    return more;
  }

  /** Load a page from anywhere in it. @param {Record<string, any>} where */
  async history(where) {
    const page = await this.page.page(where);
    page.messages = page.messages.map((/** @type {Message} */ one) => this.message(one.seq) ?? one);
    for (const one of page.messages) this.elsewhere.set(one.seq, one);
    return page;
  }

  /** Ask for one that is held here alone as it is now. @param {number} seq */
  async refresh(seq) {
    const held = this.elsewhere.get(seq);
    if (!held || held === this.room.message(seq) || this.messages.includes(held)) return;
    const page = await this.page.page({ after: seq - 1, limit: 1 });
    if (page.messages[0]?.seq === seq) Object.assign(held, { deleted: false }, page.messages[0]);
    this.room.chat.emit("room", this.room);
  }

  /** It has been read; the daemon is told once all of it is. @param {number} [seq] Up to here. */
  markRead(seq = this.messages.at(-1)?.seq ?? 0) {
    const isMore = this.messages.some((one) => one.seq > this.read && one.seq <= seq);
    if (isMore) this.read = seq;
    if (!this.unread) this.page.markRead();
    if (isMore) this.room.chat.emit("room", this.room);
  }

  /** Who writes here is not shown. */
  type() {}
}

/** Leave the thread; the browser's "back" does the same. */
function close() {
  if (history.state?.isBeside) history.back();
  else open(here.value, true);
}

/** Have the focus at the message whose thread was left. @param {number} seq */
function leave(seq) {
  const log = /** @type {HTMLElement|null} */ (document.querySelector(".room:not(.thread) .log"));
  const line = /** @type {HTMLElement|null|undefined} */ (log?.querySelector(`[data-seq="${seq}"]`));
  (line ?? log)?.focus();
}

/** The column. @param {{room: Room, seq: number}} props */
export function Thread({ room, seq }) {
  touched(room.name);
  const box = useRef(/** @type {any} */ (null));
  const [beside, setBeside] = useState(/** @type {Beside|null} */ (null));
  const [wrong, setWrong] = useState("");
  const of = threads.value;

  useEffect(() => {
    if (!of || beside || !room.live) return;
    let isOver = false;
    of.enter(room, seq).then(
      (page) => {
        if (isOver) page.close();
        else setBeside(new Beside(page));
      },
      (failure) => !isOver && setWrong(t("threadNotThere", { reason: reason(failure) })),
    );
    return () => {
      isOver = true;
    };
  }, [of, beside, room.live]);

  useEffect(() => {
    if (!beside) return;
    const stop = chat.value?.on("event", (event, where) => {
      if (where === room && event.of) tell(beside.refresh(event.of));
    });
    return () => {
      stop?.();
      beside.page.close();
    };
  }, [beside]);

  // Where nothing else in it takes the focus, its heading does.
  useLayoutEffect(() => {
    const isFine = matchMedia("(pointer: fine)").matches;
    if (wrong || !beside || (!isFine && target.value?.thread !== seq)) box.current.querySelector("h1").focus();
  }, [beside, wrong]);

  useLayoutEffect(
    () => () => {
      const { activeElement } = document;
      if (writing.value?.thread === seq) writing.value = null;
      // The column is about to go, and the room can be seen.
      const isHere = box.current.contains(activeElement) || activeElement === document.body;
      if (isHere && !aside.value && here.value === room.name) leave(seq);
    },
    [],
  );

  /** @param {KeyboardEvent} event */
  const onKeyDown = (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || event.isComposing) return;
    event.preventDefault();
    close();
  };
  const replies = beside?.page.root?.replies;
  const follow = () => tell(/** @type {any} */ (of).follow(room, seq, !replies?.follow));
  return html`
    <section class="room thread" ref=${box} aria-label=${t("threadIn", { room: roomName(room.name) })} onKeyDown=${onKeyDown}>
      <header>
        <button type="button" class="icon-button back" aria-label=${t("threadClose")} title=${t("threadClose")} onClick=${close}><${Icon} name="back" /></button>
        <h1 tabindex="-1">${t("thread")}</h1><small class="topic"><bdi>${roomName(room.name)}</bdi></small>
        ${
          replies &&
          html`<button type="button" class="small plain" aria-pressed=${Boolean(replies.follow)} title=${t("followHint")} onClick=${follow}>
            <${Icon} name=${replies.follow ? "check" : "bell"} /> ${t("follow")}</button>`
        }
        <button type="button" class="icon-button shut" aria-label=${t("threadClose")} title=${t("threadClose")} onClick=${close}><${Icon} name="close" /></button>
      </header>
      ${
        beside
          ? html`<${Log} room=${beside} Top=${Top} /><${Composer} name=${room.name} room=${beside} />`
          : html`<p class="quiet center older" role=${wrong ? "alert" : "status"}>${wrong || t("loading")}</p>`
      }
    </section>`;
}

/**
 * The first message, and how many there are behind it.
 *
 * @param {{room: Beside, hasMore: boolean, isLoading: boolean, older: () => void, select: (seq: number) => void}} props
 */
function Top({ room: { room, within, page }, hasMore, isLoading, older, select }) {
  touched(room.name);
  const { root } = page;
  const quoted = root?.replyTo === undefined ? undefined : room.message(root.replyTo);
  const n = root?.replies?.count ?? 0;
  /** Show in the room what it answers, if the room can be seen. @param {number} to */
  const jump = (to) => {
    if (matchMedia("(max-width: 1000px)").matches) open(room.name);
    target.value = { room: room.name, seq: to };
  };
  const pending = root ? pendingOf(room, root.seq) : [];
  return html`
    ${
      root
        ? html`<ol class="root"><${Line} room=${room} message=${root} version=${`${versionOf(room, root)} ${pending.map(({ cid }) => cid)}`} within=${within}
            isActive isPicking=${pickingOf(within) === root.seq} going=${goingOf(room, root.seq)} pending=${pending}
            quotedText=${quoted && textOf(room, quoted)} quotedName=${shownName(quoted?.from ?? "")} select=${select} jump=${jump} /></ol>`
        : html`<p class="quiet center">${t("threadGone")}</p>`
    }
    <p class="day"><span>${n ? t("nReplies", { n }) : t("noReplies")}</span></p>
    ${
      isLoading
        ? html`<p class="quiet center older">${t("loadingOlder")}</p>`
        : hasMore &&
          html`<p class="center older"><button type="button" class="plain" onClick=${older}>${t("loadOlder")}</button></p>`
    }`;
}
