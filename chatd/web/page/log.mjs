// @ts-check
/**
 * The messages of a room, and where in them one is.
 *
 * Whoever is at the end follows what comes; whoever reads further up stays where he is,
 * whatever comes before or behind, and is told how much is new below. Only so many
 * messages are drawn as one can have scrolled to.
 */

import { Icon } from "./icons.mjs";
import { Line, pendingOf, pickingOf, Waiting } from "./message.mjs";
import { partner, roomName, shownName } from "./names.mjs";
import { tell } from "./reasons.mjs";
import { chat, connection, touched } from "./state.mjs";
import { day, dayName, follows } from "./time.mjs";
import { html, useEffect, useLayoutEffect, useRef, useState } from "./ui.mjs";
import { locale, t } from "./words.mjs";

/** @typedef {import("./chatd.mjs").Room} Room */
/** @typedef {import("./chatd.mjs").Message} Message */

const PAGE = 60;
/** More than this is not drawn while one follows the end. */
const MOST = 200;
/** So near the end is at the end, in px. */
const NEAR = 48;

/** Where one was in rooms that one comes back to: a message, and how far from the top. */
const places = /** @type {Map<string, {seq: number, offset: number}>} */ (new Map());

const isSeen = () => !document.hidden && document.hasFocus();

/** @param {{room: Room}} props */
export function Log({ room }) {
  touched(room.name);
  const box = useRef(/** @type {any} */ (null));
  /** What must not make the list be drawn again. */
  const at = useRef({ isEnd: true, anchor: /** @type {any} */ (null), isPlaced: false });
  /** The `seq` from which messages are drawn; 0 is the last page. */
  const [start, setStart] = useState(() => startOf(room));
  const [active, setActive] = useState(/** @type {number|null} */ (null));
  const [behind, setBehind] = useState(/** @type {number|null} */ (null));
  const [isLoading, setLoading] = useState(false);
  const line = useNewLine(room);

  const shown = room.messages;
  const from = start ? shown.findIndex((one) => one.seq >= start) : -1;
  const drawn = shown.slice(from >= 0 ? from : Math.max(0, shown.length - PAGE));
  const sends = room.outbox.filter((entry) => entry.command.type === "send" && !isThere(room, entry));
  const failures = room.outbox.filter((entry) => entry.command.type !== "send" && entry.state === "failed");
  const { user } = /** @type {any} */ (chat.value);
  const newBelow = behind === null ? 0 : shown.filter((one) => one.seq > behind && one.from !== user).length;
  const hasMore = room.more || drawn.length < shown.length;

  // --- keeping one's place ---

  const view = box.current;
  if (view && at.current.isPlaced && !at.current.isEnd) at.current.anchor = anchorOf(view);

  useLayoutEffect(() => {
    const view = box.current;
    if (!at.current.isPlaced) {
      if (!drawn.length && room.more) return;
      at.current.isPlaced = true;
      place(view);
    } else if (at.current.isEnd) view.scrollTop = view.scrollHeight;
    else if (at.current.anchor) restore(view, at.current.anchor);
  });

  /** Where one begins to read. @param {any} view */
  function place(view) {
    const was = places.get(room.name);
    const mark = view.querySelector(".new-line");
    if (was && !mark) restore(view, was);
    else if (mark) view.scrollTop = mark.offsetTop - view.clientHeight / 4;
    else view.scrollTop = view.scrollHeight;
    look();
  }

  /** Take note of where one is, which draws nothing again unless that has changed. */
  function look() {
    const view = box.current;
    if (!view || !at.current.isPlaced) return;
    const isEnd = view.scrollHeight - view.scrollTop - view.clientHeight < NEAR;
    at.current.isEnd = isEnd;
    if (isEnd) {
      places.delete(room.name);
      setBehind(null);
      if (start && drawn.length > MOST) setStart(0);
      if (isSeen()) room.markRead();
    } else {
      const anchor = anchorOf(view);
      if (anchor) places.set(room.name, anchor);
      // What comes below moves nothing out at the top.
      if (!start) setStart(drawn[0]?.seq ?? 0);
      setBehind((one) => one ?? room.messages.at(-1)?.seq ?? 0);
    }
    if (view.scrollTop < view.clientHeight && hasMore && !isLoading && (room.live || !room.more)) older();
  }

  async function older() {
    const first = drawn[0]?.seq ?? Infinity;
    setLoading(true);
    if (room.more && shown.findIndex((one) => one.seq === first) < PAGE) await tell(room.loadOlder());
    const all = room.messages;
    const index = all.findIndex((one) => one.seq >= first);
    setStart(all[Math.max(0, (index < 0 ? all.length : index) - PAGE)]?.seq ?? 0);
    setLoading(false);
  }

  function toEnd() {
    at.current.isEnd = true;
    setStart(0);
    setBehind(null);
    box.current.scrollTop = box.current.scrollHeight;
  }

  const onward = () => {
    toEnd();
    // Its button goes, and with it the focus.
    box.current.focus();
  };

  /** Show a message that another one answers. @param {number} seq */
  async function jump(seq) {
    if (!(await tell(room.loadAround(seq)))) return;
    at.current.isEnd = false;
    setStart((one) => Math.min(one || Infinity, seq, drawn[0]?.seq ?? seq));
    setActive(seq);
    requestAnimationFrame(() =>
      requestAnimationFrame(() => {
        const node = box.current?.querySelector(`[data-seq="${seq}"]`);
        node?.scrollIntoView({ block: "center" });
        node?.focus({ preventScroll: true });
      }),
    );
  }

  // --- what happens around it ---

  const latest = useRef(look);
  latest.current = look;

  useEffect(() => {
    if (room.have !== null && !room.messages.length && room.more) older();
  }, [room, room.have === null]);

  useEffect(() => {
    const view = box.current;
    // The composer grows, the window changes, a picture arrives: the end stays the end.
    const observer = new ResizeObserver(() => {
      if (at.current.isEnd) view.scrollTop = view.scrollHeight;
    });
    observer.observe(view);
    observer.observe(view.firstElementChild);
    const seen = () => latest.current();
    addEventListener("focus", seen);
    document.addEventListener("visibilitychange", seen);
    return () => {
      observer.disconnect();
      removeEventListener("focus", seen);
      document.removeEventListener("visibilitychange", seen);
    };
  }, []);

  // What comes while one is at the end and looks has been read.
  useEffect(() => {
    if (at.current.isPlaced && at.current.isEnd && isSeen()) room.markRead();
  });

  // One's own words bring one to the end.
  const own = sends.at(-1)?.cid;
  useLayoutEffect(() => {
    if (own && at.current.isPlaced) toEnd();
  }, [own]);

  /** @param {any} event */
  const onKeyDown = (event) => {
    if (event.target.closest("input, textarea, .picker")) return;
    const tool = event.target.querySelector(":scope > .tools button");
    if (tool && event.key === "Enter") {
      event.preventDefault();
      tool.focus();
    }
    const index = drawn.findIndex((one) => one.seq === active);
    /** @type {Record<string, number>} */
    const goals = {
      ArrowUp: index < 0 ? drawn.length - 1 : index - 1,
      ArrowDown: index + 1,
      Home: 0,
      End: drawn.length - 1,
    };
    const goal = drawn[goals[event.key]];
    if (!goal || !event.target.closest(".message")) return;
    event.preventDefault();
    setActive(goal.seq);
    const node = box.current.querySelector(`[data-seq="${goal.seq}"]`);
    node?.focus();
    node?.scrollIntoView({ block: "nearest" });
  };

  const now = /** @type {any} */ (chat.value).now();
  const picking = pickingOf();
  const last = active ?? drawn.at(-1)?.seq;
  const isOffline = connection.value.name === "offline" || connection.value.name === "connecting";
  return html`
    <div class="log-place">
      <div class="log" ref=${box} onScroll=${look} onKeyDown=${onKeyDown} tabindex=${drawn.length ? -1 : 0}
        role="log" aria-label=${t("messages", { room: roomName(room.name) })} aria-busy=${isLoading || room.joining !== undefined}>
        <div class="lines">
          <${Top} room=${room} hasMore=${hasMore} isLoading=${isLoading} older=${older} />
          <ol>
            ${drawn.map((message, index) => {
              const before = drawn[index - 1];
              const isNewDay = !before || day(before.ts) !== day(message.ts);
              const isLine = line !== null && message.seq > line && (!before || before.seq <= line);
              const quoted = message.replyTo === undefined ? undefined : room.message(message.replyTo);
              return [
                isNewDay &&
                  html`<li class="day" key=${`day ${message.seq}`}><span>${dayName(message.ts, now, locale, { today: t("today"), yesterday: t("yesterday") })}</span></li>`,
                isLine && html`<li class="day new-line" key="new"><span>${t("newLine")}</span></li>`,
                html`<${Line} key=${message.seq} room=${room} message=${message} version=${`${message.asOf} ${shownName(message.from ?? "")}`}
                  isFollowing=${!isNewDay && !isLine && follows(before, message)} isActive=${message.seq === last} isPicking=${message.seq === picking}
                  pending=${stable(pendingOf(room, message.seq))} quoted=${quoted} quotedVersion=${quoted?.asOf}
                  quotedName=${shownName(quoted?.from ?? "")} select=${setActive} jump=${steady(room, jump)} />`,
              ];
            })}
            ${[...sends, ...failures].map(
              (entry, index) => html`
              <${Waiting} key=${entry.cid} entry=${entry} state=${entry.state} why=${entry.error?.code} isOffline=${isOffline}
                isFollowing=${index > 0 || (drawn.length > 0 && drawn.at(-1)?.from === user && now - (drawn.at(-1)?.ts ?? 0) < 300_000)} />`,
            )}
          </ol>
        </div>
      </div>
      ${
        behind !== null &&
        html`
        <button type="button" class="pill" onClick=${onward}><${Icon} name="down" /> ${newBelow ? t("nNew", { n: newBelow }) : t("toLatest")}</button>`
      }
    </div>`;
}

/** Whether an entry of the outbox is in the list of messages already. @param {Room} room @param {any} entry */
const isThere = (room, entry) => entry.seq !== undefined && room.message(entry.seq) !== undefined;

/** @type {any[]} */
const NONE = [];
/** The same empty list each time. @param {any[]} list */
const stable = (list) => (list.length ? list : NONE);

/** @type {WeakMap<Room, {current: Function, call: (seq: number) => void}>} */
const jumps = new WeakMap();
/** The same function for each drawing of a room. @param {Room} room @param {Function} jump */
function steady(room, jump) {
  const known = jumps.get(room) ?? { current: jump, call: (/** @type {number} */ seq) => known.current(seq) };
  known.current = jump;
  jumps.set(room, known);
  return known.call;
}

/** From where to draw what one saw last, if one was not at the end. @param {Room} room */
function startOf({ name, messages }) {
  const was = places.get(name);
  const index = was ? messages.findIndex((one) => one.seq >= was.seq) : -1;
  return index < 0 ? 0 : messages[Math.max(0, index - PAGE / 2)].seq;
}

/** The first message that is seen, and how far from the top it is. @param {any} view */
function anchorOf(view) {
  const top = view.getBoundingClientRect().top;
  for (const node of view.querySelectorAll("[data-seq]")) {
    const box = node.getBoundingClientRect();
    if (box.bottom > top) return { seq: Number(node.dataset.seq), offset: box.top - top };
  }
  return null;
}

/** @param {any} view @param {{seq: number, offset: number}} anchor */
function restore(view, { seq, offset }) {
  const node = view.querySelector(`[data-seq="${seq}"]`);
  if (!node) return;
  view.scrollTop += node.getBoundingClientRect().top - view.getBoundingClientRect().top - offset;
}

/**
 * Up to where one had read when one came, or looked away: above what is new since then.
 *
 * @param {Room} room @returns {number|null}
 */
function useNewLine(room) {
  const [line, setLine] = useState(/** @type {number|null} */ (null));
  const isKnown = room.have !== null;
  // Before anything is taken for read.
  useLayoutEffect(() => {
    setLine(isKnown && room.unread ? room.read : null);
  }, [room, isKnown]);
  useEffect(() => {
    const away = () => !isSeen() && setLine(room.read);
    addEventListener("blur", away);
    document.addEventListener("visibilitychange", away);
    const stop = chat.value?.on(
      "message",
      (message, of) => of === room && message.from === chat.value?.user && setLine(null),
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
const Top = ({ room, hasMore, isLoading, older }) => {
  touched(room.name);
  if (room.have === null) return html`<p class="quiet center">${t("loading")}</p>`;
  if (isLoading) return html`<p class="quiet center older">${t("loadingOlder")}</p>`;
  if (hasMore)
    return html`<p class="center older"><button type="button" class="plain" onClick=${older}>${t("loadOlder")}</button></p>`;
  const name = partner(room.name);
  const isPrivate = room.name.startsWith("~");
  return html`
    <div class="beginning">
      <h2>${name ? t("beginningDirect", { name: shownName(name) }) : t("beginning", { room: roomName(room.name) })}</h2>
      ${!name && room.first > 1 && room.messages.length > 0 && html`<p>${t("olderGone")}</p>`}
      ${!name && html`<p>${isPrivate ? t("emptyPrivate") : t("emptyPublic")}</p>`}
    </div>`;
};
