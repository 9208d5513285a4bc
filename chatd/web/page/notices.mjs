// @ts-check
/**
 * What this browser does when a message calls for somebody who does not look: it shows a
 * notification, and plays a sound, if one wants that here, and not in quiet hours.
 *
 * Whether a message calls says the level of its room. Of each one is told once, and not of
 * one that is read meanwhile, in another window or on another device.
 */

import { open } from "./address.mjs";
import { isWithin } from "./hours.mjs";
import { keep, noticesKey, storage } from "./kept.mjs";
import { partner, roomName, shownName } from "./names.mjs";
import { chat, here, target, threads } from "./state.mjs";
import { oneLine } from "./text.mjs";
import { t } from "./words.later.mjs";

/** @typedef {import("./chatd.mjs").Chat} Chat */
/** @typedef {import("./chatd.mjs").Room} Room */
/** @typedef {import("./chatd.mjs").Message} Message */
/** @typedef {{shows: boolean, text: boolean, sound: boolean, quiet: boolean, from: string, to: string}} Wishes */

/** How long a message may be read by somebody before he is told of it, in ms. */
const PATIENCE_MS = 1500;
/** Of so many messages it is known that one was told of them. */
const MOST = 500;

/** What one wants on this device. @returns {Wishes} */
export const wishes = () => ({
  ...{ shows: false, text: true, sound: false, quiet: false, from: "22:00", to: "07:00" },
  ...JSON.parse(storage.getItem(noticesKey()) ?? "{}"),
});

/** Want something else from now on. @param {Partial<Wishes>} changes */
export function want(changes) {
  const all = { ...wishes(), ...changes };
  keep(noticesKey(), JSON.stringify(all));
  if (chat.value) attend(chat.value);
  return all;
}

/** @type {WeakSet<Chat>} */
const attended = new WeakSet();

/** Tell of what a chat hears from here on. @param {Chat} made */
export function attend(made) {
  if (attended.has(made)) return;
  attended.add(made);
  /** @type {Set<string>} */
  const told = new Set();
  /** @param {Room} room @param {Message} message */
  const call = (room, message) => {
    const tag = `${room.epoch} ${message.seq}`;
    if (told.has(tag)) return;
    told.add(tag);
    const { quiet, from, to } = wishes();
    if (quiet && isWithin(from, to, new Date())) return;
    for (const one of told) if (told.size > MOST) told.delete(one);
    setTimeout(() => {
      // What is in a thread is read there; of one that nobody follows nothing is unread.
      const isRead = message.thread
        ? !threads.value?.unread.get(room)?.has(message.thread)
        : message.seq <= room.read || (here.value === room.name && document.hasFocus());
      if (!isRead && !message.deleted && chat.value === made) tell(room, message, tag);
    }, PATIENCE_MS);
  };
  made.on("message", (message, room) => {
    const isNew = !room.joining && message.from !== made.user;
    if (isNew && (room.level === "all" || (room.level === "mentions" && room.mentioned.has(message.seq))))
      call(room, message);
  });
  // It comes before or behind its message, or with the edit of an old one.
  made.on("frame", ({ type, room: name, seq }) => {
    const room = type === "mention" ? made.rooms.get(name) : undefined;
    const message = room?.message(seq);
    if (room && message && room.level !== "nothing") call(room, message);
  });
}

/** @param {Room} room @param {Message} message @param {string} tag */
function tell(room, message, tag) {
  const { shows, text, sound } = wishes();
  if (shows && globalThis.Notification?.permission === "granted") {
    const who = shownName(message.from ?? "");
    const title = partner(room.name) ? who : `${who} · ${roomName(room.name)}`;
    const body = text ? oneLine(message.text ?? "") : t("newMessage");
    // Of several windows with one tag the browser shows one.
    const shown = new Notification(title, { body, tag, icon: new URL("icon.svg", import.meta.url).href });
    shown.onclick = () => {
      shown.close();
      globalThis.focus();
      const { seq, thread } = message;
      target.value = { room: room.name, seq, thread };
      open(room.name, false, thread);
    };
  }
  if (sound) play();
}

/** @type {AudioContext|undefined} */
let audio;

/** Two short tones, made here. */
export function play() {
  audio ??= new AudioContext();
  const { currentTime: now, destination } = audio;
  const volume = audio.createGain();
  volume.connect(destination);
  volume.gain.setValueAtTime(0.0001, now);
  volume.gain.exponentialRampToValueAtTime(0.12, now + 0.02);
  volume.gain.exponentialRampToValueAtTime(0.0001, now + 0.4);
  for (const [hertz, after] of [
    [660, 0],
    [880, 0.12],
  ]) {
    const tone = audio.createOscillator();
    tone.frequency.value = hertz;
    tone.connect(volume);
    tone.start(now + after);
    tone.stop(now + 0.4);
  }
}

/** Ask the browser whether notifications may be shown; resolves to whether they may. */
export const mayShow = async () => (await globalThis.Notification?.requestPermission()) === "granted";
