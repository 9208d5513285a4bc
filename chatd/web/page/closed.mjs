// @ts-check
/** Why nobody, or not this one, may write in a room, as far as it is known here. */

import { mayModerate } from "./rights.mjs";
import { lasting } from "./standing.mjs";
import { chat, touched } from "./state.mjs";
import { effect, useEffect, useState } from "./ui.mjs";
import { t } from "./words.later.mjs";

/** @typedef {import("./chatd.mjs").Room} Room */
/** A browser's timer takes no longer. */
const LONGEST_MS = 2 ** 31 - 1;

/** Why it is so for all, or all but some; `""` if it is not. @param {Room} room */
function settled(room) {
  if (room.settings.archived) return t("archivedRoom");
  return room.settings.post === "moderators" && !mayModerate(room) ? t("onlyModerators") : "";
}

/**
 * Whether one is muted: as the room has told it since, or as it was when it was joined.
 *
 * @param {Room} room @returns {{until?: string, reason?: string}|undefined}
 */
function muteOf(room) {
  const { user } = /** @type {any} */ (chat.value);
  const last = room.happened.findLast(
    ({ type, user: whose, change }) => type === "member" && whose === user && /^(mute|unmute)$/.test(change),
  );
  if (!last) return room.mute;
  return last.change === "mute" ? last : undefined;
}

// It holds also when so much has happened since that what told of it is not held any more.
effect(() => {
  const made = chat.value;
  return made?.on("event", ({ user }, room) => {
    if (user === made.user) room.mute = muteOf(room);
  });
});

/**
 * It shows nothing itself.
 *
 * @param {{room: any, tell: (text: string) => void}} props A room or a thread, and what takes what
 *   is to be said of it, `""` where one may write.
 */
export function Closed({ room, tell }) {
  const of = room.room ?? room;
  touched(of.name);
  const [, again] = useState(0);
  const mute = muteOf(of);
  const left = mute?.until ? Date.parse(mute.until) - (chat.value?.now() ?? 0) : Infinity;
  const text = settled(of) || (mute && left > 0 ? `${t("youAreMuted")} ${lasting(mute)}` : "");
  useEffect(() => tell(text), [text]);
  useEffect(() => {
    if (!text || left === Infinity) return;
    const timer = setTimeout(() => again((n) => n + 1), Math.min(left + 50, LONGEST_MS));
    return () => clearTimeout(timer);
  }, [mute?.until, text]);
  return null;
}
