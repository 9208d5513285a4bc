// @ts-check
/** The window's title, and its icon, count what calls for one. */

import { eventually } from "./again.mjs";
import { allCalls } from "./attention.mjs";
import { partner, roomName } from "./names.mjs";
import { chat, here, place, touched } from "./state.mjs";
import { useEffect, useRef } from "./ui.mjs";

/** Nothing that is seen in the page. */
export function Title() {
  touched();
  const n = allCalls();
  const where =
    here.value && (chat.value?.rooms.has(here.value) || partner(here.value)) ? `${roomName(here.value)} · ` : "";
  const title = `${n ? `(${n}) ` : ""}${where}${place.value || "chatd"}`;
  useEffect(() => {
    document.title = title;
  }, [title]);
  const isCounted = useRef(false);
  useEffect(() => {
    if (!n && !isCounted.current) return;
    isCounted.current = true;
    eventually(() => import("./favicon.mjs")).then(({ paint }) => paint(n));
  }, [n]);
  return null;
}
