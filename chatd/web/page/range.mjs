// @ts-check
/**
 * The part of a room's timeline in which somebody reads who is not at its end.
 *
 * A room holds its end, and what comes there. Between that and a range there may be a gap,
 * which is filled as far as somebody scrolls into it; what is far from where he is, is let
 * go. So a page holds little of a room, however long it is and however far one goes.
 */

/** @typedef {import("./chatd.mjs").Room} Room */
/** @typedef {import("./chatd.mjs").Message} Message */
/** @typedef {import("./chatd.mjs").Frame} Frame */

/** So many messages come, and go, at a time. */
export const PAGE = 60;
/** More are not held, */
export const MOST = 300;
/** nor more of what happened between them, than the end of a room has and a page brings. */
export const HAPPENED = 600;

/** @param {any} one */
const isSeen = (one) => !one.hidden;

/** One part without a hole. */
export class Range {
  /** What `room.elsewhere` is, as long as this is what is read. @type {Map<number, Message>|undefined} */
  #held;

  /**
   * @param {Room} room
   * @param {Message[]} messages In rising `seq`.
   * @param {number} from What is in it begins with this `seq`,
   * @param {number} to and ends with this.
   * @param {Frame[]} [happened] What happened between them, in rising `seq`.
   */
  constructor(room, messages, from, to, happened = []) {
    this.room = room;
    this.messages = messages;
    this.happened = happened;
    this.from = from;
    this.to = to;
    this.#cutEnd();
    this.#hold();
  }

  /**
   * What of the end of a room is around one of its messages.
   *
   * @param {Room} room @param {number} index In `room.messages`, of the first one that is wanted.
   */
  static ofEnd(room, index) {
    const messages = room.messages.slice(index);
    const from = index ? messages[0].seq : room.from;
    return new Range(room, messages, from, room.have ?? 0, happenedIn(room, from));
  }

  /**
   * Load what is around a message, wherever it is.
   *
   * @param {Room} room @param {number} seq @param {boolean} [isExact] Whether that one has to be there.
   * @returns {Promise<Range|undefined>} Nothing if there is no such message.
   */
  static async around(room, seq, isExact = true) {
    const place = room.messages.findIndex((one) => (isExact ? one.seq === seq : one.seq >= seq && room.from <= seq));
    if (place >= 0) return Range.ofEnd(room, Math.max(0, place - PAGE));
    if (seq < room.first || seq > (room.have ?? 0)) return;
    const held = new Set(room.elsewhere.keys());
    const [before, after] = await Promise.all([
      room.history({ before: seq + 1, limit: PAGE }),
      room.history({ after: seq, limit: PAGE }),
    ]);
    if (!before || !after) return;
    if (isExact && !before.messages.some((/** @type {Message} */ one) => one.seq === seq && !one.hidden)) {
      for (const one of room.elsewhere.keys()) if (!held.has(one)) room.elsewhere.delete(one);
      return;
    }
    const messages = [...before.messages, ...after.messages].filter(isSeen);
    return new Range(room, messages, before.start, after.end, [...eventsOf(before), ...eventsOf(after)]);
  }

  /**
   * Have a room hold what is read apart from its end, and what of that is quoted.
   *
   * @param {Room} room @param {Message[]} messages
   */
  static hold(room, messages) {
    const quoted = new Set([...messages, ...room.messages].map((one) => one.replyTo));
    const kept = [...room.elsewhere.values()].filter((one) => quoted.has(one.seq));
    room.elsewhere = new Map([...kept, ...messages].map((one) => [one.seq, one]));
    return room.elsewhere;
  }

  /** Whether the room began anew since, or is read somewhere else. */
  get isOver() {
    return this.room.elsewhere !== this.#held;
  }

  /** Whether there are messages before. */
  get hasOlder() {
    return this.from > this.room.first;
  }

  /** Whether something is behind. */
  get hasNewer() {
    const { have, messages, happened = [] } = this.room;
    const last = Math.max(messages.at(-1)?.seq ?? 0, happened.at(-1)?.seq ?? 0);
    return this.to < (have ?? 0) && (this.isGap || last > this.to);
  }

  /** Whether the end of the room does not go on where this ends. */
  get isGap() {
    return this.room.from > this.to + 1;
  }

  /** Put a page before, and let go of as much behind. */
  async older() {
    const { from, room } = this;
    if (!this.hasOlder) return;
    const page = await room.history({ before: from, limit: PAGE });
    if (!page || this.from !== from) return;
    this.from = page.start;
    this.messages = [...page.messages.filter(isSeen), ...this.messages];
    this.happened = [...eventsOf(page), ...this.happened];
    this.#cutEnd();
    this.#hold();
  }

  /** Put a page behind, and let go of as much before. */
  async newer() {
    const { to, room } = this;
    if (this.isGap) {
      const page = await room.history({ after: to, limit: PAGE });
      if (!page || this.to !== to) return;
      this.to = Math.max(to, page.end);
      this.messages = [...this.messages, ...page.messages.filter(isSeen)];
      this.happened = [...this.happened, ...eventsOf(page)];
    } else this.#follow(PAGE);
    const { messages, happened } = this;
    const starts = [messages[messages.length - MOST], happened[happened.length - HAPPENED]];
    this.#keep(Math.max(this.from, ...starts.map((one) => one?.seq ?? 0)), this.to);
    this.#hold();
  }

  /** Take up what has come, as long as there is room for it; nothing that one reads moves. */
  follow() {
    const { to } = this;
    if (this.isGap || to >= (this.room.have ?? 0)) return;
    this.#follow(MOST - this.messages.length);
    this.#cutEnd();
    if (this.to !== to) this.#hold();
  }

  /** @param {number} most */
  #follow(most) {
    const { messages, have } = this.room;
    const { to } = this;
    const next = messages.findLastIndex((one) => one.seq <= to) + 1;
    const added = messages.slice(next, next + most);
    if (next + added.length === messages.length) this.to = have ?? to;
    else if (added.length) this.to = added[added.length - 1].seq;
    this.messages = [...this.messages, ...added];
    this.happened = [...this.happened, ...happenedIn(this.room, to + 1, this.to)];
  }

  /** Let go of what is too much at the end. */
  #cutEnd() {
    const ends = [this.messages[MOST - 1], this.happened[HAPPENED - 1]];
    const isMore = this.messages.length > MOST || this.happened.length > HAPPENED;
    if (isMore) this.#keep(this.from, Math.min(...ends.map((one) => one?.seq ?? this.to)));
  }

  /** Let go of what is not in this part. @param {number} from @param {number} to */
  #keep(from, to) {
    /** @param {any} one */
    const isIn = ({ seq }) => seq >= from && seq <= to;
    Object.assign(this, { from, to });
    this.messages = this.messages.filter(isIn);
    this.happened = this.happened.filter(isIn);
  }

  /** Let the room work changes into what is in here, and into nothing else. */
  #hold() {
    const { room } = this;
    if (this.from < room.first) this.#keep(room.first, this.to);
    this.#held = Range.hold(room, this.messages);
  }
}

/**
 * What happened in a part of the end of a room; in a thread nothing does.
 *
 * @param {Room} room @param {number} from @param {number} [to]
 */
const happenedIn = ({ happened = [] }, from, to = Infinity) => happened.filter(({ seq }) => seq >= from && seq <= to);

/** @param {any} page @returns {Frame[]} */
const eventsOf = ({ events = [] }) => events;
