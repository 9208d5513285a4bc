// @ts-check
/**
 * Threads, on top of the client library (`chatd.mjs`): what messages show of them, those
 * that are unread, and one that is open. Who shows none need not load it.
 *
 * @module
 */

/** @typedef {import("./chatd.types.d.ts").Frame} Frame */
/** @typedef {import("./chatd.types.d.ts").Message} Message */
/** @typedef {import("./chatd.mjs").Chat} Chat */
/** @typedef {import("./chatd.mjs").Room} Room */

const FACES = 3;
const PAGE = 50;

/** @param {Frame} frame @param {number} asOf @returns {Message} */
const shown = ({ ts, reply_to: replyTo, ...one }, asOf) =>
  /** @type {any} */ ({ reactions: {}, reacted: {}, ...one, ts: Date.parse(ts), replyTo, asOf });

/** An open thread: a page of it, which goes on with what comes. */
export class Thread {
  /** In rising `seq`. @type {Message[]} */
  messages = [];
  /** The first message, if one may read it. @type {Message|undefined} */
  root;
  /** Whether there are replies before `messages`. */
  more = false;

  /** @param {Threads} threads @param {Room} room @param {number} seq Of its first message. */
  constructor(threads, room, seq) {
    this.threads = threads;
    this.room = room;
    this.seq = seq;
  }

  /** Read the newest page, or it anew. */
  async load(limit = PAGE) {
    const { messages, more } = await this.page({ limit });
    Object.assign(this, { messages, more });
  }

  /** Read what is before; resolves to whether there is more. */
  async loadOlder(limit = PAGE) {
    const before = this.messages[0]?.seq;
    if (before === undefined || !this.more) return false;
    const { messages, more } = await this.page({ before, limit });
    this.more = more;
    this.messages = [...messages, ...this.messages.filter((one) => one.seq >= before)];
    return this.more;
  }

  /** Say something in it. @param {string} text @param {number} [to] What it is a reply to. */
  send(text, to = this.messages.at(-1)?.seq ?? this.seq) {
    return this.room.chat.post({ type: "send", room: this.room.name, text, reply_to: to, thread: true });
  }

  /** Say that it has been read up to its end. */
  markRead() {
    const last = this.messages.at(-1)?.seq;
    if (last !== undefined) this.threads.markRead(this.room, this.seq, last);
  }

  /** It is looked at no longer. */
  close() {
    this.threads.open.delete(this);
  }

  /** Read a page from anywhere in it, as of `history`. @param {Frame} where @returns {Promise<any>} */
  async page(where) {
    const { chat, name } = this.room;
    const command = { type: "history", room: name, thread: this.seq, ...where };
    const { root, messages, ...page } = await chat.command(command);
    const hold = (/** @type {Frame} */ one) => this.room.message(one.seq) ?? shown(one, page.as_of);
    this.root = root && hold(root);
    return { ...page, messages: messages.filter((/** @type {Frame} */ one) => !one.hidden).map(hold) };
  }
}

/** What a chat knows of threads. */
export class Threads {
  /** @type {Set<Thread>} */
  open = new Set();
  /** In which threads that one follows something is unread. @type {Map<Room, Set<number>>} */
  unread = new Map();
  /** @type {(() => unknown)[]} */
  #ends;

  /** @param {Chat} chat */
  constructor(chat) {
    this.chat = chat;
    this.#ends = [
      chat.on("message", (message, room) => message.thread && this.#replied(message, message.thread, room)),
      chat.on("change", (message, room) => message.thread && message.deleted && this.#lost(message, room)),
      chat.on("event", (event, room) => event.of && this.#changed(event.of, room)),
      chat.on("reset", (room) => this.#again((thread) => thread.room === room)),
      chat.on("left", ({ room }) => {
        for (const one of this.unread.keys()) if (one.name === room) this.unread.delete(one);
      }),
      chat.on("frame", (frame) => this.#told(frame)),
    ];
    // What has come before this.
    for (const room of chat.rooms.values())
      for (const one of room.messages) if (one.thread && !one.deleted) this.#replied(one, one.thread, room);
    if (chat.state.name === "ready" || chat.state.name === "catching up") this.#count();
  }

  /** Hear of nothing more. */
  close() {
    for (const end of this.#ends) end();
    this.open.clear();
  }

  /** Open the thread of a message. @param {Room} room @param {number} seq */
  async enter(room, seq) {
    const thread = new Thread(this, room, seq);
    await thread.load();
    this.open.add(thread);
    return thread;
  }

  /** A page of the threads that one follows; what `next` says is the next `after`. @param {Frame} [where] */
  async list(where = {}) {
    const { threads, next } = await this.chat.command({ type: "threads", ...where });
    const listed = (/** @type {Frame} */ { room, message }) => ({ room, message: shown(message, 0) });
    return { threads: threads.map(listed), next };
  }

  /** Follow a thread, or no longer. @param {Room} room @param {number} seq @param {boolean} [on] */
  async follow(room, seq, on = true) {
    await this.chat.command({ type: "follow", room: room.name, thread: seq, on });
    this.#follows(room, seq, on);
  }

  /** Say that a thread has been read up to a message. @param {Room} room @param {number} seq @param {number} last */
  markRead(room, seq, last) {
    if (!this.unread.get(room)?.has(seq) && !room.message(seq)?.replies?.unread) return;
    this.#read(room, seq, last);
    this.chat.whisper({ type: "read", room: room.name, thread: seq, seq: last });
  }

  /** What is unread now, after a login. */
  async #count() {
    this.unread.clear();
    /** @type {number|undefined} */
    let after;
    try {
      do {
        const { threads, next } = await this.list({ unread: true, limit: 100, after });
        for (const { room, message } of threads) {
          const where = this.chat.rooms.get(room);
          if (!where) continue;
          this.#set(where).add(message.seq);
          this.#recounted(where, message);
        }
        after = next;
      } while (after);
    } catch {
      // The next login counts anew.
    }
    for (const room of this.unread.keys()) this.chat.emit("room", room);
  }

  /** What came before this was not counted as unread. @param {Room} room @param {Message} message */
  #recounted(room, { seq, replies }) {
    for (const root of this.#roots(room, seq)) {
      if (!replies || (root.replies?.last ?? 0) > replies.last) continue;
      root.replies = replies;
      this.chat.emit("change", root, room);
    }
  }

  /** @param {Room} room */
  #set(room) {
    const found = this.unread.get(room) ?? new Set();
    this.unread.set(room, found);
    return found;
  }

  /** @param {Message} message @param {number} seq @param {Room} room */
  #replied(message, seq, room) {
    for (const thread of this.open) {
      if (thread.room === room && thread.seq === seq) thread.messages = [...thread.messages, message];
    }
    const isOwn = message.from === this.chat.user;
    if (isOwn) this.unread.get(room)?.delete(seq);
    for (const root of this.#roots(room, seq)) this.#counted(root, message, room, isOwn);
  }

  /** The first message of a thread, wherever it is held. @param {Room} room @param {number} seq @returns {Set<Message>} */
  #roots(room, seq) {
    const held = [...this.open].filter((one) => one.room === room && one.seq === seq).map(({ root }) => root);
    return new Set([room.message(seq), ...held].filter((one) => one !== undefined));
  }

  /** @param {Message} root @param {Message} message @param {Room} room @param {boolean} isOwn */
  #counted(root, message, room, isOwn) {
    const { seq, replies: was } = root;
    if (message.seq <= (was?.last ?? 0)) return;
    const users = [...new Set([...(was?.users ?? []), message.from ?? ""])].slice(0, FACES);
    // What is told of it may come before it.
    const follow = isOwn || was?.follow || this.unread.get(room)?.has(seq) || false;
    const unread = isOwn || !follow ? 0 : Math.min((was?.unread ?? 0) + 1, 99);
    const ts = new Date(message.ts).toISOString();
    root.replies = { count: (was?.count ?? 0) + 1, last: message.seq, ts, users, follow, unread };
    this.chat.emit("change", root, room);
  }

  /** A reply was deleted. @param {Message} message @param {Room} room */
  #lost(message, room) {
    for (const root of this.#roots(room, message.thread ?? 0)) {
      if (!root.replies || root.asOf >= message.asOf) continue;
      const count = root.replies.count - 1;
      root.replies = count ? { ...root.replies, count } : undefined;
      this.chat.emit("change", root, room);
    }
  }

  /** What an open thread holds beside its room is read again when it changes. @param {number} of @param {Room} room */
  #changed(of, room) {
    this.#again((one) => {
      const held = of === one.seq ? one.root : one.messages.find(({ seq }) => seq === of);
      return one.room === room && held !== undefined && held !== room.message(of);
    });
  }

  /** @param {(thread: Thread) => boolean} which */
  #again(which) {
    for (const thread of this.open) {
      if (!which(thread)) continue;
      const limit = Math.min(Math.max(thread.messages.length, PAGE), 100);
      const done = () => this.chat.emit("room", thread.room);
      thread.load(limit).then(done, () => {});
    }
  }

  /** @param {Frame} frame */
  #told(frame) {
    if (frame.type === "welcome") this.#count();
    const room = this.chat.rooms.get(frame.room);
    if (!room || "re" in frame) return;
    if (frame.type === "follow") this.#follows(room, frame.thread, frame.on);
    else if (frame.type === "thread_read") this.#read(room, frame.thread, frame.seq);
    else if (frame.type === "thread") {
      this.#set(room).add(frame.thread);
      this.#show(room, frame.thread, (was) => ({
        follow: true,
        unread: was.unread || (was.last >= frame.seq ? 1 : 0),
      }));
    }
  }

  /** @param {Room} room @param {number} seq @param {boolean} on */
  #follows(room, seq, on) {
    if (!on) this.unread.get(room)?.delete(seq);
    this.#show(room, seq, ({ unread }) => ({ follow: on, unread: on ? unread : 0 }));
  }

  /** @param {Room} room @param {number} seq @param {number} last */
  #read(room, seq, last) {
    const [root] = this.#roots(room, seq);
    const isAll = last >= (root?.replies?.last ?? last);
    if (isAll) this.unread.get(room)?.delete(seq);
    this.#show(room, seq, () => (isAll ? { unread: 0 } : {}));
  }

  /**
   * Have the first message of a thread show something else of it.
   *
   * @param {Room} room @param {number} seq
   * @param {(was: import("./chatd.types.d.ts").Replies) => Partial<import("./chatd.types.d.ts").Replies>} changes
   */
  #show(room, seq, changes) {
    for (const root of this.#roots(room, seq)) {
      if (root.replies) root.replies = { ...root.replies, ...changes(root.replies) };
      this.chat.emit("change", root, room);
    }
    this.chat.emit("room", room);
  }
}
