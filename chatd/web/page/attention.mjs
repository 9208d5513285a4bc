// @ts-check
/** How often a room calls for somebody, as its level says. */

import { chat } from "./state.mjs";

/** @param {import("./chatd.mjs").Room} room */
export const calls = ({ level, unread, mentions }) => (level === "all" ? unread : level === "mentions" ? mentions : 0);

/** The same of all rooms. */
export const allCalls = () => [...(chat.value?.rooms.values() ?? [])].reduce((sum, room) => sum + calls(room), 0);
