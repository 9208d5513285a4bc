// @ts-check
/** Somebody: what one can do together, and what moderators can do in a room. */

import { Act } from "./act.mjs";
import { open } from "./address.mjs";
import { Avatar, StateText } from "./avatar.mjs";
import { Block, useBlocks } from "./blocks.mjs";
import { command } from "./client.mjs";
import { hide } from "./dialog.mjs";
import { Fold } from "./fold.mjs";
import { Choice, Field, Form } from "./form.mjs";
import { Dialog } from "./modal.mjs";
import { direct, roomName, shownName } from "./names.mjs";
import { reason } from "./reasons.mjs";
import { isPublic, ownRank, rankOf, roleName } from "./rights.mjs";
import { onMember } from "./roles.mjs";
import { seen, stateOf } from "./sidebar.mjs";
import { LENGTHS, lasting, sanctionOf, useStanding } from "./standing.mjs";
import { chat, here, touched } from "./state.mjs";
import { say } from "./tell.mjs";
import { html, useEffect, useState } from "./ui.mjs";
import { t } from "./words.later.mjs";

/** @typedef {import("./chatd.mjs").Room} Room */
/** @typedef {import("./standing.mjs").Standing} Standing */
/** @typedef {{role?: string, isIn: boolean}} Place What somebody is in a room. */

/** The dialog of somebody in a room, or of the other one of a conversation. @param {string} name @param {Room} [room] @param {Place} [place] */
export const personOf = (name, room, place) => () => html`<${Person} name=${name} room=${room} place=${place} />`;

/** @param {{name: string, room?: Room, place?: Place}} props */
function Person({ name, room, place }) {
  const { standing } = useStanding(room && ownRank(room) > 1 ? room : undefined);
  return html`
    <${Dialog} title=${shownName(name)}>
      <${About} name=${name} room=${room} place=${place} standing=${standing.get(name)} />
    <//>`;
}

/**
 * What somebody is in a room, as it changes.
 *
 * @param {string} name @param {Room|undefined} room @param {Place} was @returns {Place}
 */
function usePlace(name, room, was) {
  const [place, setPlace] = useState(was);
  useEffect(
    () =>
      onMember(room, (user, role) => {
        if (user === name) setPlace({ role, isIn: Boolean(role) });
      }),
    [name, room],
  );
  return place;
}

/**
 * All of somebody that there is.
 *
 * @param {{name: string, room?: Room, place?: Place, standing?: Standing}} props
 *   Without `place` one is in the room.
 */
export function About({ name, room, place: was = { isIn: true }, standing }) {
  touched(room?.name);
  const blocks = useBlocks();
  const place = usePlace(name, room, was);
  const { role: ownRole, user } = /** @type {any} */ (chat.value);
  const shown = shownName(name);
  const state = stateOf(name);
  const { text } = seen(name) ?? {};
  const isMe = name === user;
  const isGuest = name.includes("~");
  const canWrite = !isMe && !isGuest && ownRole !== "guest";
  const write = () => {
    hide();
    open(direct(name));
  };
  const notes = [room && roleName(place.role, name), isMe && t("you")].filter(Boolean).join(" · ");
  return html`
    <div tabindex="-1">
    <div class="about">
      <${Avatar} name=${name} shown=${shown} state=${state} />
      <span class="names"><span><bdi>${shown}</bdi> <small>@${name}</small><${StateText} state=${state} /></span>
        <small>${[text && html`<bdi>${text}</bdi>`, notes].filter(Boolean).map((one, at) => (at ? [" · ", one] : one))}</small></span>
    </div>
    ${blocks.blocked?.has(name) && html`<p class="quiet">${t("blockedHint", { name: shown })}</p>`}
    ${blocks.wrong && html`<p class="wrong" role="alert">${blocks.wrong}</p>`}
    ${
      canWrite &&
      html`
      <div class="acts">
        ${here.value !== direct(name) && html`<button type="button" class="primary" data-first onClick=${write}>${t("writeTo", { name: shown })}</button>`}
        <${Block} name=${name} blocks=${blocks} />
      </div>`
    }
    ${room && !isMe && html`<${Moderate} name=${name} room=${room} place=${place} standing=${standing} />`}
    </div>`;
}

/** @param {{name: string, room: Room, place: Place, standing?: Standing}} props */
function Moderate({ name, room, place, standing }) {
  const own = ownRank(room);
  if (own < 2) return null;
  const values = { name: shownName(name), room: roomName(room.name) };
  const on = { room: room.name, user: name };
  const { ban, mute } = standing ?? {};
  const isLess = rankOf(place.role) < own || !place.isIn;
  const why = html`<${Field} label=${t("why")} name="reason" maxlength="250" hint=${t("whyHint")} />`;
  const howLong = html`<${Choice} label=${t("howLong")} name="seconds" value="3600" options=${LENGTHS} />`;
  /** @param {string} said @param {Record<string, any>} what */
  const done = async (said, what) => {
    await command({ ...on, ...what });
    say(said);
  };
  const isPrivate = !isPublic(room);
  return html`
    <h3>${t("inRoom", { room: values.room })}</h3>
    ${mute && html`<p class="quiet">${t("isMuted")} <bdi>${lasting(mute)}</bdi></p>`}
    ${ban && html`<p class="quiet">${t("isBanned")} <bdi>${lasting(ban)}</bdi></p>`}
    ${!isLess && html`<p class="quiet">${t("noLess", values)}</p>`}
    <div class="acts">
      ${
        mute
          ? html`<${Plain} label=${t("unmute")} act=${() => done(t("unmuted", values), { type: "unmute" })} />`
          : isLess &&
            !ban &&
            html`
          <${Act} label=${t("mute")} text=${t("muteSure", values)} act=${(/** @type {any} */ form) => done(t("nowMuted", values), { type: "mute", ...sanctionOf(form) })}>
            ${howLong}${why}<//>`
      }
      ${
        isLess &&
        place.isIn &&
        html`
        <${Act} label=${t("kick")} text=${t(isPrivate ? "kickSurePrivate" : "kickSure", values)}
          act=${(/** @type {any} */ form) => done(t("kicked", values), { type: "kick", reason: sanctionOf(form).reason })}>${why}<//>`
      }
      ${
        ban
          ? html`<${Plain} label=${t("unban")} act=${() => done(t("unbanned", values), { type: "unban" })} />`
          : isLess &&
            html`
          <${Act} label=${t("ban")} text=${t("banSure", values) + (name.includes("~") ? ` ${t("banGuest")}` : "")}
            act=${(/** @type {any} */ form) => done(t("nowBanned", values), { type: "ban", ...sanctionOf(form) })}>${howLong}${why}<//>`
      }
    </div>
    ${
      own > 2 &&
      place.isIn &&
      html`
      <${Fold} title=${`${t("role")}: ${roleName(place.role) || t("roleMember")}`}>
        <${Role} key=${place.role} name=${name} room=${room} role=${place.role ?? "member"} /><//>`
    }`;
}

/** What takes something back is done at once; a refusal is said beside it. @param {{label: string, name?: string, act: () => Promise<any>, isSmall?: boolean}} props */
export function Plain({ label, name, act, isSmall }) {
  const [wrong, setWrong] = useState("");
  const [isBusy, setBusy] = useState(false);
  const go = async () => {
    if (isBusy) return;
    setBusy(true);
    setWrong("");
    try {
      await act();
    } catch (failure) {
      setWrong(reason(failure));
    }
    setBusy(false);
  };
  return html`<span><button type="button" class=${isSmall ? "small plain" : "plain"} aria-label=${name} aria-disabled=${isBusy} onClick=${go}>${label}</button>
    ${wrong && html`<span class="wrong" role="alert"> ${wrong}</span>`}</span>`;
}

/** @param {{name: string, room: Room, role: string}} props */
function Role({ name, room, role }) {
  const [chosen, setChosen] = useState(role);
  const values = { name: shownName(name) };
  /** @type {[string, string, string][]} */
  const roles = [
    ["member", t("roleMember"), t("roleMemberHint")],
    ["moderator", t("roleModerator"), t("roleModeratorHint")],
    ["owner", t("roleOwner"), t("roleOwnerHint")],
  ];
  const send = async () => {
    if (chosen !== role) await command({ type: "role", room: room.name, user: name, role: chosen });
    say(t("saved"));
  };
  return html`
    <${Form} action=${t("saveRole")} send=${send} explain=${(/** @type {any} */ failure) => (failure.code === "forbidden" ? t("lastOwner", values) : reason(failure))}>
      <fieldset aria-label=${t("role")}>
        ${roles.map(
          ([one, label, hint]) => html`
          <label class="check"><input type="radio" name="role" value=${one} checked=${chosen === one} onChange=${() => setChosen(one)} />
            <span class="names"><span>${label}</span><small>${hint}</small></span></label>`,
        )}
      </fieldset>
    <//>`;
}
