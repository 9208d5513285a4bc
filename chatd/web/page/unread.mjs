// @ts-check
/** What has been read, unread again. */

import { held } from "./message.mjs";
import { say } from "./tell.mjs";
import { t } from "./words.later.mjs";

/** @typedef {import("./chatd.mjs").Room} Room */

/** Have a message and all behind it be unread again, on all devices. @param {Room} room @param {number} seq */
export function markUnread(room, seq) {
  held.add(room);
  room.markUnread(seq);
  say(t("markedUnread"));
}
