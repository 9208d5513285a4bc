/** The values that `chatd.mjs` takes and gives; its classes describe themselves. */

import type { Chat, Failure, Room } from "./chatd.mjs";

/** One JSON object of the protocol. */
export type Frame = Record<string, any>;

/** What the connection is doing, and what helps where it does nothing. */
export interface State {
  /** `catching up` is connected: what was missed is on its way. `ended` is for good. */
  name: "connecting" | "catching up" | "ready" | "offline" | "ended";
  /** Why: the code of an error (`bad_credentials`), or of a close (`"4505"`). */
  code?: string;
  /** The same in words, as the daemon gave them. */
  text?: string;
  /** The field of the credential that was not right. */
  field?: string;
  /** Seconds until it is worth trying to log in again. */
  retryAfter?: number;
  /** When it connects by itself, in ms as of the clock (`Date.now()`). */
  retryAt?: number;
  /**
   * `wait`: it comes back by itself, `wake()` at once. `sign in`: with another
   * credential. `reload`: a new `Chat` may do. `nothing`: it will not.
   */
  help?: "wait" | "sign in" | "reload" | "nothing";
}

/** One message as it is now; it is changed in place. */
export interface Message {
  seq: number;
  /** When it was stored, in ms by the daemon's clock. */
  ts: number;
  from?: string;
  /** Not there if it was deleted. */
  text?: string;
  /** The `seq` of another message of the room. */
  replyTo?: number;
  /** The `seq` of the first message of the thread that it is in. */
  thread?: number;
  /** The thread that it has opened; `chatd.threads.mjs` keeps it up to date. */
  replies?: Replies;
  edited?: boolean;
  deleted?: boolean;
  /** Of somebody whom one blocks; only in a page of `history`. */
  hidden?: boolean;
  /** Who has put which emoji: the first ones, and the user. */
  reactions: Record<string, string[]>;
  /** How many have, for an emoji that has more than are in `reactions`. */
  reacted: Record<string, number>;
  /** The `seq` of the event that has pinned it to the room, while it is pinned. */
  pinned?: number;
  /** What its sender called it. */
  cid?: string;
  /** Changes up to this `seq` are worked in. */
  asOf: number;
}

/** What a message shows of its thread. */
export interface Replies {
  /** Those that were not deleted. */
  count: number;
  /** The `seq` of the newest. */
  last: number;
  /** When that was, as the daemon writes it. */
  ts: string;
  /** The first three who have written there. */
  users: string[];
  /** Whether the user follows it. */
  follow?: boolean;
  /** How many the user has not read, if he follows it; up to 99. */
  unread?: number;
}

/** What waits in the outbox. */
export interface Entry {
  cid: string;
  command: Frame;
  /** When it was given, in ms. */
  at: number;
  /** `sent`: it is stored, and comes in its room next. */
  state: "pending" | "sent" | "failed";
  /** Why it has failed; or, while it is pending, what it waits for. */
  error?: Failure;
  /** Where it was stored. */
  seq?: number;
}

/** Somebody who is online. */
export interface Person {
  name: string;
  display?: string;
  state: "online" | "away";
  text?: string;
}

/** What a storage has of one instance. */
export interface Kept {
  key: string;
  user?: string;
  session?: string;
  /** When it was written, in ms. */
  at: number;
  outbox: Entry[];
}

/** As `localStorage`. One that throws or is full is done without. */
export interface Store {
  readonly length: number;
  key(n: number): string | null;
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/** As `navigator.locks`. */
export interface Locks {
  request(name: string, options: { ifAvailable: true }, use: (lock: unknown) => unknown): Promise<unknown>;
}

/** What the world does; all of it, so that tests have another. */
export interface Clock {
  now(): number;
  random(): number;
  later(ms: number, fn: () => void): any;
  never(timer: any): void;
}

/**
 * At most one credential: `name` alone (a guest), `name` and `password`, `token`,
 * `getToken`, `session` or `link`. None, with `storage`: whoever this browser was last.
 */
export interface Options {
  /** Of an account, or the one that a guest would like. */
  name?: string;
  password?: string;
  token?: string;
  /** Brings a token whenever one is needed: at first, and before it expires. */
  getToken?: () => string | Promise<string>;
  /** The secret of a session of before. Whoever else has it, loses it. */
  session?: string;
  /** The secret that one's other device has shown. */
  link?: string;
  /** What this client is called in the list of sessions. */
  device?: string;
  /** Keeps the session and what was not sent, such as `localStorage`. */
  storage?: Store;
  /** Tell which instances are there, instead of `navigator.locks`; null: it cannot be told. */
  locks?: Locks | null;
  /** The class, where `globalThis` has none, such as that of `ws` in Node 20. */
  WebSocket?: any;
  clock?: Partial<Clock>;
}

/** What `on` tells of, and with what. */
export interface Events {
  /** The connection does something else. */
  state: [state: State];
  /** There is one more message; in a replay, too (`room.joining` is set then). */
  message: [message: Message, room: Room];
  /** A message was edited or deleted, or has other reactions. */
  change: [message: Message, room: Room];
  /** Anything of the timeline: members, settings, a new name. */
  event: [frame: Frame, room: Room];
  /** Presence, typing, marks, settings or older messages have come. */
  room: [room: Room];
  /** The list began anew. What it showed is loaded again by itself. */
  reset: [room: Room];
  renamed: [room: Room, was: string];
  /** One is no longer in a room, and why. */
  left: [frame: Frame];
  /** Somebody asks one into a room; or, of the type `uninvited`, does no more. */
  invited: [frame: Frame];
  /** Something happened to what one sends; what is not in `outbox` any more, is done. */
  outbox: [entry: Entry];
  /** Whatever came, after it was worked in. */
  frame: [frame: Frame];
}

export type Listener<K extends keyof Events> = (...args: Events[K]) => void;
export type { Chat };
