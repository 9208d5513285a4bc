// @ts-check
/**
 * The messages of a room, and where in them one is.
 *
 * Whoever is at the end follows what comes, as far as he can see it all; whoever reads further
 * up stays where he is, whatever comes before or behind or becomes of the window, and is told
 * how much is new below. What was seen has been read, and nothing else. Drawn is
 * the last page, or the range (`range.mjs`) in which one reads. What is in a thread is not
 * shown in the room; a thread (`thread.mjs`) is shown as a room.
 */

import { eventually } from "./again.mjs";
import { lazy } from "./dialog.mjs";
import { goingOf, held, Line, pendingOf, pickingOf, textOf, versionOf, Waiting } from "./message.mjs";
import { roomName, shownName } from "./names.mjs";
import { aside, chat, connection, target, touched } from "./state.mjs";
import { tell } from "./tell.mjs";
import { day, dayName, follows } from "./time.mjs";
import { html, useEffect, useLayoutEffect, useRef, useState } from "./ui.mjs";
import { locale, t } from "./words.mjs";

/** @typedef {import("./chatd.mjs").Room} Room */
/** @typedef {import("./chatd.mjs").Message} Message */
/** @typedef {import("./chatd.mjs").Entry} Entry */
/** @typedef {import("./range.mjs").Range} Range */

/** So many messages come at a time, so many are drawn at most. */
const PAGE = 60;
const MOST = 300;
/** Loaded later; until then nobody has gone elsewhere. @type {typeof import("./seek.mjs")|undefined} */
let ways;
const learn = async () => {
  ways ??= await import("./seek.mjs");
  return ways;
};

/** So near the end is at the end, in px. */
const NEAR = 48;
/** So much is seen above what is new, where the end is further down, in px. */
const ABOVE = 72;

/** Where one was in rooms that one comes back to: a message, and how far from the top. */
const places = /** @type {Map<string, {seq: number, offset: number}>} */ (new Map());
/** And what is held around it. @type {WeakMap<Room, Range>} */
const ranges = new WeakMap();
/** @param {Room} room */
const partOf = (room) => {
  const one = ranges.get(room);
  return one?.isOver ? undefined : one;
};

const Happened = lazy(async () => (await import("./happened.mjs")).Happened);

/** What leads back from where one is, and on. */
const Ways = lazy(async () => (await import("./ways.mjs")).Ways);
/** What stands where a room begins. */
const Start = lazy(async () => (await import("./ways.mjs")).Start);

const isSeen = () => !document.hidden && document.hasFocus();

/** @param {{room: any, Top?: any}} props A room, or what is like one, and what stands above it. */
export function Log({ room, Top = Beginning }) {
  touched(room.name);
  // On a phone it covers the room.
  void aside.value;
  /** @type {number|undefined} */
  const thread = room.within;
  const place = `${room.name} ${thread}`;
  /** @param {any} one */
  const isHere = (one) => one.thread === thread;
  const box = useRef(/** @type {any} */ (null));
  /** What must not make the list be drawn again. */
  const at = useRef({
    isEnd: true,
    anchor: /** @type {any} */ (null),
    /** How far it was scrolled when that was noted. */
    top: -1,
    isPlaced: false,
    isSeeking: false,
    isLoading: false,
    goal: /** @type {any} */ (null),
    read: 0,
    looked: "",
  });
  const [, setRange] = useState(() => ranges.get(room));
  const range = partOf(room);
  /** How many are drawn of the end. */
  const [many, setMany] = useState(PAGE);
  const [active, setActive] = useState(/** @type {number|null} */ (null));
  const [isAway, setAway] = useState(false);
  const [isLoading, setLoading] = useState(false);
  const line = useNewLine(room);

  range?.follow();
  /** @type {Message[]} */
  const shown = room.messages.filter(isHere);
  const drawn = range ? range.messages.filter(isHere) : shown.slice(-many);
  /** @type {Entry[]} */
  const waiting = room.outbox.filter((/** @type {Entry} */ { command }) => thread || !command.thread);
  const sends = waiting.filter((entry) => entry.command.type === "send" && !isThere(room, entry));
  const failures = waiting.filter((entry) => entry.command.type !== "send" && entry.state === "failed");
  const { user } = /** @type {any} */ (chat.value);
  const hasMore = range ? range.hasOlder : room.more || many < shown.length;
  const hasNewer = Boolean(range?.hasNewer);
  const happened = [...((range ?? room).happened ?? [])];
  /** Take what happened up to a message, or after the last, and before a day. @param {number} [seq] @param {any} [before] */
  const upTo = (seq = Infinity, before) => {
    const end = happened.findIndex((one) => one.seq > seq || day(Date.parse(one.ts)) === before);
    const frames = happened.splice(0, end < 0 ? happened.length : end);
    return frames.length > 0 && html`<${Happened} key=${`at ${frames[0].seq}`} frames=${frames} />`;
  };
  if (hasMore) upTo(drawn[0]?.seq);

  // On another device, too, something may be made unread.
  if (room.read < at.current.read) held.add(room);
  else if (room.read > at.current.read) held.delete(room);
  at.current.read = room.read;
  // What is drawn, and not what has come since.
  const { have, joining } = room;
  /** Up to here it has been seen; if that is not said, all of it. */
  const markRead = (seq = have ?? 0) => {
    const isShown = box.current?.checkVisibility?.({ visibilityProperty: true }) ?? true;
    // What was missed is seen once all of it is there.
    if (isSeen() && isShown && !held.has(room) && typeof joining !== "number") room.markRead(seq);
  };
  /** Go to the end, but not past what is new, however much that is. @param {any} view */
  const descend = (view) => {
    const next = held.has(room) ? undefined : drawn.find((one) => one.seq > room.read && one.from !== user);
    const node = next && view.querySelector(`[data-seq="${next.seq}"]`);
    const most = node ? node.offsetTop - ABOVE : Infinity;
    view.scrollTop = Math.max(view.scrollTop, Math.min(view.scrollHeight - view.clientHeight, most));
  };

  // --- keeping one's place ---

  /** Be where one was, whatever has become of what is drawn. @param {any} view */
  const keep = (view) => {
    const { isEnd, anchor, goal } = at.current;
    // On the way elsewhere one is nowhere.
    if (goal) return;
    if (isEnd) descend(view);
    else if (anchor) restore(view, anchor);
    at.current.top = view.scrollTop;
  };
  /** Whether the reader has moved since his place was noted. Where only what is drawn has, the place holds. @param {any} view */
  const hasMoved = (view) => view.scrollTop !== at.current.top;

  const view = box.current;
  if (view && at.current.isPlaced && !at.current.isEnd && hasMoved(view)) at.current.anchor = anchorOf(view);

  useLayoutEffect(() => {
    const view = box.current;
    if (at.current.goal) arrive(view);
    else if (!at.current.isPlaced) {
      if (at.current.isSeeking || (!drawn.length && room.more)) return;
      at.current.isPlaced = true;
      begin(view);
    } else keep(view);
  });

  /** Where one begins to read. @param {any} view */
  function begin(view) {
    at.current.top = -1;
    if (line !== null && wanted && !wanted.isThere) {
      // One goes elsewhere, and has seen nothing here.
      Object.assign(at.current, { isPlaced: false, isSeeking: true });
      return;
    }
    const was = places.get(place);
    const mark = view.querySelector(".new-line");
    if (was && !mark) restore(view, was);
    else if (mark) view.scrollTop = mark.offsetTop - view.clientHeight / 4;
    else if (line !== null && hasMore && !was && !range) {
      toUnread(line);
      return;
    } else view.scrollTop = view.scrollHeight;
    look();
  }

  /** Begin with what is new, which begins before what is held. @param {number} read */
  async function toUnread(read) {
    Object.assign(at.current, { isPlaced: false, isSeeking: true });
    const found = await load(async () => (await learn()).Range.around(room, read + 1, false));
    at.current.isSeeking = false;
    if (found) return stay(found);
    // Nothing that was not seen is taken for read.
    at.current.isPlaced = true;
    if (box.current) box.current.scrollTop = 0;
    latest.current.look();
  }

  /** @param {any} view */
  const isAtEnd = (view) => toGo(view) < NEAR && !hasNewer;

  /** Take note of where one is, which draws nothing again unless that has changed. */
  function look() {
    const view = box.current;
    if (!view || !at.current.isPlaced) return;
    // Letters may have become larger a moment ago, which brings nobody elsewhere.
    const isSame = !hasMoved(view);
    if (isSame) keep(view);
    const was = isSame && !at.current.isEnd ? at.current.anchor : null;
    const isEnd = isAtEnd(view);
    // It may be called again before what it has changed is drawn.
    let where = partOf(room);
    Object.assign(at.current, { isEnd, top: view.scrollTop });
    setAway(!isEnd);
    if (isEnd) {
      places.delete(place);
      // One may be on the way elsewhere, where nothing is drawn yet.
      if (where && !at.current.goal) follow();
      markRead();
    } else {
      const anchor = was ?? anchorOf(view);
      at.current.anchor = anchor;
      // Where one has jumped to from what was read, what lies between was not seen.
      if ((drawn[0]?.seq ?? 0) <= room.read + 1 || !hasMore) markRead(seenIn(view));
      if (anchor) places.set(place, anchor);
      // What comes below moves nothing out at the top.
      if (ways && !where && drawn.length) {
        where = ways.Range.ofEnd(room, room.messages.indexOf(drawn[0]));
        stay(where);
      }
    }
    if (at.current.isLoading) return;
    const mayAsk = room.live || (!where && !room.more);
    if (view.scrollTop < view.clientHeight && hasMore && mayAsk) older(where);
    else if (toGo(view) < view.clientHeight && hasNewer && (room.live || !where?.isGap)) newer();
  }

  /** Read here. @param {Range} where */
  function stay(where) {
    ranges.set(room, where);
    setRange(where);
  }

  /** Read what comes. */
  function follow() {
    ranges.delete(room);
    ways?.Range.hold(room, []);
    setRange(undefined);
    setMany(PAGE);
  }

  /** @param {() => Promise<any>} what */
  async function load(what) {
    at.current.isLoading = true;
    setLoading(true);
    const found = await tell(what());
    at.current.isLoading = false;
    setLoading(false);
    return found;
  }

  /** @param {Range} [where] */
  const older = (where = range) =>
    load(async () => {
      if (where) return where.older();
      if (many >= MOST) return;
      if (room.more && shown.length < many + PAGE) await room.loadOlder(PAGE);
      setMany(many + PAGE);
    });
  const newer = () => load(async () => range?.newer());

  function toEnd() {
    at.current.isEnd = true;
    follow();
    setAway(false);
    box.current.scrollTop = box.current.scrollHeight;
  }

  const onward = () => {
    target.value = null;
    toEnd();
    // Its button goes, and with it the focus.
    box.current.focus();
  };

  /** Once it is drawn. @param {any} view */
  function arrive(view) {
    const { seq, offset } = at.current.goal;
    const node = view.querySelector(`[data-seq="${seq}"]`);
    if (!node) return;
    Object.assign(at.current, { goal: null, isPlaced: true, isSeeking: false, top: -1 });
    if (offset === undefined) {
      node.scrollIntoView({ block: "center" });
      node.focus({ preventScroll: true });
    } else restore(view, { seq, offset });
    look();
  }

  const one = target.value;
  const wanted = one?.room === room.name && one?.thread === thread ? one : null;
  useEffect(() => {
    if (!wanted || wanted.isThere || room.have === null || !(room.live || room.message(wanted.seq))) return;
    wanted.isThere = true;
    if (!wanted.back) target.value = null;
    go("jump", wanted.seq).then(() => {
      if (!at.current.isSeeking || at.current.goal) return;
      Object.assign(at.current, { isPlaced: true, isSeeking: false });
      latest.current.begin(box.current);
    });
  }, [wanted, room.have === null, room.live]);

  const goBack = () => {
    target.value = null;
    // Its button goes; whoever closes the list is at the message.
    (box.current.querySelector(".message.active") ?? box.current).focus();
    wanted?.back?.();
  };

  // --- what happens around it ---

  const latest = useRef(/** @type {any} */ (null));
  latest.current = {
    room,
    thread,
    drawn,
    range,
    active,
    at,
    box,
    wanted,
    latest,
    begin,
    look,
    keep,
    arrive,
    load,
    stay,
    setActive,
  };
  /** @param {"jump"|"quote"|"again"} what @param {any[]} seqs */
  const go = (what, ...seqs) => tell(learn().then((one) => /** @type {any} */ (one)[what](latest.current, ...seqs)));

  useEffect(() => {
    if (room.have !== null && !drawn.length && room.more) load(() => room.loadOlder(PAGE));
  }, [room, room.have === null, room.from]);

  // A page may have little that is shown here.
  const known = `${room.messages.length} ${room.from} ${range?.from} ${range?.to}`;
  useEffect(() => {
    if (isLoading || at.current.looked === known) return;
    at.current.looked = known;
    latest.current.look();
  });

  useEffect(() => {
    const view = box.current;
    // The composer grows, the window is turned, letters become larger: one stays where one reads.
    const observer = new ResizeObserver(() => {
      if (at.current.isPlaced) latest.current.keep(view);
    });
    observer.observe(view);
    observer.observe(view.firstElementChild);
    eventually(learn).then(() => latest.current.look());
    const seen = () => latest.current.look();
    addEventListener("focus", seen);
    document.addEventListener("visibilitychange", seen);
    return () => {
      held.delete(room);
      observer.disconnect();
      removeEventListener("focus", seen);
      document.removeEventListener("visibilitychange", seen);
    };
  }, []);

  useEffect(() => chat.value?.on("reset", (of) => of === room && go("again")), [room]);

  // What comes while one is at the end and looks has been read.
  useEffect(() => {
    if (!at.current.isPlaced || !at.current.isEnd) return;
    if (isAtEnd(box.current)) markRead();
    else look();
  });

  // One's own words bring one to the end.
  const own = sends.at(-1)?.cid;
  useLayoutEffect(() => {
    if (own && at.current.isPlaced) toEnd();
  }, [own]);

  /** @param {any} event */
  const onKeyDown = (event) => {
    if (ways) ways.walk(event, latest.current);
    else
      learn().then(
        (one) => one.walk(event, latest.current),
        () => {},
      );
  };

  const now = /** @type {any} */ (chat.value).now();
  const picking = pickingOf(thread);
  const of = room.room ?? room;
  const last = drawn.some((one) => one.seq === active) ? active : drawn.at(-1)?.seq;
  const isOffline = connection.value.name === "offline" || connection.value.name === "connecting";
  return html`
    <div class="log-place">
      <div class="log" ref=${box} onScroll=${look} onKeyDown=${onKeyDown} tabindex=${drawn.length ? -1 : 0}
        role="log" aria-label=${room.label ?? t("messages", { room: roomName(room.name) })} aria-busy=${isLoading || room.joining !== undefined}>
        <div class="lines">
          <${Top} room=${room} hasMore=${hasMore} isLoading=${isLoading} older=${() => older()} select=${setActive} />
          <ol>
            ${drawn.flatMap((message, index) => {
              const before = drawn[index - 1];
              const isNewDay = !before || day(before.ts) !== day(message.ts);
              const isLine = line !== null && message.seq > line && (before ? before.seq <= line : !hasMore);
              const earlier = isNewDay && upTo(message.seq, day(message.ts));
              const told = upTo(message.seq);
              const quoted = message.replyTo === undefined ? undefined : room.message(message.replyTo);
              // Each by its key in one list: whatever comes or goes before it, it is not drawn anew.
              return [
                earlier,
                isNewDay &&
                  html`<li class="day" key=${`day ${message.seq}`}><span>${dayName(message.ts, now, locale, { today: t("today"), yesterday: t("yesterday") })}</span></li>`,
                told,
                isLine && html`<li class="day new-line" key="new"><span>${t("newLine")}</span></li>`,
                html`<${Line} key=${message.seq} room=${of} message=${message} version=${versionOf(of, message)} within=${thread}
                  isFollowing=${!isNewDay && !isLine && !told && follows(before, message, thread)} isActive=${message.seq === last} isPicking=${message.seq === picking}
                  going=${goingOf(of, message.seq)}
                  pending=${stable(pendingOf(of, message.seq))} quotedText=${quoted && textOf(of, quoted)}
                  quotedName=${shownName(quoted?.from ?? "")} select=${setActive} jump=${steady(room, (/** @type {number[]} */ ...seqs) => go("quote", ...seqs))} />`,
              ];
            })}
            ${!hasNewer && upTo()}
            ${(hasNewer ? NONE : [...sends, ...failures]).map(
              (entry, index) => html`
              <${Waiting} key=${entry.cid} entry=${entry} state=${entry.state} why=${entry.error?.code} isOffline=${isOffline}
                isFollowing=${index > 0 || (drawn.length > 0 && drawn.at(-1)?.from === user && now - (drawn.at(-1)?.ts ?? 0) < 300_000)} />`,
            )}
          </ol>
          ${
            hasNewer &&
            html`<p class="center older">${isLoading ? html`<span class="quiet">${t("loading")}</span>` : html`<button type="button" class="plain" onClick=${newer}>${t("loadNewer")}</button>`}</p>`
          }
        </div>
      </div>
      <${Ways} back=${wanted?.back && goBack} text=${wanted?.text} onward=${isAway && onward} unread=${room.unread} />
    </div>`;
}

/** Whether an entry of the outbox is in the list of messages already. @param {Room} room @param {any} entry */
const isThere = (room, entry) => entry.seq !== undefined && room.message(entry.seq) !== undefined;

/** @type {any[]} */
const NONE = [];
/** The same empty list each time. @param {any[]} list */
const stable = (list) => (list.length ? list : NONE);

/** @type {WeakMap<Room, {current: Function, call: (...which: number[]) => void}>} */
const jumps = new WeakMap();
/** The same function for each drawing of a room. @param {Room} room @param {Function} jump */
function steady(room, jump) {
  const known = jumps.get(room) ?? {
    current: jump,
    call: (/** @type {number[]} */ ...which) => known.current(...which),
  };
  known.current = jump;
  jumps.set(room, known);
  return known.call;
}

/** Of the messages the first whose end is below a line. @param {any} nodes @param {number} y */
function below(nodes, y) {
  let [low, high] = [0, nodes.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (nodes[middle].getBoundingClientRect().bottom > y) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** How far it is to the end of what is drawn, in px. @param {any} view */
const toGo = (view) => view.scrollHeight - view.scrollTop - view.clientHeight;

/** The first that is seen, and where. @param {any} view */
function anchorOf(view) {
  const { top, bottom } = view.getBoundingClientRect();
  const nodes = view.querySelectorAll("[data-seq]");
  const first = below(nodes, top);
  /** @param {number} n */
  const topOf = (n) => nodes[n].getBoundingClientRect().top;
  if (first === nodes.length) return null;
  // What is cut by a whole px or more may change its height.
  const n = topOf(first) <= top - 1 && nodes[first + 1] && topOf(first + 1) < bottom ? first + 1 : first;
  return { seq: Number(nodes[n].dataset.seq), offset: topOf(n) - top };
}

/** The last that is seen to its end. @param {any} view */
function seenIn(view) {
  const nodes = view.querySelectorAll("[data-seq]");
  return Number(nodes[below(nodes, view.getBoundingClientRect().bottom + 1) - 1]?.dataset.seq ?? 0);
}

/** @param {any} view @param {{seq: number, offset: number}} anchor */
function restore(view, { seq, offset }) {
  const node = view.querySelector(`[data-seq="${seq}"]`);
  if (!node) return;
  const moved = node.getBoundingClientRect().top - view.getBoundingClientRect().top - offset;
  // It takes whole pixels only, and a part of one each time would add up.
  if (Math.abs(moved) >= 1) view.scrollTop += moved;
}

/**
 * Up to where one had read when one came, or looked away: above what is new since then.
 *
 * @param {Room} room @returns {number|null}
 */
function useNewLine(room) {
  const isKnown = room.have !== null;
  const [line, setLine] = useState(() => (isKnown && room.unread ? room.read : null));
  const read = useRef(0);
  useLayoutEffect(() => {
    if (room.read < read.current) setLine(room.read);
    read.current = room.read;
  });
  // Before anything is taken for read.
  useLayoutEffect(() => {
    setLine(isKnown && room.unread ? room.read : null);
  }, [room, isKnown]);
  // Nor what is missed while the connection is away.
  useLayoutEffect(() => {
    if (isKnown && !room.live && !room.unread) setLine(room.read);
  }, [room, isKnown, room.live]);
  useEffect(() => {
    const away = () => !isSeen() && setLine(room.read);
    addEventListener("blur", away);
    document.addEventListener("visibilitychange", away);
    const stop = chat.value?.on(
      "message",
      (message, of) => of.name === room.name && message.from === chat.value?.user && setLine(null),
    );
    return () => {
      removeEventListener("blur", away);
      document.removeEventListener("visibilitychange", away);
      stop?.();
    };
  }, [room]);
  return line !== null && room.messages.some((one) => one.seq > line && one.from !== chat.value?.user) ? line : null;
}

/** What stands above the first message. @param {{room: Room, hasMore: boolean, isLoading: boolean, older: () => void}} props */
const Beginning = ({ room, hasMore, isLoading, older }) => {
  touched(room.name);
  if (room.have === null) return html`<p class="quiet center">${t("loading")}</p>`;
  if (isLoading) return html`<p class="quiet center older">${t("loadingOlder")}</p>`;
  if (hasMore)
    return html`<p class="center older"><button type="button" class="plain" onClick=${older}>${t("loadOlder")}</button></p>`;
  return html`<${Start} room=${room} />`;
};
