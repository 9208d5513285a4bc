// @ts-check
/** All who belong to a room, also those who are not there, and who is kept out or asked in. */

import { Avatar, StateText } from "./avatar.mjs";
import { show } from "./dialog.mjs";
import { Fold } from "./fold.mjs";
import { Icon } from "./icons.mjs";
import { inviteTo } from "./invite.mjs";
import { Dialog } from "./modal.mjs";
import { displays, roomName, shownName } from "./names.mjs";
import { pages } from "./pages.mjs";
import { About, Plain } from "./person.mjs";
import { reason } from "./reasons.mjs";
import { mayInvite, ownRank, rankOf, roleName } from "./rights.mjs";
import { onMember } from "./roles.mjs";
import { lasting, useStanding } from "./standing.mjs";
import { chat, touched } from "./state.mjs";
import { say } from "./tell.mjs";
import { html, useEffect, useLayoutEffect, useRef, useState } from "./ui.mjs";
import { short } from "./when.mjs";
import { t } from "./words.later.mjs";
import { locale } from "./words.mjs";

/** @typedef {import("./chatd.mjs").Room} Room */
/** @typedef {{name: string, shown: string, role?: string}} Member */

/** So many are asked for at first; a filter asks for all. */
const FIRST = 1000;
/** So many are drawn at a time, and at most. */
const [PAGE, MOST] = [100, 500];

const collator = new Intl.Collator(locale);
/** Who runs the room first, then by what they are called. @param {Member} one @param {Member} two */
const byRole = (one, two) => rankOf(two.role) - rankOf(one.role) || collator.compare(one.shown, two.shown);

/**
 * The members, as far as they were asked for, and as they come and go.
 *
 * @param {Room} room
 * @returns {{members: Member[], isBusy: boolean, isAll: boolean, wrong: string, more: (goal: number) => void}}
 */
function useMembers(room) {
  const [list, setList] = useState({ members: /** @type {Member[]} */ ([]), isBusy: true, isAll: false, wrong: "" });
  const more = useRef(/** @type {(goal: number) => void} */ (() => {}));
  useEffect(() => {
    /** @type {Map<string, Member>} */
    const found = new Map();
    const source = pages({ type: "who", room: room.name, all: true });
    let [goal, isBusy, isAll, isOver, wrong] = [FIRST, false, false, false, ""];
    const tell = () => isOver || setList({ members: [...found.values()].sort(byRole), isBusy, isAll, wrong });
    const load = async () => {
      if (isBusy) return;
      isBusy = true;
      try {
        while (!isOver && !isAll && found.size < goal) {
          const { value, done } = await source.next();
          isAll = Boolean(done);
          for (const { name, display, role } of value?.users ?? []) {
            if (display) displays.set(name, display);
            found.set(name, { name, role, shown: shownName(name) });
          }
          tell();
        }
      } catch (failure) {
        isAll = true;
        wrong = reason(failure);
      }
      isBusy = false;
      tell();
    };
    more.current = (wanted) => {
      goal = Math.max(goal, wanted);
      load();
    };
    load();
    const stop = onMember(room, (user, role) => {
      if (role) found.set(user, { name: user, role, shown: shownName(user) });
      else found.delete(user);
      tell();
    });
    return () => {
      isOver = true;
      stop?.();
    };
  }, [room]);
  return { ...list, more: (goal) => more.current(goal) };
}

/** The dialog of a room. @param {Room} room */
export const membersOf = (room) => () => html`<${Members} room=${room} />`;

/** @param {{room: Room}} props */
function Members({ room }) {
  touched(room.name);
  const { members, isBusy, isAll, wrong, more } = useMembers(room);
  const { standing, wrong: notTold, isCut } = useStanding(room);
  const [typed, setTyped] = useState("");
  const [drawn, setDrawn] = useState(PAGE);
  const [chosen, setChosen] = useState(/** @type {string|null} */ (null));
  const box = useRef(/** @type {any} */ (null));
  const was = useRef(/** @type {string|null} */ (null));
  const wanted = typed.trim().toLowerCase().replace(/^@/, "");
  const found = members.filter(({ name, shown }) => `${name} ${shown}`.toLowerCase().includes(wanted));
  const shown = found.slice(0, drawn);
  const isMore = found.length > shown.length || !isAll;

  useLayoutEffect(() => {
    // The focus goes along, and back to where it was.
    const at = was.current;
    was.current = chosen;
    if (chosen) box.current.querySelector(".back-to").focus();
    else if (at)
      (box.current.querySelector(`[data-name="${CSS.escape(at)}"]`) ?? box.current.querySelector("input")).focus();
  }, [chosen]);
  useEffect(() => {
    if (wanted && !isAll) more(Infinity);
  }, [wanted]);

  const showMore = () => {
    if (found.length <= drawn) more(members.length + FIRST);
    setDrawn(Math.min(MOST, drawn + PAGE));
  };
  const of = members.find(({ name }) => name === chosen);
  return html`
    <${Dialog} title=${chosen ? shownName(chosen) : t("membersOf", { room: roomName(room.name) })} wide>
      <div ref=${box}>
        ${
          chosen
            ? html`
          <p><button type="button" class="plain back-to" onClick=${() => setChosen(null)}><${Icon} name="back" /> ${t("backToMembers")}</button></p>
          <${About} key=${chosen} name=${chosen} room=${room} place=${{ role: of?.role, isIn: Boolean(of) }} standing=${standing.get(chosen)} />`
            : html`
          <div class="filter">
            <input type="search" aria-label=${t("filterMembers")} placeholder=${t("filterMembers")} data-first autocomplete="off" autocapitalize="none"
              value=${typed} onInput=${(/** @type {any} */ event) => setTyped(event.target.value)} />
            ${mayInvite(room) && html`<button type="button" class="plain" onClick=${() => show(html`<${inviteTo(room)} />`)}>${t("invite")}</button>`}
          </div>
          <p class="quiet" role="status">${isBusy && !members.length ? t("loading") : t(isAll ? "members" : "membersSoFar", { n: found.length })}</p>
          <ul class="directory" aria-busy=${isBusy}>${shown.map((one) => html`<${Row} key=${one.name} member=${one} room=${room} mute=${standing.get(one.name)?.mute} choose=${setChosen} />`)}</ul>
          ${isAll && !found.length && html`<p class="quiet">${t("noMembers")}</p>`}
          ${wrong && html`<p class="wrong" role="alert">${wrong}</p>`}
          ${isMore && drawn < MOST && html`<p class="center"><button type="button" class="plain" aria-disabled=${isBusy} onClick=${showMore}>${t("showMore")}</button></p>`}
          ${isMore && drawn >= MOST && html`<p class="quiet">${t("filterForMore")}</p>`}
          <${KeptOut} room=${room} standing=${standing} choose=${setChosen} isCut=${isCut} />
          ${notTold && html`<p class="wrong" role="alert">${notTold}</p>`}`
        }
      </div>
    <//>`;
}

/** @param {{member: Member, room: Room, mute?: any, choose: (name: string) => void}} props */
function Row({ member: { name, role }, room, mute, choose }) {
  touched(room.name);
  const shown = shownName(name);
  const person = room.people?.get(name);
  // Where they are too many, it is not told who is there.
  const state = !room.live ? "unknown" : person ? (person.state ?? "online") : room.people ? "offline" : "";
  const notes = [name === chat.value?.user && t("you"), roleName(role, name), mute && t("isMutedShort")];
  return html`
    <li>
      <${Avatar} small name=${name} shown=${shown} state=${state} />
      <span class="names"><span><bdi>${shown}</bdi>${state && html`<${StateText} state=${state} />`}</span>
        <small>${notes.filter(Boolean).join(" · ")}${person?.text && html` <bdi>${person.text}</bdi>`}</small></span>
      <button type="button" class="small plain" data-name=${name} aria-label=${`${t("details")}: ${shown}`} onClick=${() => choose(name)}>${t("details")}</button>
    </li>`;
}

/** Who is asked in, muted or banned. @param {{room: Room, standing: Map<string, import("./standing.mjs").Standing>, choose: (name: string) => void, isCut: boolean}} props */
function KeptOut({ room, standing, choose, isCut }) {
  const all = [...standing.values()];
  const isModerator = ownRank(room) > 1;
  /** @param {Record<string, any>} what @param {string} said */
  const act = async (what, said) => {
    await chat.value?.command({ room: room.name, ...what });
    say(said);
  };
  /** @param {string} title @param {any[]} rows */
  const part = (title, rows) =>
    rows.length > 0 &&
    html`<${Fold} title=${`${title} (${rows.length})`} isOpen=${rows.length < 20}><ul class="directory">${rows}</ul><//>`;
  /** @param {string} name @param {string} note @param {any} button */
  const row = (name, note, button) => html`
    <li key=${name}><span class="names"><bdi>${shownName(name)}</bdi><small dir="auto">${note}</small></span>
      <span class="pair">${button}
        ${isModerator && html`<button type="button" class="small plain" data-name=${name} aria-label=${`${t("details")}: ${shownName(name)}`} onClick=${() => choose(name)}>${t("details")}</button>`}</span></li>`;
  return html`
    ${part(
      t("askedIn"),
      all
        .filter(({ invite }) => invite)
        .map(({ name, invite }) =>
          row(
            name,
            `${t("invitedBy", { name: shownName(invite?.from ?? "") })} · ${short(Date.parse(invite?.ts ?? ""), locale)}`,
            html`<${Plain} isSmall label=${t("revoke")} name=${`${t("revoke")}: ${shownName(name)}`}
              act=${() => act({ type: "invite", user: name, on: false }, t("uninvited", { name: shownName(name) }))} />`,
          ),
        ),
    )}
    ${part(
      t("mutedOnes"),
      all
        .filter(({ mute }) => mute)
        .map(({ name, mute = {} }) =>
          row(
            name,
            lasting(mute),
            html`<${Plain} isSmall label=${t("unmute")} name=${`${t("unmute")}: ${shownName(name)}`}
              act=${() => act({ type: "unmute", user: name }, t("unmuted", { name: shownName(name), room: roomName(room.name) }))} />`,
          ),
        ),
    )}
    ${part(
      t("bannedOnes"),
      all
        .filter(({ ban }) => ban)
        .map(({ name, ban = {} }) =>
          row(
            name,
            lasting(ban),
            html`<${Plain} isSmall label=${t("unban")} name=${`${t("unban")}: ${shownName(name)}`}
              act=${() => act({ type: "unban", user: name }, t("unbanned", { name: shownName(name), room: roomName(room.name) }))} />`,
          ),
        ),
    )}
    ${isCut && html`<p class="quiet">${t("standingCut")}</p>`}`;
}
