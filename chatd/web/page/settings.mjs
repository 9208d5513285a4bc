// @ts-check
/** One's own: how one is shown, one's devices, password and links, and the way out. */

import { pages, setStatus, status } from "./client.mjs";
import { Dialog, hide } from "./dialog.mjs";
import { Field, Form } from "./form.mjs";
import { shownName } from "./names.mjs";
import { reason, say, tell } from "./reasons.mjs";
import { about, chat, home, place } from "./state.mjs";
import { ago, exact, short } from "./time.mjs";
import { html, useEffect, useState } from "./ui.mjs";
import { locale, t } from "./words.mjs";

/** @param {Record<string, any>} command @returns {Promise<any>} */
const command = (command) => /** @type {any} */ (chat.value).command(command);

/** @param {string} text */
const copy = (text) => tell(navigator.clipboard.writeText(text).then(() => say(t("copied"))));

/** @param {{title: string, children: any, isOpen?: boolean}} props */
const Section = ({ title, children, isOpen }) =>
  html`<details open=${isOpen}><summary>${title}</summary>${children}</details>`;

/** Whether one may make links for new people, as far as is known here. */
const mayInvite = () => {
  const { role, rooms = new Map(), welcome = {} } = chat.value ?? {};
  const leads = [...rooms.values()].some((room) => room.role !== "member" && welcome.suggested?.includes(room.name));
  return about.value?.registration !== "closed" && (role === "admin" || leads);
};

/** The dialog. */
export function Settings() {
  const { role, user = "" } = /** @type {any} */ (chat.value);
  const isGuest = role === "guest";
  return html`
    <${Dialog} title=${t("settings")} wide>
      <${Section} title=${t("profile")} isOpen><${Profile} user=${user} /><//>
      ${role === "admin" && html`<${Section} title=${t("name_of_place")}><${Place} /><//>`}
      ${mayInvite() && html`<${Section} title=${t("invitePeople")}><${Invitations} /><//>`}
      <${Section} title=${t("linkPhone")}><${LinkPhone} /><//>
      <${Section} title=${t("devices")}><${Devices} /><//>
      ${!isGuest && html`<${Section} title=${t("changePassword")}><${ChangePassword} user=${user} /><//>`}
      <div class="actions">
        <button type="button" class="danger" title=${t("logOutAllHint")} onClick=${() => leave(true)}>${t("logOutAll")}</button>
        <button type="button" class="plain" onClick=${() => leave(false)}>${t("logOut")}</button>
      </div>
    <//>`;
}

/** @param {boolean} everywhere */
function leave(everywhere) {
  hide();
  tell(/** @type {any} */ (chat.value).logout(everywhere || undefined));
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
    ${navigator.clipboard && html`<button type="button" class="plain" onClick=${() => copy(link)}>${t("copyLink")}</button>`}</p>`;

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
            <small title=${exact(since, locale)}>${when} · ${t("openedOn", { when: short(Date.parse(one.opened), locale) })}</small></span>
            ${
              !isThis &&
              html`<button type="button" class="plain" aria-label=${`${t("end")}: ${one.device || t("unknownDevice")}`}
              onClick=${() => tell(command({ type: "logout", session: one.session }).then(load))}>${t("end")}</button>`
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

function Invitations() {
  const [invitations, load, wrong] = useListed("invitations");
  const [link, setLink] = useState("");
  /** @param {Record<string, any>} values */
  const make = async ({ uses, days }) => {
    const ok = await command({ type: "invitation_create", uses: Number(uses), for: Number(days) * 86_400 });
    setLink(`${home}#invite=${ok.secret}`);
    await load();
  };
  const open = (invitations ?? []).filter(
    (one) => one.uses > one.used && Date.parse(one.expires) > /** @type {any} */ (chat.value).now(),
  );
  return html`
    <p class="quiet">${t("inviteHint")}</p>
    <${Form} action=${t("inviteMake")} send=${make} explain=${reason}>
      <div class="pair">
        <${Field} label=${t("inviteUses")} name="uses" type="number" min="1" max="100" value="1" required />
        <${Field} label=${t("inviteDays")} name="days" type="number" min="1" max="365" value="7" required />
      </div>
    <//>
    ${link && html`<${Link} link=${link} />`}
    ${open.length > 0 && html`<h3>${t("inviteOpen")}</h3>`}
    <ul class="directory">
      ${open.map(
        (one) => html`
        <li key=${one.invitation}><span class="names"><span>${t("inviteLeft", { n: one.uses - one.used })}${one.from ? html` · <bdi>${one.from}</bdi>` : ""}</span>
          <small>${t("inviteUntil", { when: exact(Date.parse(one.expires), locale) })}</small></span>
          <button type="button" class="plain" onClick=${() => tell(command({ type: "invitation_revoke", invitation: one.invitation }).then(load))}>${t("revoke")}</button></li>`,
      )}
    </ul>
    ${wrong && html`<p class="wrong" role="alert">${wrong}</p>`}`;
}
