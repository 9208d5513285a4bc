// @ts-check
/** A room: what it is, its settings for those who may change them, and its end. */

import { Act } from "./act.mjs";
import { open } from "./address.mjs";
import { command } from "./client.mjs";
import { hide, show } from "./dialog.mjs";
import { Fold } from "./fold.mjs";
import { Choice, Field, Form } from "./form.mjs";
import { inviteTo } from "./invite.mjs";
import { membersOf } from "./members.mjs";
import { Dialog } from "./modal.mjs";
import { roomName } from "./names.mjs";
import { Plain } from "./person.mjs";
import { reason } from "./reasons.mjs";
import { isDeclared, isPublic, mayInvite, ownRank } from "./rights.mjs";
import { lasts } from "./standing.mjs";
import { here, touched } from "./state.mjs";
import { say } from "./tell.mjs";
import { html, useState } from "./ui.mjs";
import { t } from "./words.later.mjs";

/** @typedef {import("./chatd.mjs").Room} Room */

/** Seconds between two messages. */
const SLOW = [0, 5, 15, 30, 60, 300, 900, 3600];
const KEEP_MAX = 10_000_000;

/** The dialog. @param {Room} room */
export const detailsOf = (room) => () => html`<${Details} room=${room} />`;

/** @param {{room: Room}} props */
function Details({ room }) {
  touched(room.name);
  const { settings } = room;
  const title = roomName(room.name);
  const isOpen = isPublic(room);
  const isFixed = isDeclared(room);
  const rank = ownRank(room);
  const leave = async () => {
    const { name } = room;
    await command({ type: "leave", room: name });
    hide();
    if (here.value === name) open("", true);
  };
  return html`
    <${Dialog} title=${title} wide>
      <p class="quiet">${isOpen ? html`<bdi>#${room.name}</bdi> · ${t("isPublic")}` : t("isPrivate")}</p>
      ${settings.topic && html`<p dir="auto">${settings.topic}</p>`}
      <${Facts} settings=${settings} />
      <div class="acts">
        <button type="button" class="plain" data-first onClick=${() => show(html`<${membersOf(room)} />`)}>${t("allMembers")}</button>
        ${mayInvite(room) && html`<button type="button" class="plain" onClick=${() => show(html`<${inviteTo(room)} />`)}>${t("invite")}</button>`}
        <${Act} label=${t("leave")} text=${t(isOpen ? "leaveSure" : "leaveSurePrivate", { room: title })} act=${leave}
          explain=${(/** @type {any} */ failure) => (failure.code === "forbidden" ? t("leaveLastOwner") : reason(failure))} />
      </div>
      ${isFixed && rank > 1 && html`<p class="quiet">${t("isDeclared")}</p>`}
      ${
        !isFixed &&
        rank > 1 &&
        html`
        <${Fold} title=${t("roomSettings")}><${Change} key=${room.name} room=${room} isOwner=${rank > 2} /><//>
        ${rank > 2 && isOpen && html`<${Fold} title=${t("rename")}><${Rename} room=${room} /><//>`}
        ${rank > 2 && html`<${Fold} title=${t("roomEnd")}><${End} room=${room} title=${title} /><//>`}`
      }
    <//>`;
}

/** What is not as it is in most rooms. @param {{settings: Record<string, any>}} props */
function Facts({ settings }) {
  const { slow_s: slow, post, history, keep_days: days, keep_messages: count, archived } = settings;
  const facts = [
    archived && t("archivedRoom"),
    post === "moderators" && t("onlyModerators"),
    slow && t("slowFact", { time: lasts(slow) }),
    history === "since_join" && t("historyFact"),
    days && t("keepDaysFact", { n: days }),
    count && t("keepCountFact", { n: count }),
  ].filter(Boolean);
  return facts.length > 0 && html`<ul class="facts">${facts.map((one) => html`<li key=${one}>${one}</li>`)}</ul>`;
}

/** Whether more goes by it than before; 0 keeps all. @param {number} now @param {number} was */
const isStricter = (now, was) => now > 0 && (was === 0 || now < was);

/** @param {{room: Room, isOwner: boolean}} props */
function Change({ room, isOwner }) {
  // As they are when one begins; what others change meanwhile is left as they say.
  const [was] = useState({
    ...{ title: "", topic: "", slow_s: 0, post: "members", history: "all", keep_days: 0, keep_messages: 0 },
    ...room.settings,
  });
  const [saved, setSaved] = useState(was);
  const [isLess, setLess] = useState(false);
  /** @param {Record<string, any>} values */
  const read = ({ title, topic, slow_s, post, history, keep_days, keep_messages }) => {
    const all = { title: title.trim(), topic: topic.trim(), slow_s: Number(slow_s) };
    return isOwner
      ? { ...all, post, history, keep_days: Number(keep_days), keep_messages: Number(keep_messages) }
      : all;
  };
  /** @param {any} event */
  const look = (event) => {
    const now = /** @type {any} */ (read(Object.fromEntries(new FormData(event.currentTarget))));
    setLess(
      isOwner && (isStricter(now.keep_days, saved.keep_days) || isStricter(now.keep_messages, saved.keep_messages)),
    );
  };
  /** @param {Record<string, any>} values */
  const send = async (values) => {
    const now = read(values);
    const changed = Object.fromEntries(
      Object.entries(now).filter(([key, value]) => value !== /** @type {any} */ (saved)[key]),
    );
    if (Object.keys(changed).length) await command({ type: "room", room: room.name, ...changed });
    setSaved({ ...saved, ...now });
    setLess(false);
    say(t("saved"));
  };
  const slow = [...new Set([...SLOW, was.slow_s])].sort((one, two) => one - two);
  return html`
    <div onInput=${(/** @type {any} */ event) => look({ currentTarget: event.target.form })}>
    <${Form} action=${t("save")} send=${send} explain=${reason}>
      <${Field} label=${t("roomTitle")} name="title" value=${was.title} maxlength="250" hint=${t("titleHint")} />
      <${Field} label=${t("roomTopic")} name="topic" value=${was.topic} maxlength="250" />
      <${Choice} label=${t("slow")} name="slow_s" value=${String(was.slow_s)} hint=${t("slowHint")}
        options=${slow.map((one) => [String(one), one ? lasts(one) : t("slowOff")])} />
      ${
        isOwner &&
        html`
        <div class="pair">
          <${Choice} label=${t("post")} name="post" value=${was.post} options=${[
            ["members", t("postMembers")],
            ["moderators", t("postModerators")],
          ]} />
          <${Choice} label=${t("historyShown")} name="history" value=${was.history} options=${[
            ["all", t("historyAll")],
            ["since_join", t("historyJoin")],
          ]} />
        </div>
        <div class="pair">
          <${Field} label=${t("keepDays")} name="keep_days" type="number" min="0" max=${KEEP_MAX} value=${was.keep_days} hint=${t("keepHint")} required />
          <${Field} label=${t("keepCount")} name="keep_messages" type="number" min="0" max=${KEEP_MAX} value=${was.keep_messages} hint=${t("keepHint")} required />
        </div>
        ${isLess && html`<label class="check sure"><input type="checkbox" required /> <span>${t("keepSure")}</span></label>`}`
      }
    <//></div>`;
}

/** @param {{room: Room}} props */
function Rename({ room }) {
  /** @param {Record<string, any>} values */
  const send = async ({ name }) => {
    await command({
      type: "rename",
      room: room.name,
      name: name.trim().toLowerCase().replace(/^#/, "").replace(/\s+/g, "-"),
    });
    say(t("saved"));
  };
  return html`
    <${Form} key=${room.name} action=${t("rename")} send=${send} explain=${(/** @type {any} */ failure) => (failure.code === "bad_field" ? t("badName") : reason(failure))}>
      <${Field} label=${t("roomName")} name="name" value=${room.name} hint=${t("renameHint")} maxlength="64" autocapitalize="none" required />
    <//>`;
}

/** @param {{room: Room, title: string}} props */
function End({ room, title }) {
  const values = { room: title };
  const isOpen = isPublic(room);
  const archive = async () => {
    await command({ type: "room", room: room.name, archived: true });
    say(t("archived", values));
  };
  const reopen = async () => {
    await command({ type: "room", room: room.name, archived: false });
    say(t("reopened", values));
  };
  const destroy = async () => {
    await command({ type: "destroy", room: room.name });
    hide();
  };
  return html`
    <div class="acts">
      ${
        room.settings.archived
          ? html`<${Plain} label=${t("reopen")} act=${reopen} />`
          : html`<${Act} label=${t("archive")} text=${t("archiveSure", values)} act=${archive} isHarmless />`
      }
      <${Act} label=${t("destroy")} text=${t(isOpen ? "destroySure" : "destroySurePrivate", values)} act=${destroy} />
    </div>`;
}
