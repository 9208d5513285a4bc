// What a `Chat` has around it, all of it virtual: time, chance, sockets, storage, locks.
//
// Time passes only by `pass`, so hours are nothing; a test reads what was sent and says
// what the daemon would answer.

export class Socket {
  sent = [];
  isClosed = false;

  constructor(url, protocols) {
    Object.assign(this, { url, protocols });
  }

  send(text) {
    if (this.isClosed) throw new Error("it is closed");
    this.sent.push(JSON.parse(text));
  }

  close(code) {
    this.isClosed = true;
    this.closedWith = code;
  }

  /** What was sent since the last time. */
  take() {
    return this.sent.splice(0);
  }
}

export class World {
  now = Date.parse("2026-11-22T12:00:00.000Z");
  chance = 1;
  timers = new Set();
  sockets = [];
  storage = new Storage();
  locks = new Locks();

  constructor() {
    const world = this;
    this.WebSocket = class extends Socket {
      constructor(...args) {
        super(...args);
        world.sockets.push(this);
      }
    };
    this.clock = {
      now: () => this.now,
      random: () => {
        this.chance = (this.chance * 48271) % 2147483647;
        return this.chance / 2147483647;
      },
      later: (ms, fn) => {
        const timer = { at: this.now + ms, fn };
        this.timers.add(timer);
        return timer;
      },
      never: (timer) => this.timers.delete(timer),
    };
  }

  /** Options of a chat in this world. */
  options(more = {}) {
    return { WebSocket: this.WebSocket, clock: this.clock, locks: this.locks, ...more };
  }

  get socket() {
    return this.sockets.at(-1);
  }

  /** Let everything happen that needs no time. */
  async settle() {
    for (let n = 0; n < 5; n += 1) await new Promise((resolve) => setImmediate(resolve));
  }

  /** Let so much time pass. */
  async pass(ms) {
    const end = this.now + ms;
    await this.settle();
    for (;;) {
      const [next] = [...this.timers].filter(({ at }) => at <= end).sort((one, two) => one.at - two.at);
      if (!next) break;
      this.timers.delete(next);
      this.now = Math.max(this.now, next.at);
      next.fn();
      await this.settle();
    }
    this.now = end;
  }

  /** The clock is put forward or back; what waits for so long, still does. */
  turn(ms) {
    this.now += ms;
    for (const timer of this.timers) timer.at += ms;
  }

  /** The daemon accepts the connection; returns what it is told. */
  async accept(which) {
    await this.settle();
    const socket = which ?? this.socket;
    socket.onopen();
    await this.settle();
    return socket.take();
  }

  /** The daemon says something; returns what it is told then. */
  async say(frames, socket = this.socket) {
    for (const frame of [frames].flat()) socket.onmessage({ data: JSON.stringify(frame) });
    await this.settle();
    return socket.take();
  }

  /** The connection ends. */
  async end(code = 1006, reason = "", socket = this.socket) {
    socket.isClosed = true;
    socket.onclose({ code, reason });
    await this.settle();
  }

  /** The connection is accepted and its user welcomed; returns what is told then. */
  async welcome(rooms = [], more = {}) {
    const [hello] = await this.accept();
    return this.say(welcome(hello.id, rooms, { now: new Date(this.now).toISOString(), ...more }));
  }
}

/** As `localStorage`. */
export class Storage {
  kept = new Map();

  get length() {
    return this.kept.size;
  }

  key(n) {
    return [...this.kept.keys()][n] ?? null;
  }

  getItem(key) {
    return this.kept.get(key) ?? null;
  }

  setItem(key, value) {
    this.kept.set(key, String(value));
  }

  removeItem(key) {
    this.kept.delete(key);
  }

  /** What is in it, in its order. */
  get values() {
    return [...this.kept.values()].map((value) => JSON.parse(value));
  }
}

/** As `navigator.locks`, as far as it is used; a tab that dies has its own freed. */
export class Locks {
  held = new Set();

  async request(name, _options, use) {
    await null;
    if (this.held.has(name)) return use(null);
    this.held.add(name);
    try {
      return await use({ name });
    } finally {
      this.held.delete(name);
    }
  }
}

/** A `welcome`. */
export const welcome = (id, rooms = [], more = {}) => ({
  type: "welcome",
  re: "hello",
  id,
  user: "ann",
  role: "user",
  session: "s1",
  heartbeat: 25,
  heartbeat_timeout: 10,
  now: "2026-11-22T12:00:00.000Z",
  limits: { frame_bytes: 65536, text_chars: 4000 },
  rooms,
  ...more,
});

/** A room in `welcome`. */
export const listed = (room, seq, more = {}) => ({
  room,
  epoch: "e1",
  seq,
  first: 1,
  read: seq,
  unread: 0,
  mentions: 0,
  ...more,
});

/** The `ok` of a join. */
export const joined = (id, room, seq, more = {}) => ({
  type: "ok",
  re: "join",
  id,
  room,
  epoch: "e1",
  seq,
  first: 1,
  online: 1,
  users: [],
  ...more,
});

export const caughtUp = (id, room, seq) => ({ type: "caught_up", room, id, epoch: "e1", seq });

const ts = "2026-11-22T12:00:00.000Z";

/** An event of a timeline. */
export const event = (type, seq, more = {}) => ({ type, room: "lobby", seq, ts, from: "bob", ...more });

export const message = (seq, text, more = {}) => event("message", seq, { text, ...more });
