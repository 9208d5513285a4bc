// @ts-check
/** One's own: how one is shown, one's devices, password and links, and the way out. */

import { Act } from "./act.mjs";
import { Blocks } from "./blocks.mjs";
import { command, status, statusKey } from "./client.mjs";
import { copy } from "./copy.mjs";
import { hide, show } from "./dialog.mjs";
import { Fold } from "./fold.mjs";
import { Choice, Field, Form } from "./form.mjs";
import { keep, keepLook, look } from "./kept.mjs";
import { Keys } from "./keys.mjs";
import { Dialog } from "./modal.mjs";
import { roomName, shownName } from "./names.mjs";
import { mayShow, play, want, wishes } from "./notices.mjs";
import { pages } from "./pages.mjs";
import { reason } from "./reasons.mjs";
import { about, chat, home, place, touchAll } from "./state.mjs";
import { say, tell } from "./tell.mjs";
import { exact, writeHours } from "./time.mjs";
import { html, useEffect, useState } from "./ui.mjs";
import { ago, short } from "./when.mjs";
import { t } from "./words.later.mjs";
import { locale } from "./words.mjs";

/** Whether one may make links for new people, as far as is known here. */
export const mayInvite = () => {
  const { role, rooms = new Map(), welcome = {} } = chat.value ?? {};
  const leads = [...rooms.values()].some((room) => room.role !== "member" && welcome.suggested?.includes(room.name));
  return about.value?.registration !== "closed" && (role === "admin" || leads);
};

/** The dialog. @param {{invitesTo?: string}} props The room into which one is about to invite new people. */
export function Settings({ invitesTo }) {
  const { role, user = "" } = /** @type {any} */ (chat.value);
  const isGuest = role === "guest";
  return html`
    <${Dialog} title=${t("settings")} wide>
      <${Fold} title=${t("profile")} isOpen=${!invitesTo}><${Profile} user=${user} /><//>
      <${Fold} title=${t("look")}><${Look} /><//>
      <${Fold} title=${t("level")}><${Notices} /><//>
      ${role === "admin" && html`<${Fold} title=${t("placeName")}><${Place} /><//>`}
      ${mayInvite() && html`<${Fold} title=${t("invitePeople")} isOpen=${Boolean(invitesTo)}><${Invitations} to=${invitesTo} /><//>`}
      <${Fold} title=${t("linkPhone")}><${LinkPhone} /><//>
      <${Fold} title=${t("devices")}><${Devices} /><//>
      ${!isGuest && html`<${Fold} title=${t("changePassword")}><${ChangePassword} user=${user} /><//>`}
      ${!isGuest && html`<${Fold} title=${t("blocks")}><${Blocks} /><//>`}
      ${!isGuest && html`<${Fold} title=${t("endAccount")}><${EndAccount} /><//>`}
      <div class="acts end">
        <button type="button" class="plain" onClick=${() => show(html`<${Keys} />`)}>${t("keys")}</button>
        <${Act} label=${t("logOutAll")} text=${t("logOutAllHint")} act=${() => leave(true)} />
        <button type="button" class="plain" onClick=${() => tell(leave(false))}>${t("logOut")}</button>
      </div>
    <//>`;
}

/**
 * Say how one is; that holds until one says something else, over reloads too.
 *
 * @param {{state: string, text?: string}} said
 */
async function setStatus(said) {
  await command({ type: "status", ...said });
  keep(statusKey(), said.state === "online" && !said.text ? "" : JSON.stringify(said));
}

/** @param {boolean} everywhere */
async function leave(everywhere) {
  await chat.value?.logout(everywhere || undefined);
  hide();
}

/** The end of one's account: how, and what becomes of what one has said. */
function EndAccount() {
  /** @param {Record<string, any>} values */
  const end = async ({ password, messages }) => {
    await command({ type: "account_delete", password, messages });
    hide();
  };
  return html`
    <p class="quiet">${t("endAccountHint")}</p>
    <${Act} label=${t("endAccount")} text=${t("endAccountSure")} act=${end} explain=${(/** @type {any} */ failure) =>
      failure.code === "forbidden" ? t("noPassword") : reason(failure)}>
      <${Choice} label=${t("endMessages")} name="messages" value="empty" options=${[
        ["empty", t("endEmpty")],
        ["reassign", t("endReassign")],
      ]} />
      <input type="text" name="username" autocomplete="username" value=${chat.value?.user} readonly hidden />
      <${Field} label=${t("password")} name="password" type="password" autocomplete="current-password" required />
    <//>`;
}

/** @param {{user: string}} props */
function Profile({ user }) {
  const now = status();
  const [state, setState] = useState(now.state);
  /** @param {Record<string, any>} values */
  const send = async ({ display, text }) => {
    if (display !== shownName(user)) await command({ type: "profile", display });
    await setStatus({ state, text: text || undefined });
    say(t("saved"));
  };
  return html`
    <${Form} action=${t("save")} send=${send} explain=${reason}>
      <p class="quiet">${t("name")}: <bdi>${user}</bdi></p>
      <${Field} label=${t("displayName")} name="display" value=${shownName(user)} maxlength="64" required />
      <fieldset><legend>${t("status")}</legend>
        ${["online", "away"].map(
          (one) => html`
          <label class="check"><input type="radio" name="state" value=${one} checked=${state === one} onChange=${() => setState(one)} />
            <span class=${`dot ${one}`}></span> ${one === "online" ? t("setOnline") : t("setAway")}</label>`,
        )}
      </fieldset>
      <${Field} label=${t("statusText")} name="text" value=${now.text ?? ""} maxlength="128" />
    <//>`;
}

/** How the page looks on this device. */
function Look() {
  const [now, set] = useState(look);
  /** @param {string} name @param {string} value */
  const change = (name, value) => {
    const all = { ...now, [name]: value };
    keepLook(all);
    dispatchEvent(new CustomEvent("chatd-look", { detail: all }));
    writeHours(all.hours);
    touchAll();
    set(all);
  };
  /** @param {string} name @param {string} label @param {[string, string][]} values */
  const choice = (name, label, values) => html`
    <fieldset class="check-list"><legend>${label}</legend>
      ${values.map(
        ([value, shown]) => html`
        <label class="check" key=${value}><input type="radio" name=${name} value=${value} checked=${(now[name] ?? "") === value}
          onChange=${() => change(name, value)} /> ${shown}</label>`,
      )}
    </fieldset>`;
  return html`
    ${choice("theme", t("theme"), [
      ["", t("themeSystem")],
      ["light", t("themeLight")],
      ["dark", t("themeDark")],
      ["contrast", t("themeContrast")],
    ])}
    ${choice("density", t("density"), [
      ["", t("densityComfortable")],
      ["compact", t("densityCompact")],
    ])}
    ${choice("hours", t("hours"), [
      ["", t("hoursLocale")],
      ["12", t("hours12")],
      ["24", t("hours24")],
    ])}`;
}

/** What this device does when something calls; it is kept here and holds here. */
function Notices() {
  const [now, set] = useState(wishes);
  const isAllowed = globalThis.Notification?.permission === "granted";
  /** @param {any} changes */
  const change = (changes) => set(want(changes));
  /** @param {boolean} on */
  const show = async (on) => {
    if (on && !(await mayShow())) say(t("noticesDenied"));
    change({ shows: on && globalThis.Notification?.permission === "granted" });
  };
  /** @param {boolean} on */
  const sound = (on) => {
    if (on) play();
    change({ sound: on });
  };
  /** @param {string} label @param {boolean} is @param {(on: boolean) => void} act @param {boolean} [isIdle] */
  const check = (label, is, act, isIdle) => html`
    <label class="check"><input type="checkbox" checked=${is} disabled=${isIdle} onChange=${(/** @type {any} */ event) => act(event.target.checked)} /> ${label}</label>`;
  /** @param {"from"|"to"} name */
  const time = (name) => (/** @type {any} */ event) => event.target.value && change({ [name]: event.target.value });
  return html`
    <p class="quiet">${t("noticesHint")}</p>
    ${check(t("noticesShow"), now.shows && isAllowed, show)}
    ${check(t("noticesText"), now.text, (text) => change({ text }), !(now.shows && isAllowed))}
    ${check(t("noticesSound"), now.sound, sound)}
    ${check(t("quietHours"), now.quiet, (quiet) => change({ quiet }))}
    <div class="pair">
      <${Field} label=${t("quietFrom")} name="from" type="time" value=${now.from} disabled=${!now.quiet} onChange=${time("from")} required />
      <${Field} label=${t("quietTo")} name="to" type="time" value=${now.to} disabled=${!now.quiet} onChange=${time("to")} required />
    </div>`;
}

/** @param {Record<string, any>} values */
async function namePlace({ name }) {
  await command({ type: "place", name });
  say(t("saved"));
}

const Place = () => html`
  <${Form} action=${t("save")} explain=${reason} send=${namePlace}>
    <${Field} label=${t("placeName")} name="name" value=${place.value} maxlength="64" required />
  <//>`;

function LinkPhone() {
  const [link, setLink] = useState("");
  const [wrong, setWrong] = useState("");
  const [QR, setQR] = useState(/** @type {any} */ (null));
  const make = async () => {
    try {
      const [ok, module] = await Promise.all([command({ type: "link" }), import("./qr.mjs")]);
      setQR(() => module.QR);
      setLink(`${home}#link=${ok.secret}`);
    } catch (failure) {
      setWrong(reason(failure));
    }
  };
  return html`
    <p class="quiet">${t("linkHint")}</p>
    ${
      link && QR
        ? html`<${QR} text=${link} label=${t("linkPhone")} /><${Link} link=${link} />`
        : html`<div class="actions"><button type="button" class="primary" onClick=${make}>${t("inviteMake")}</button></div>`
    }
    ${wrong && html`<p class="wrong" role="alert">${wrong}</p>`}`;
}

/** @param {{link: string}} props */
const Link = ({ link }) => html`
  <p class="link-row"><input type="text" readonly aria-label=${t("copyLink")} value=${link} onFocus=${(/** @type {any} */ event) => event.target.select()} />
    <button type="button" class="plain" onClick=${() => copy(link)}>${t("copyLink")}</button></p>`;

/**
 * A list of which pages come by a command, and that is loaded anew after a change.
 *
 * @param {string} type @returns {[any[]|null, () => Promise<void>, string]}
 */
function useListed(type) {
  const [list, setList] = useState(/** @type {any[]|null} */ (null));
  const [wrong, setWrong] = useState("");
  const load = async () => {
    /** @type {any[]} */
    const found = [];
    try {
      for await (const page of pages({ type })) found.push(...page[type]);
      setList(found);
      setWrong("");
    } catch (failure) {
      setWrong(reason(failure));
    }
  };
  useEffect(() => void load(), []);
  return [list, load, wrong];
}

/** How often the list of devices is read while it is looked at. */
const DEVICES_MS = 5000;

function Devices() {
  const [sessions, load, wrong] = useListed("sessions");
  // Another device may come while one looks, by the link that one has just shown.
  useEffect(() => {
    const timer = setInterval(load, DEVICES_MS);
    return () => clearInterval(timer);
  }, []);
  const now = /** @type {any} */ (chat.value).now();
  return html`
    <ul class="directory" aria-busy=${!sessions}>
      ${(sessions ?? []).map((one) => {
        const isThis = one.current;
        const since = Date.parse(one.seen ?? one.opened);
        const when = isThis
          ? t("thisDevice")
          : one.connected
            ? t("connectedNow")
            : t("seen", { when: ago(since, now, locale) });
        return html`
          <li key=${one.session}><span class="names"><bdi>${one.device || t("unknownDevice")}</bdi>
            <small title=${exact(since, locale)}>${when}${one.token && ` · ${t("byToken")}`} · ${t("openedOn", { when: short(Date.parse(one.opened), locale) })}</small></span>
            ${
              !isThis &&
              html`<${Act} label=${t("logOut")} name=${`${t("logOut")}: ${one.device || t("unknownDevice")}`} text=${t("endSure", { device: one.device || t("unknownDevice") })}
              act=${() => command({ type: "logout", session: one.session }).then(load)} />`
            }</li>`;
      })}
    </ul>
    ${wrong && html`<p class="wrong" role="alert">${wrong}</p>`}`;
}

/** @param {Record<string, any>} values */
async function changePassword({ old, next }) {
  await command({ type: "password", old, new: next });
  say(t("passwordChanged"));
  hide();
}

/** @param {{user: string}} props */
const ChangePassword = ({ user }) => html`
  <${Form} action=${t("changePassword")}
    explain=${(/** @type {any} */ failure) =>
      failure.code === "forbidden"
        ? t("noPassword")
        : failure.field === "new"
          ? t("passwordHint", { n: about.value?.limits.password_min ?? 8 })
          : reason(failure)}
    send=${changePassword}>
    <input type="text" name="username" autocomplete="username" value=${user} readonly hidden />
    <${Field} label=${t("passwordOld")} name="old" type="password" autocomplete="current-password" required />
    <${Field} label=${t("passwordNew")} name="next" type="password" autocomplete="new-password" maxlength="1024" required
      minlength=${about.value?.limits.password_min ?? 8} hint=${t("passwordHint", { n: about.value?.limits.password_min ?? 8 })} />
  <//>`;

/** @param {{to?: string}} props The room that is proposed. */
function Invitations({ to = "" }) {
  const [invitations, load, wrong] = useListed("invitations");
  const [link, setLink] = useState("");
  /** @param {Record<string, any>} values */
  const make = async ({ uses, days, room, isAdmin }) => {
    const what = { uses: Number(uses), for: Number(days) * 86_400, room: room || undefined };
    const ok = await command({ type: "invitation_create", ...what, role: isAdmin ? "admin" : undefined });
    setLink(`${home}#invite=${ok.secret}`);
    await load();
  };
  const rooms = [...(chat.value?.rooms.values() ?? [])].filter(
    ({ name, role }) => !name.startsWith("@") && (!name.startsWith("~") || role !== "member"),
  );
  const proposed = rooms.some(({ name }) => name === to) ? to : "";
  const used = (invitations ?? []).filter((one) => one.used > 0);
  const open = (invitations ?? []).filter(
    (one) => one.uses > one.used && Date.parse(one.expires) > /** @type {any} */ (chat.value).now(),
  );
  return html`
    <p class="quiet">${t("inviteHint")}</p>
    <${Form} action=${t("inviteMake")} send=${make} explain=${reason}>
      <div class="pair">
        <${Field} label=${t("inviteUses")} name="uses" type="number" min="1" max="100" value="1" required data-first=${Boolean(to) || undefined} />
        <${Field} label=${t("inviteDays")} name="days" type="number" min="1" max="365" value="7" required />
      </div>
      <${Choice} label=${t("inviteRoom")} name="room" value=${proposed} options=${[["", t("inviteNoRoom")], ...rooms.map(({ name }) => [name, roomName(name)])]} />
      ${chat.value?.role === "admin" && html`<label class="check"><input type="checkbox" name="isAdmin" /> ${t("inviteAdmin")}</label>`}
    <//>
    ${link && html`<${Link} link=${link} />`}
    ${open.length > 0 && html`<h3>${t("inviteOpen")}</h3>`}
    <ul class="directory">
      ${open.map(
        (one) => html`
        <li key=${one.invitation}><span class="names"><span>${t("inviteLeft", { n: one.uses - one.used })}${one.from ? html` · <bdi>${one.from}</bdi>` : ""}</span>
          <small>${[t("inviteUntil", { when: short(Date.parse(one.expires), locale) }), one.room && roomName(one.room), one.role === "admin" && t("inviteIsAdmin")].filter(Boolean).join(" · ")}</small></span>
          <button type="button" class="plain" onClick=${() => tell(command({ type: "invitation_revoke", invitation: one.invitation }).then(load))}>${t("revoke")}</button></li>`,
      )}
    </ul>
    ${used.length > 0 && html`<h3>${t("inviteUsed")}</h3>`}
    <ul class="directory">
      ${used.map(
        (one) => html`
        <li key=${one.invitation}><span class="names"><bdi>${one.users?.length ? new Intl.ListFormat(locale).format(one.users.map(shownName)) : t("inviteGone")}</bdi>
          <small>${t("inviteMade", { when: short(Date.parse(one.made), locale) })}${one.from ? html` · <bdi>${shownName(one.from)}</bdi>` : ""}</small></span></li>`,
      )}
    </ul>
    ${wrong && html`<p class="wrong" role="alert">${wrong}</p>`}`;
}
