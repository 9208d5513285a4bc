// @ts-check
/** Going to what was said in a room on a day. */

import { command } from "./client.mjs";
import { hide } from "./dialog.mjs";
import { Field, Form } from "./form.mjs";
import { Dialog } from "./modal.mjs";
import { roomName } from "./names.mjs";
import { reason } from "./reasons.mjs";
import { firstSince } from "./since.mjs";
import { chat, target } from "./state.mjs";
import { say } from "./tell.mjs";
import { day, format } from "./time.mjs";
import { html, useState } from "./ui.mjs";
import { t } from "./words.later.mjs";
import { locale } from "./words.mjs";

/** @typedef {import("./chatd.mjs").Room} Room */

const DAY_MS = 86_400_000;

/** A day as a field has it. @param {number} ts In ms. */
const value = (ts) => {
  const [year, month, date] = day(ts).split("-");
  return `${year}-${month.padStart(2, "0")}-${date.padStart(2, "0")}`;
};

/** When a day begins here. @param {string} value @returns {number} In ms. */
const start = (value) => new Date(`${value}T00:00`).getTime();

/** The dialog. @param {Room} room @param {number} [ts] When one is in it, in ms. */
export const dayOf = (room, ts) => () => html`<${Days} room=${room} ts=${ts} />`;

/** @param {{room: Room, ts?: number}} props */
function Days({ room, ts }) {
  const now = chat.value?.now() ?? 0;
  const [wrong, setWrong] = useState("");
  /** @param {number} moment */
  const go = async (moment) => {
    /** @param {number} seq @param {number} limit */
    const from = async (seq, limit) =>
      (await command({ type: "history", room: room.name, after: seq - 1, limit })).messages;
    const found = await firstSince(from, room.first, room.have ?? 0, moment);
    if (!found) return setWrong(t("dayNothing"));
    hide();
    // It is the day that was asked for, or what comes nearest to it.
    const shown = Date.parse(found.ts);
    if (moment && day(shown) !== day(moment))
      say(t("dayNearest", { day: format(locale, { dateStyle: "long" }).format(shown) }));
    target.value = { room: room.name, seq: found.seq };
  };
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
  /** @type {[string, number][]} */
  const goals = [
    [relative.format(-1, "day"), now - DAY_MS],
    [relative.format(-1, "week"), now - 7 * DAY_MS],
    [relative.format(-1, "month"), now - 30 * DAY_MS],
    [t("dayFirst"), 0],
  ];
  /** @param {number} moment */
  const press = (moment) => () => go(moment && start(value(moment))).catch((failure) => setWrong(reason(failure)));
  return html`
    <${Dialog} title=${t("dayIn", { room: roomName(room.name) })}>
      <div class="acts">${goals.map(
        ([name, moment]) =>
          html`<button type="button" class="plain" key=${name} onClick=${press(moment)}>${name[0].toLocaleUpperCase(locale) + name.slice(1)}</button>`,
      )}</div>
      <${Form} action=${t("dayShow")} explain=${reason} send=${(/** @type {Record<string, any>} */ values) => go(start(values.day))}>
        <${Field} label=${t("dayAsked")} name="day" type="date" value=${value(ts ?? now)} max=${value(now)} required autofocus />
      <//>
      ${wrong && html`<p class="wrong" role="alert">${wrong}</p>`}
    <//>`;
}
