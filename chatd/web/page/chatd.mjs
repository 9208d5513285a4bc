// @ts-check
/**
 * The client library of chatd (`contrib/npm/README.md`), for browsers, Node, Deno and Bun.
 *
 * @module
 */

/** @typedef {import("./chatd.types.d.ts").Frame} Frame */
/** @typedef {import("./chatd.types.d.ts").State} State */
/** @typedef {import("./chatd.types.d.ts").Message} Message */
/** @typedef {import("./chatd.types.d.ts").Entry} Entry */
/** @typedef {import("./chatd.types.d.ts").Person} Person */
/** @typedef {import("./chatd.types.d.ts").Options} Options */
/** @typedef {import("./chatd.types.d.ts").Events} Events */
/** @typedef {import("./chatd.types.d.ts").Kept} Kept */

/** The daemon's refusal, or `disconnected`. */
export class Failure extends Error {
  /** @param {Frame} frame */
  constructor({ code, text = code, field, retry_after: retryAfter }) {
    super(text);
    /** @type {string} */
    this.code = code;
    /** @type {string} */
    this.text = text;
    /** @type {string|undefined} */
    this.field = field;
    /** Seconds. @type {number|undefined} */
    this.retryAfter = retryAfter;
  }
}

/** Done once however often sent: they have a `cid`. */
const DURABLE = new Set(
  "send edit delete react pin create room rename destroy invite kick ban unban mute unmute role".split(" "),
);

const lost = () => new Failure({ code: "disconnected" });

const EDGE = {
  now: () => Date.now(),
  random: () => Math.random(),
  later: (/** @type {number} */ ms, /** @type {() => void} */ fn) => /** @type {any} */ (setTimeout(fn, ms)),
  never: (/** @type {any} */ timer) => clearTimeout(timer),
};

/** @param {Options} options @param {string} url */
const dial = (options, url) => new (options.WebSocket ?? globalThis.WebSocket)(url, ["chatd.v1"]);

/**
 * Ask one thing without logging in, such as `about`.
 *
 * @param {string} url @param {Frame} command @param {Options} [options] @returns {Promise<any>}
 */
export function once(url, command, options = {}) {
  return new Promise((resolve, reject) => {
    const socket = dial(options, url);
    socket.onopen = () => socket.send(JSON.stringify(command));
    socket.onerror = () => {};
    socket.onclose = () => reject(lost());
    socket.onmessage = (/** @type {any} */ event) => {
      const frame = JSON.parse(event.data);
      if (!("re" in frame)) return;
      if (frame.type === "error") reject(new Failure(frame));
      else resolve(frame);
      socket.close(1000);
    };
  });
}

const SETTINGS = "topic title slow_s post history keep_days keep_messages archived".split(" ");

/** @param {Frame} from */
const settingsOf = (from) => Object.fromEntries(SETTINGS.filter((key) => key in from).map((key) => [key, from[key]]));

/** @param {Frame[]} [users] @returns {Map<string, any>|null} */
const byName = (users) => (users ? new Map(users.map((one) => [one.name, one])) : null);

const blank = () => ({
  text: undefined,
  edited: undefined,
  pinned: undefined,
  reactions: {},
  reacted: {},
});

/** @param {any} frame @param {number} asOf @param {any} [into] @returns {Message} */
const shown = ({ type, room, epoch, ts, reply_to: replyTo, replies, ...one }, asOf, into = {}) =>
  Object.assign(into, blank(), one, { ts: Date.parse(ts), replies, replyTo, asOf });

/** A room: its messages, and who is there. */
export class Room {
  /** From `from` to `have` without a hole, in rising `seq`. @type {Message[]} */
  messages = [];
  /** What happened between them. @type {Frame[]} */
  happened = [];
  /** What `history` has brought. @type {Map<number, Message>} */
  elsewhere = new Map();
  /** `messages` begins with this `seq`. */
  from = 0;
  /** Everything up to this `seq` is known; null before the first answer. @type {number|null} */
  have = null;
  /** @type {string|undefined} */
  epoch;
  /** The lowest `seq` that can be read. */
  first = 1;
  /** Of more messages the oldest go; `loadOlder` raises it. */
  limit = 1000;
  /** What one wants to be called for: `all`, `mentions` or `nothing`. */
  level = "all";
  /** How far one has read, and what is behind it. */
  read = 0;
  unread = 0;
  mentions = 0;
  /** What addresses one. @type {Set<number>} */
  mentioned = new Set();
  /** Those not the default's. @type {Record<string, any>} */
  settings = {};
  role = "member";
  online = 0;
  /** Who is online; null while they are too many. @type {Map<string, Person>|null} */
  people = null;
  /** Who is writing, and until when. @type {Map<string, number>} */
  typing = new Map();
  /** Up to where others have read, if that is told. @type {Map<string, number>} */
  marks = new Map();
  /** Whether this connection follows the room. */
  live = false;
  /** The join that is not answered, or the `id` of one not caught up. @type {Frame|number|undefined} */
  joining;
  /** What `welcome` has counted, until it is taken. @type {number|undefined} */
  #counted;
  /** Changes that came while a page was asked for. @type {Frame[]} */
  #late = [];
  /** How many are asked for. */
  #pages = 0;
  /** @type {Promise<boolean>|undefined} */
  #loading;
  #typed = 0;
  #isMarking = false;
  /** A mark not told. @type {Frame|undefined} */
  #untold;
  #upto = 0;

  /** @param {Chat} chat @param {string} name */
  constructor(chat, name) {
    this.chat = chat;
    this.name = name;
  }

  /** Whether there are messages before `messages`. */
  get more() {
    return this.from > this.first;
  }

  /** What waits to be sent. */
  get outbox() {
    return this.chat.outbox.filter(({ command }) => this.chat.target(command) === this.name);
  }

  /** @param {number} seq @returns {Message|undefined} */
  message(seq) {
    return this.messages.findLast((one) => one.seq === seq) ?? this.elsewhere.get(seq);
  }

  /** Load what is before, at most 100. @param {number} [limit] */
  loadOlder(limit = 50) {
    this.#loading ??= this.#older(limit).finally(() => (this.#loading = undefined));
    return this.#loading;
  }

  /** @param {number} limit @returns {Promise<boolean>} */
  async #older(limit) {
    const { from } = this;
    if (!this.more) return false;
    const page = await this.history({ before: from, limit });
    if (!page || this.from !== from) return this.#older(limit);
    const { events = [], messages } = page;
    for (const { seq } of messages) this.elsewhere.delete(seq);
    this.from = page.start;
    this.happened = [...events, ...this.happened.filter(({ seq }) => seq >= from)];
    this.messages.unshift(...messages.filter((/** @type {Message} */ one) => !one.hidden));
    this.limit = Math.max(this.limit, this.messages.length);
    this.#count();
    this.chat.emit("room", this);
    return this.more;
  }

  /** Load a page from anywhere; undefined if the room began anew. @param {Frame} which @returns {Promise<any>} */
  async history(which) {
    if (!this.#pages++) this.#late = [];
    try {
      const page = await this.chat.command({ type: "history", room: this.name, events: true, ...which });
      if (page.epoch !== this.epoch) return;
      this.first = page.first;
      page.messages = page.messages.map((/** @type {any} */ one) => {
        // No event tells of an erasure.
        const now = shown(one, page.as_of, this.message(one.seq));
        this.elsewhere.set(one.seq, now);
        return now;
      });
      for (const change of this.#late) this.#change(change);
      return page;
    } finally {
      this.#pages -= 1;
    }
  }

  /** Say that everything up to `seq` has been read. */
  markRead(seq = this.have ?? 0) {
    if (seq > this.read) this.#tell(seq);
  }

  /** Have `seq` and what is behind it be unread again. @param {number} seq */
  markUnread(seq) {
    this.#tell(seq - 1, { back: true });
  }

  /** Tell it soon: too many would be dropped. @param {number} seq */
  #tell(seq, untold = this.#untold ?? {}) {
    this.mark(seq);
    this.#untold = untold;
    if (this.#isMarking) return;
    this.#isMarking = true;
    this.chat.clock.later(500, () => {
      this.#isMarking = false;
      const { read } = this;
      const told = () => read === this.read && this.mark(read);
      this.chat.command({ type: "read", room: this.name, seq: read, ...this.#untold }).then(told, () => {});
    });
  }

  /** Say that one is writing, or not. */
  type(on = true) {
    const now = this.chat.clock.now();
    if (on ? now < this.#typed : !this.#typed) return;
    this.#typed = on ? now + 3000 : 0;
    this.chat.whisper({ type: "typing", room: this.name, on });
  }

  // --- what the chat calls ---------------------------------------------------

  /** @param {Frame} entry Of `welcome`. */
  listed({ epoch, seq, read, unread, mentions, in_threads: others = 0 }) {
    const own = this.read;
    const untold = this.epoch === epoch && this.#untold;
    this.#counted = unread - others;
    this.#upto = seq;
    this.mark(read);
    this.mentions = mentions;
    if (untold && (untold.back || own > read)) this.#tell(own, untold);
  }

  /** @param {Frame} ok Of a join. @returns {number|void} */
  joined(ok) {
    this.live = true;
    this.first = ok.first;
    this.mute = ok.mute;
    this.online = ok.online;
    this.role = ok.role ?? "member";
    this.level = ok.level ?? "all";
    this.settings = settingsOf(ok);
    this.people = byName(ok.users);
    this.typing.clear();
    const counted = this.#counted ?? this.unread;
    this.#counted = undefined;
    if (ok.recovered) return;
    this.elsewhere = new Map();
    const had = this.messages.length;
    this.epoch = ok.epoch;
    this.have = ok.seq;
    this.from = ok.seq + 1;
    this.happened = [];
    this.messages = [];
    this.unread = counted;
    if (had) this.loadOlder().catch(() => {});
    return had;
  }

  /** @param {Frame} event The next of the timeline. */
  apply(event) {
    const { chat, messages } = this;
    const { type, seq, from } = event;
    this.have = seq;
    if (type === "message") {
      const message = shown(event, seq, this.elsewhere.get(seq));
      messages.push(message);
      if (messages.length > this.limit + 100) {
        messages.splice(0, 100);
        this.from = messages[0].seq;
      }
      this.typing.delete(from);
      if (from === chat.user) {
        this.#typed = 0;
        if (seq > this.#upto) this.mark(seq);
      } else if (seq > this.read && !message.thread) this.unread += 1;
      chat.emit("message", message, this);
    } else if (event.of) {
      if (this.#pages) this.#late.push(event);
      this.#change(event);
    } else if (from) {
      if (event.user === chat.user) this.role = event.role ?? this.role;
      this.happened = [...this.happened, event].slice(-500);
      Object.assign(this.settings, settingsOf(event));
    }
    chat.emit("event", event, this);
  }

  /** @param {Frame} event */
  #change({ type, of, seq, deleted, text, emoji, from, on }) {
    const message = this.message(of);
    if (!message || message.deleted || seq <= message.asOf) return;
    message.asOf = seq;
    if (type === "delete" || deleted) {
      Object.assign(message, blank(), { deleted: true });
    } else if (type === "edit") {
      Object.assign(message, { text, edited: true });
    } else if (type === "pin") {
      message.pinned = on ? seq : undefined;
    } else if (type === "react") {
      const { reactions, reacted } = message;
      const names = (reactions[emoji] ?? []).filter((name) => name !== from);
      // Not a number where all are named.
      const count = reacted[emoji] + (on ? 1 : -1);
      if (on && (!count || from === this.chat.user)) names.push(from);
      const isCut = count > names.length;
      if (isCut) reacted[emoji] = count;
      else delete reacted[emoji];
      if (isCut || names.length) reactions[emoji] = names;
      else delete reactions[emoji];
    }
    this.chat.emit("change", message, this);
  }

  /** @param {Frame} frame What is not of the timeline. */
  note(frame) {
    const { type, from, seq, level = this.level } = frame;
    const { clock } = this.chat;
    this.level = level;
    if (type === "typing") {
      this.typing.delete(from);
      if (frame.for) {
        const ms = frame.for * 1000;
        const until = clock.now() + ms;
        this.typing.set(from, until);
        clock.later(ms, () => this.typing.get(from) === until && this.note({ type, from }));
      }
    } else if (type === "presence") {
      const { users, join, leave, away, back } = frame;
      this.online = frame.online;
      if (users || !(join || leave || away || back)) this.people = byName(users);
      for (const one of join ?? []) this.people?.set(one.name, one);
      for (const name of leave ?? []) this.people?.delete(name);
      for (const { name, text } of away ?? []) this.#seen(name, "away", text);
      for (const name of back ?? []) this.#seen(name, "online");
    } else if (type === "read") {
      if (from !== this.chat.user) this.marks.set(from, Math.max(seq, this.marks.get(from) ?? 0));
      else if (frame.back || seq > this.read) this.mark(seq);
    } else if (type === "mention") {
      this.mentioned.add(seq);
      if (seq > this.read) this.mentions += 1;
    }
    this.chat.emit("room", this);
  }

  /** @param {string} name @param {"away"|"online"} state @param {string} [text] */
  #seen(name, state, text) {
    const one = this.people?.get(name);
    if (one) this.people?.set(name, { ...one, state, text });
  }

  /** Exactly, if all behind the mark is held. */
  #count() {
    const { read, have, from, unread, chat } = this;
    const held = this.messages.filter((one) => one.seq > read && one.from !== chat.user && !one.thread).length;
    this.unread = from <= read + 1 ? held : Math.max(held, Math.min(unread, (have ?? read) - read));
    this.mentions = Math.max(0, Math.min(this.mentions, this.unread));
  }

  /** @param {number} seq Read up to here, on this device or another. */
  mark(seq) {
    const { read } = this;
    this.#untold = undefined;
    if (seq === read) return;
    for (const one of this.mentioned) if (one > seq !== one > read) this.mentions += seq < read ? 1 : -1;
    // How much of it is messages is not known until all is held.
    if (seq < read) this.unread = Infinity;
    this.read = seq;
    this.#count();
    this.chat.emit("room", this);
  }
}

/** A connection that is kept. */
export class Chat {
  /** @type {State} */
  state = { name: "connecting" };
  /** @type {Map<string, Room>} */
  rooms = new Map();
  /** Who asks one into which room. @type {Map<string, Frame>} */
  invites = new Map();
  /** What is not in its room yet. @type {Entry[]} */
  outbox = [];
  /** @type {string|undefined} */
  user;
  role = "guest";
  /** With this secret one comes back as the same user. @type {string|undefined} */
  session;
  /** The last `welcome`. @type {Frame} */
  welcome = {};
  /** How far the daemon's clock is ahead, in ms. */
  ahead = 0;
  /** @type {Map<string, Set<Function>>} */
  #listeners = new Map();
  /** @type {any} */
  #socket;
  /** What was begun on an earlier connection has an earlier turn. */
  #turn = 0;
  #isOpen = false;
  #isIn = false;
  /** @type {Map<number, {command: Frame, resolve: (frame: any) => void, reject: (failure: Failure) => void}>} */
  #asked = new Map();
  #id = 0;
  #attempt = 0;
  /** @type {Frame} The last `bye`, or what a refusal says of when to come back. */
  #bye = {};
  #silence = 0;
  /** @type {any} The next attempt, or the next look at the silence. */
  #timer;
  #isPinging = false;
  #needsToken = true;
  /** What is under way; what is behind it in its room waits. @type {Set<Entry>} */
  #busy = new Set();
  /** Of the record in the storage; nobody else touches it while its lock is held. */
  #key = "";
  /** @type {(() => void)|undefined} */
  #release;
  /** @type {Promise<void>|undefined} */
  #claimed;
  /** Whether the session is another instance's. */
  #isSibling = false;
  /** Sessions that were refused. @type {Set<string|undefined>} */
  #void = new Set();
  #over = new AbortController();
  /** @type {import("./chatd.types.d.ts").Locks|undefined|null} */
  #locks;

  /** @param {string} url Of the WebSocket. @param {Options} [options] */
  constructor(url, options = {}) {
    this.url = url;
    this.options = options;
    this.clock = { ...EDGE, ...options.clock };
    ({ session: this.session, locks: this.#locks = globalThis.navigator?.locks } = options);
    const { signal } = this.#over;
    globalThis.addEventListener?.("online", () => this.wake(), { signal });
    globalThis.document?.addEventListener("visibilitychange", () => document.hidden || this.wake(), { signal });
    this.#open();
  }

  // --- for the user of the library -------------------------------------------

  /** The time by the daemon's clock, in ms. */
  now() {
    return this.clock.now() + this.ahead;
  }

  /**
   * Call `fn` when something happens; returns what ends that.
   *
   * @template {keyof Events} K
   * @param {K} kind @param {(...args: Events[K]) => void} fn
   */
  on(kind, fn) {
    const fns = this.#listeners.get(kind) ?? new Set();
    this.#listeners.set(kind, fns.add(fn));
    return () => fns.delete(fn);
  }

  /** Resolves once nothing is missing; rejects when the chat has ended. @returns {Promise<Chat>} */
  ready() {
    return new Promise((resolve, reject) => {
      const look = () => {
        if (this.state.name === "ready") resolve(this);
        else if (this.state.name === "ended") reject(new Failure(this.state));
        else return;
        stop();
      };
      const stop = this.on("state", look);
      look();
    });
  }

  /**
   * Send a command and resolve to its `ok`; rejects with a `Failure`. What is durable is
   * done once, also where the connection is lost before the answer. What has to wait for
   * one, or to survive a reload, is for `send` or `post`.
   *
   * @param {Frame} command @returns {Promise<any>}
   */
  async command(command) {
    if (!DURABLE.has(command.type) || !this.#isOpen) return this.#patiently(command);
    const durable = { cid: this.#cid(), ...command };
    for (;;) {
      try {
        return await this.#patiently(durable);
      } catch (error) {
        if (/** @type {Failure} */ (error).code !== "disconnected") throw error;
        await this.ready();
      }
    }
  }

  /**
   * Send it on this connection. What can be repeated waits where the daemon says so.
   *
   * @param {Frame} command @param {(failure: Failure) => void} [waits] @returns {Promise<any>}
   */
  async #patiently(command, waits) {
    const turn = this.#turn;
    for (let tries = 0; ; tries += 1) {
      try {
        return await this.#request(command);
      } catch (error) {
        const failure = /** @type {Failure} */ (error);
        const wait = failure.retryAfter ?? Math.min(2 ** tries, 30);
        const isJoin = command.type === "join";
        const canRepeat = isJoin || (wait <= 60 && (command.cid || command.type === "history"));
        if (!canRepeat || !["rate_limited", "unavailable", "internal"].includes(failure.code)) throw failure;
        waits?.(failure);
        await new Promise((/** @type {any} */ resolve) => this.clock.later(wait * 1000, resolve));
        if (turn !== this.#turn) throw lost();
      }
    }
  }

  #cid() {
    return [1, 2, 3].map(() => this.clock.random().toString(36).slice(2, 9)).join("");
  }

  /** @param {Frame} command @returns {Promise<any>} */
  #request(command) {
    return new Promise((resolve, reject) => {
      const id = ++this.#id;
      const text = JSON.stringify({ ...command, id });
      if (!this.#isOpen) reject(lost());
      else if (new TextEncoder().encode(text).length > (this.welcome.limits?.frame_bytes ?? Infinity)) {
        // The daemon would end the connection, each time.
        reject(new Failure({ code: "too_long" }));
      } else {
        this.#asked.set(id, { command, resolve, reject });
        this.#socket.send(text);
      }
    });
  }

  /** @param {Frame} command What gets no answer. */
  whisper(command) {
    if (this.#isIn && this.#isOpen) this.#socket.send(JSON.stringify(command));
  }

  /** Follow a room, and become a member of it. @param {string} name @returns {Promise<Room|undefined>} */
  async join(name) {
    const { room } = await this.#join(name);
    return this.rooms.get(room);
  }

  /** Say something in a room. @param {string} room @param {string} text @param {{replyTo?: number}} [more] */
  send(room, text, { replyTo } = {}) {
    return this.post({ type: "send", room, text, reply_to: replyTo });
  }

  /** Say something to one person. @param {string} to @param {string} text */
  sendTo(to, text) {
    const room = this.target({ to });
    return this.rooms.has(room) ? this.send(room, text) : this.post({ type: "send", to, text });
  }

  /** The room that a command is for. @param {Frame} command @returns {string} */
  target({ room, to }) {
    return room ?? `@${[this.user, to].sort()}`;
  }

  /**
   * Put a durable command into the outbox, from where it is sent once: those for one room
   * in their order, over lost connections and, with a storage, over reloads.
   *
   * @param {Frame} command @returns {Entry}
   */
  post(command) {
    if (this.outbox.length >= 1000) throw new Failure({ code: "outbox_full" });
    const cid = this.#cid();
    /** @type {Entry} */
    const entry = { cid, command: { ...command, cid }, at: this.clock.now(), state: "pending" };
    this.outbox.push(entry);
    this.#settled(entry);
    return entry;
  }

  /** Try once more what has failed. @param {Entry} entry */
  retry(entry) {
    Object.assign(entry, { state: "pending", error: undefined, at: this.clock.now() });
    this.#settled(entry);
  }

  /** Forget what has failed, or what was not sent yet. @param {Entry} entry */
  discard(entry) {
    this.outbox = this.outbox.filter((one) => one !== entry);
    this.#settled(entry);
  }

  /** Connect now. */
  wake() {
    if (this.state.name === "offline") this.#open();
    else if (this.#isIn && this.#isOpen) {
      this.#ping();
      this.#adopt();
    }
  }

  /** End the session, or all of this user. @param {boolean} [everywhere] */
  async logout(everywhere) {
    await this.command({ type: "logout", everywhere }).catch((failure) => {
      // The answer may be overtaken.
      if (this.state.code !== "1000") throw failure;
    });
    this.#closed(1000, "");
  }

  /** Close the connection; the session stays. */
  close() {
    this.#end({ code: "1000", help: "nothing" });
  }

  // --- the connection --------------------------------------------------------

  async #open() {
    this.#stop();
    const turn = this.#turn;
    this.#become({ name: "connecting" });
    // A connection that does not come about is given up as well.
    this.#later(30_000, () => this.#lost());
    try {
      this.#claimed ??= this.#claim();
      await this.#claimed;
      if (this.state.name === "ended") this.#let();
      if (turn !== this.#turn) return;
      // It is known now who one was, and what he had not sent.
      if (this.user) this.#become(this.state);
      const who = await this.#who();
      if (turn !== this.#turn) return;
      const socket = dial(this.options, this.url);
      this.#socket = socket;
      socket.onerror = () => {};
      socket.onopen = () => turn === this.#turn && this.#hello(who);
      socket.onmessage = (/** @type {any} */ event) => turn === this.#turn && this.#take(JSON.parse(event.data));
      socket.onclose = (/** @type {any} */ event) => turn === this.#turn && this.#closed(event.code, event.reason);
    } catch (error) {
      if (turn !== this.#turn) return;
      if (error instanceof Failure) this.#refused(error);
      else this.#closed(1006, String(error));
    }
  }

  /** What to say hello with: once one is in, that is the session or a token. @returns {Promise<Frame>} */
  async #who() {
    const { name, password, getToken, link, storage } = this.options;
    const token = getToken ? this.#needsToken && (await getToken()) : this.options.token;
    const { session } = this;
    if (session) return { session, another: this.#isSibling || undefined, token: (getToken && token) || undefined };
    if (token) return { token };
    if (!this.#isIn && link) return { link };
    if (!this.#isIn && ("name" in this.options || !(storage || getToken))) return { name, password };
    throw new Failure({ code: "no_session" });
  }

  /** @param {Frame} who */
  async #hello(who) {
    this.#isOpen = true;
    try {
      await this.#request({ type: "hello", ...who, device: this.options.device });
    } catch (error) {
      this.#refused(/** @type {Failure} */ (error));
    }
  }

  /** @param {Failure} failure */
  #refused({ code, text, field, retryAfter }) {
    if (code === "disconnected") return;
    const { getToken, token, session } = this.options;
    if (code === "bad_credentials" && this.session && (getToken || token || !(this.#isIn || session))) {
      this.#void.add(this.session);
      this.session = undefined;
      this.#needsToken = true;
      this.#save();
      if (!this.#isIn) {
        // Other records may have better ones, and those may be of others.
        this.#let();
        this.user = undefined;
        this.outbox = [];
      }
      this.#socket?.close();
      this.#open();
    } else if ((this.session && retryAfter) || ["unavailable", "internal"].includes(code)) {
      this.#bye = { after: retryAfter };
      this.#lost();
    } else this.#end({ code, text, field, retryAfter, help: code === "banned" ? "nothing" : "sign in" });
  }

  /** @param {Frame} welcome */
  #welcomed(welcome) {
    const { user, clock } = this;
    if (user !== undefined && user !== welcome.user) {
      this.#end({ code: "other_user", help: "sign in" });
      return;
    }
    this.#isIn = true;
    this.#isSibling = this.#needsToken = false;
    this.#attempt = 0;
    this.welcome = welcome;
    ({ user: this.user, role: this.role, session: this.session } = welcome);
    this.ahead = Date.parse(welcome.now) - clock.now();
    this.#silence = (welcome.heartbeat + welcome.heartbeat_timeout) * 1000;
    this.invites = new Map((welcome.invites ?? []).map((/** @type {Frame} */ one) => [one.room, one]));
    this.#save();
    this.#become({ name: "catching up" });
    for (const { room, was } of welcome.rooms) this.#rename(was, room);
    for (const room of this.rooms.keys())
      if (!welcome.rooms.some((/** @type {Frame} */ one) => one.room === room)) this.#gone({ type: "left", room });
    for (const entry of welcome.rooms) {
      this.#room(entry.room).listed(entry);
      this.#follow(entry.room);
    }
    this.#settle();
    this.#watch();
    this.#adopt();
    this.#flush();
  }

  /** @param {string} name */
  #room(name) {
    const room = this.rooms.get(name) ?? new Room(this, name);
    this.rooms.set(name, room);
    return room;
  }

  /** @param {string[]} names @param {string} to */
  #rename(names = [], to) {
    for (const was of names) {
      const room = this.rooms.get(was);
      const invite = this.invites.get(was);
      if (was === to) continue;
      if (invite && this.invites.delete(was)) this.invites.set(to, { ...invite, room: to });
      for (const { command } of [...this.outbox, ...this.#busy]) if (command.room === was) command.room = to;
      if (!room || this.rooms.has(to)) continue;
      this.rooms.delete(was);
      this.rooms.set(to, room);
      room.name = to;
      this.emit("renamed", room, was);
    }
  }

  /** @param {string} name */
  #follow(name) {
    this.#join(name).catch(() => {});
  }

  /** @param {string} name @returns {Promise<Frame>} */
  async #join(name) {
    const room = this.rooms.get(name);
    const where = room && room.have !== null ? { since: room.have, epoch: room.epoch, users: true } : {};
    const command = { type: "join", room: name, ...where };
    if (room) {
      room.joining = command;
      room.live = false;
    }
    try {
      const ok = await this.command(command);
      return ok.recovered === false && room?.joining === command ? await this.#join(ok.room) : ok;
    } catch (error) {
      const { code } = /** @type {Failure} */ (error);
      if (room?.joining === command) this.#gone({ type: "left", room: room.name, reason: code });
      throw error;
    }
  }

  /** Take the `ok` of a join first. @param {Frame} ok @param {Frame} [command] */
  #joined(ok, command) {
    const isNew = !this.rooms.has(ok.room);
    const room = this.#room(ok.room);
    // One that came later will be answered.
    if (typeof room.joining === "object" && room.joining !== command) return;
    if (ok.recovered === false) {
      room.have = null;
      return;
    }
    if (isNew) room.read = ok.seq;
    const had = room.joined(ok);
    room.joining = ok.recovered ? ok.id : undefined;
    if (this.invites.delete(ok.room)) this.emit("invited", { type: "uninvited", room: ok.room });
    if (had) this.emit("reset", room);
    this.emit("room", room);
    this.#arrived(room);
    this.#settle();
  }

  #settle() {
    if (this.state.name === "catching up" && ![...this.rooms.values()].some((one) => one.joining))
      this.#become({ name: "ready" });
  }

  /** @param {Frame} frame */
  #take(frame) {
    const { type, room } = frame;
    if (this.#isIn) this.#watch();
    this.#rename(frame.was, room);
    if ("re" in frame) this.#answered(frame);
    else if (type === "bye") this.#bye = frame;
    else if (type === "expiring") this.#refresh();
    else if (type === "left") this.#gone(frame);
    else if (type === "place") this.welcome.place = frame.name;
    else if (type === "invited" || type === "uninvited") {
      if (type === "invited") this.invites.set(room, frame);
      else this.invites.delete(room);
      this.emit("invited", frame);
    } else if (room) this.#happened(frame);
    this.emit("frame", frame);
  }

  /** @param {Frame} frame An event of a room. */
  #happened(frame) {
    const { room: name, epoch, type, seq } = frame;
    // Joined elsewhere, or a new conversation.
    const isNew = type !== "caught_up" && epoch && !this.rooms.has(name);
    if (isNew) {
      const have = frame.ts ? seq - 1 : seq;
      Object.assign(this.#room(name), { epoch, have, from: have + 1, read: have, live: true });
    }
    const room = this.rooms.get(name);
    if (!room) return;
    if (type === "caught_up") {
      if (room.joining !== frame.id) return;
      room.joining = undefined;
      this.emit("room", room);
      this.#settle();
    } else if (type !== "gap" && !frame.ts) room.note(frame);
    else if (room.live && room.have !== null) {
      if (type === "gap" || seq > room.have + 1) this.#follow(name);
      else if (seq > room.have) {
        room.apply(frame);
        this.#arrived(room, frame);
      }
    }
    if (isNew) this.#follow(name);
  }

  /** @param {Frame} frame */
  #gone(frame) {
    const room = this.rooms.get(frame.room);
    if (!room) return;
    room.live = false;
    room.joining = undefined;
    this.rooms.delete(frame.room);
    this.#arrived(room);
    this.emit("left", frame);
    this.#settle();
  }

  /** @param {Frame} frame A reply. */
  #answered(frame) {
    const asked = this.#asked.get(frame.id);
    this.#asked.delete(frame.id);
    if (frame.type === "welcome") this.#welcomed(frame);
    if (frame.type === "error") asked?.reject(new Failure(frame));
    else {
      if (frame.re === "join") this.#joined(frame, asked?.command);
      asked?.resolve(frame);
    }
  }

  async #refresh() {
    try {
      const token = await this.options.getToken?.();
      if (token) await this.command({ type: "refresh", token });
    } catch {
      // The end of the token brings another try.
    }
  }

  /** Ask whether the daemon is there when it has been silent for too long. */
  #watch() {
    this.#isPinging = false;
    this.#later(this.#silence, () => this.#ping());
  }

  #ping() {
    if (this.#isPinging) return;
    // A large answer takes its time on a slow line.
    const isLarge =
      [...this.rooms.values()].some((one) => one.joining) || [...this.#asked.values()].some((one) => !one.command.cid);
    this.#isPinging = true;
    this.#request({ type: "ping" }).catch(() => {});
    this.#later(isLarge ? 60_000 : 10_000, () => this.#lost());
  }

  /** Give a connection up that may be there still. */
  #lost() {
    const socket = this.#socket;
    this.#closed(1006, "");
    socket?.close();
  }

  /** @param {number} number @param {string} reason */
  #closed(number, reason) {
    const { after, ...bye } = this.#bye;
    this.#bye = {};
    // Where the end has no code of its own, the `bye` before it speaks for it.
    const code = number === 1006 || number === 1005 ? (bye.code ?? number) : number;
    const text = reason || bye.reason;
    if (this.state.name === "ended") return;
    if (code === 4003) this.#needsToken = true;
    if (code >= 4500 || [1000, 1002, 1007, 1008].includes(code) || (code === 4003 && !this.options.getToken)) {
      const isOut = [1000, 4003, 4500, 4503, 4505].includes(code);
      this.#end({ code: String(code), text, help: code === 4503 ? "nothing" : isOut ? "sign in" : "reload" }, isOut);
      return;
    }
    this.#stop();
    const most = Math.min(1000 * 2 ** this.#attempt++, 30_000);
    const wait = after ? Math.min(after, 300) * 1000 : most * this.clock.random();
    this.#become({ name: "offline", code: String(code), text, retryAt: this.clock.now() + wait, help: "wait" });
    this.#later(wait, () => this.#open());
  }

  /** Nothing more comes from the connection, if there is one. */
  #stop() {
    this.clock.never(this.#timer);
    this.#turn += 1;
    this.#isOpen = this.#isPinging = false;
    this.#busy.clear();
    for (const room of this.rooms.values()) {
      room.live = false;
      room.joining = undefined;
      room.typing.clear();
    }
    for (const { reject } of this.#asked.values()) reject(lost());
    this.#asked.clear();
  }

  /** @param {Omit<State, "name">} state @param {boolean} [isOut] The session is void. */
  #end(state, isOut = state.help === "sign in") {
    if (this.state.name === "ended") return;
    const socket = this.#socket;
    this.#stop();
    this.#over.abort();
    if (isOut) {
      this.session = undefined;
      this.#save();
    }
    this.#let();
    this.#become({ name: "ended", ...state });
    socket?.close(1000);
  }

  /** @param {State} state */
  #become(state) {
    this.state = state;
    this.emit("state", state);
  }

  /** @param {number} ms @param {() => void} fn */
  #later(ms, fn) {
    this.clock.never(this.#timer);
    this.#timer = this.clock.later(ms, fn);
  }

  /**
   * Tell who listens; what one of them throws is his.
   *
   * @template {keyof Events} K @param {K} kind @param {Events[K]} args
   */
  emit(kind, ...args) {
    for (const fn of this.#listeners.get(kind) ?? []) {
      try {
        fn(...args);
      } catch (error) {
        this.clock.later(0, () => {
          throw error;
        });
      }
    }
  }

  // --- the outbox ------------------------------------------------------------

  /** Send what waits: of each room one at a time, so that the order stays. */
  #flush() {
    if (!this.#isIn || !this.#isOpen) return;
    for (const entry of this.outbox) {
      const where = this.target(entry.command);
      if (entry.state === "pending" && ![...this.#busy].some((one) => this.target(one.command) === where)) {
        this.#busy.add(entry);
        this.#deliver(entry);
      }
    }
  }

  /** @param {Entry} entry */
  async #deliver(entry) {
    try {
      // A `cid` is remembered for seven days: what is older might be said twice.
      if (entry.at < this.clock.now() - 6 * 86_400_000) throw new Failure({ code: "too_old" });
      const ok = await this.#patiently(entry.command, (error) => {
        entry.error = error;
        this.emit("outbox", entry);
      });
      Object.assign(entry, { state: "sent", seq: ok.seq, error: undefined });
    } catch (error) {
      if (/** @type {Failure} */ (error).code === "disconnected") return;
      Object.assign(entry, { state: "failed", error });
    }
    const where = this.target(entry.command);
    this.#busy.delete(entry);
    this.#settled(entry);
    this.#arrived(this.rooms.get(where));
  }

  /** Something has become of an entry. @param {Entry} entry */
  #settled(entry) {
    this.#save();
    this.emit("outbox", entry);
    this.#flush();
  }

  /** Let go of what is in its room now, or will not be seen there. @param {Room} [room] @param {Frame} [event] */
  #arrived(room, event) {
    for (const entry of this.outbox) {
      const { command, cid, seq = 0, state } = entry;
      const to = this.rooms.get(this.target(command));
      const comes = to && seq > (to.have ?? 0) && (to.live || to.joining);
      const isIt = event && to === room && cid === event.cid && event.from === this.user;
      if (isIt || (state === "sent" && !comes)) this.discard(entry);
    }
  }

  // --- what is kept in the storage ---------------------------------------------

  /** @param {string} key @returns {Kept} */
  #read(key) {
    const none = { key, at: 0, outbox: [] };
    try {
      return { ...none, ...JSON.parse(/** @type {any} */ (this.options.storage).getItem(key)) };
    } catch {
      return none;
    }
  }

  /** Records of all instances, the last one first. */
  #records() {
    /** @type {Kept[]} */
    const found = [];
    try {
      const { storage } = /** @type {any} */ (this.options);
      for (let n = 0; n < storage.length; n += 1) {
        const key = storage.key(n);
        if (key.startsWith(`chatd ${this.url} `)) found.push(this.#read(key));
      }
    } catch {
      // It may be forbidden.
    }
    return found.sort((one, two) => two.at - one.at);
  }

  /** Hold a record that nobody holds; resolves to its release. @param {string} key @returns {Promise<(() => void)|undefined>} */
  #hold(key) {
    return new Promise((/** @type {any} */ resolve) => {
      const held = this.#locks?.request(key, { ifAvailable: true }, (lock) => lock && new Promise(resolve));
      Promise.resolve(held)
        .catch(() => {})
        .then(resolve);
    });
  }

  /** Find a session, if none is given, and a record to keep things in. */
  async #claim() {
    const { options } = this;
    const hasCredential = ["name", "token", "getToken", "link", "session"].some((key) => key in options);
    const records = hasCredential ? [] : this.#records().filter(({ session }) => session && !this.#void.has(session));
    for (const { key } of records) {
      const release = await this.#hold(key);
      const { session, user, outbox } = this.#read(key);
      if (!release) continue;
      this.#key = key;
      this.#release = release;
      this.session = session;
      this.user ??= user;
      this.#recall(outbox);
      return;
    }
    // All are of tabs that are there, or it cannot be known.
    this.#isSibling = records.length > 0;
    this.session ??= records[0]?.session;
    this.user ??= records[0]?.user;
    this.#key = `chatd ${this.url} ${this.#cid()}`;
    this.#release = await this.#hold(this.#key);
  }

  #let() {
    this.#release?.();
    this.#claimed = this.#release = undefined;
  }

  /** @param {Entry[]} entries */
  #recall(entries) {
    const others = entries.filter(({ cid }) => !this.outbox.some((one) => one.cid === cid));
    for (const entry of others) if (entry.error) entry.error = new Failure(entry.error);
    this.outbox = [...this.outbox, ...others].sort((one, two) => one.at - two.at);
  }

  /** @param {string} key @param {Omit<Kept, "key">} what @returns {boolean} Whether that could be done. */
  #write(key, { user, session, at, outbox }) {
    try {
      const { storage } = this.options;
      if (session || outbox.length) storage?.setItem(key, JSON.stringify({ user, session, at, outbox }));
      else storage?.removeItem(key);
      return true;
    } catch {
      return false;
    }
  }

  /** Keep the session, if it is one's own, and what is not sent. */
  #save() {
    const { user } = this;
    const session = this.#isSibling ? undefined : this.session;
    const outbox = this.outbox.filter(({ state }) => state !== "sent");
    return user && this.#write(this.#key, { user, session, at: this.clock.now(), outbox });
  }

  /** Send what this user's instances have left behind that are gone. */
  async #adopt() {
    for (const { key, user, outbox } of this.#records()) {
      if (key === this.#key || user !== this.user || !outbox.length) continue;
      const release = await this.#hold(key);
      if (this.#locks && !release) continue;
      const theirs = this.#read(key);
      this.#recall(theirs.outbox);
      // First ours, then not theirs: what is in both is sent once, by its `cid`.
      if (release && this.#save()) this.#write(key, { ...theirs, outbox: [] });
      release?.();
      for (const entry of theirs.outbox) this.emit("outbox", entry);
    }
    this.#flush();
  }
}
