// @ts-check
/** Getting in: by name and password, as a guest, by an invitation, or as the first one. */

import { logIn } from "./client.mjs";
import { invitation, keepInvitation } from "./entry.mjs";
import { Field, Form } from "./form.mjs";
import { Icon } from "./icons.mjs";
import { isKept } from "./kept.mjs";
import { ask } from "./outside.mjs";
import { reason } from "./reasons.mjs";
import { about, chat, isOver, notice, place } from "./state.mjs";
import { tell } from "./tell.mjs";
import { html, signal, useState } from "./ui.mjs";
import { t } from "./words.later.mjs";

/** What went wrong, and for whom. @param {any} failure */
function explain(failure) {
  if (failure.code === "banned") return t("bannedReason", { reason: failure.text ?? failure.message });
  if (failure.field === "name") return failure.code === "name_taken" ? t("nameTaken") : t("badName");
  if (failure.field === "password") return t("passwordHint", { n: about.value?.limits.password_min ?? 8 });
  return reason(failure);
}

/** @param {Record<string, any>} values */
const withPassword = ({ name, password }) => logIn({ name, password });

/** @param {Record<string, any>} values Of the form that makes an account. */
async function register({ name, password, display, placeName }) {
  try {
    await ask({ type: "register", name, password, display: display || undefined, invite: invitation.value?.secret });
  } catch (failure) {
    // The answer to an earlier try may have been lost: then the account is there.
    const isThere = await logIn({ name, password }).then(
      () => true,
      () => false,
    );
    if (!isThere) throw failure;
  }
  if (!chat.value) await logIn({ name, password });
  keepInvitation(null);
  if (placeName) await tell(/** @type {any} */ (chat.value).command({ type: "place", name: placeName }));
}

/** What was typed, whichever form it was typed into. */
const typed = signal("");

const NameField = (/** @type {any} */ props) => html`
  <${Field} label=${t("name")} name="name" value=${typed.peek()}
    onInput=${(/** @type {any} */ event) => (typed.value = event.target.value)} autocomplete="username" autocapitalize="none" spellcheck=${false}
    maxlength="64" required ...${props} />`;

const PasswordField = (/** @type {any} */ props) => html`
  <${Field} label=${t("password")} name="password" type="password" maxlength="1024" required ...${props} />`;

const LogIn = () => html`
  <${Form} class="card" action=${t("logIn")} send=${withPassword} explain=${explain}>
    <${NameField} autofocus />
    <${PasswordField} autocomplete="current-password" />
  <//>`;

/** @param {{isFirst?: boolean, hint?: boolean}} props */
const Register = ({ isFirst }) => html`
  <${Form} class="card" action=${isFirst ? t("begin") : t("makeAccount")} send=${register} explain=${explain}>
    ${isFirst && html`<${Field} label=${t("placeName")} name="placeName" maxlength="64" value=${place.value} required autofocus />`}
    <${NameField} hint=${t("nameHint")} autofocus=${!isFirst} />
    <${Field} label=${t("displayName")} name="display" hint=${t("displayHint")} maxlength="64" autocomplete="nickname" />
    <${PasswordField} autocomplete="new-password" minlength=${about.value?.limits.password_min ?? 8}
      hint=${t("passwordHint", { n: about.value?.limits.password_min ?? 8 })} />
  <//>`;

const Guest = () => html`
  <${Form} class="card" action=${t("guest")} explain=${explain}
    send=${(/** @type {any} */ { name }) => logIn({ name })}>
    <${Field} label=${t("guestName")} name="name" autofocus hint=${t("guestHint")} maxlength="32" autocapitalize="none" spellcheck=${false} />
  <//>`;

/** The face for whoever is not in yet. */
export function Login() {
  const [way, setWay] = useState(/** @type {"login"|"register"|"guest"} */ ("login"));
  const said = about.value;
  const brought = invitation.value;
  if (!said) {
    return html`
      <${Frame} title=${t("loading")}>${notice.value && html`<p class="quiet center">${t("cannotReachHelp")}</p>`}<//>`;
  }
  if (brought?.kind === "setup") {
    return html`<${Frame} title=${t("setup")} hint=${t("setupHint")}><${Register} isFirst /><//>`;
  }
  if (brought) {
    return html`
      <${Frame} title=${t("invited", { place: place.value })} hint=${t("invitedHint")}>
        <${Register} />
        <${Ways}><${Way} act=${() => keepInvitation(null)}>${t("haveAccount")} ${t("logIn")}<//><//>
      <//>`;
  }
  if (isOver.value) {
    const again = () => location.reload();
    return html`
      <${Frame} title=${place.value}>
        <${Ways}><button type="button" class="primary" onClick=${again}>${t("reload")}</button><//>
      <//>`;
  }
  const faces = { login: LogIn, register: Register, guest: Guest };
  const titles = { login: t("logInTo", { place: place.value }), register: t("makeAccount"), guest: t("guest") };
  /** @type {Record<string, string>} */
  const hints = { invite: t("registrationInvite"), closed: t("registrationClosed") };
  const hint = said.setup ? t("waitsForSetup") : hints[said.registration];
  return html`
    <${Frame} title=${titles[way]}>
      <${faces[way]} key=${way} />
      <${Ways}>
        ${way !== "login" && html`<${Way} act=${() => setWay("login")}>${t("haveAccount")} ${t("logIn")}<//>`}
        ${way !== "register" && said.registration === "open" && html`<${Way} act=${() => setWay("register")}>${t("noAccount")} ${t("makeAccount")}<//>`}
        ${way !== "guest" && said.guests && html`<${Way} act=${() => setWay("guest")}>${t("guest")}<//>`}
      <//>
      ${way === "login" && hint && html`<p class="quiet center">${hint}</p>`}
    <//>`;
}

const Ways = (/** @type {any} */ { children }) => html`<div class="ways">${children}</div>`;
const Way = (/** @type {any} */ { act, children }) =>
  html`<button type="button" class="plain" onClick=${act}>${children}</button>`;

/** @param {{title: string, hint?: string, children?: any}} props */
const Frame = ({ title, hint, children }) => html`
  <main class="login">
    <div class="sign" aria-hidden="true">${[...(place.value || "c")][0].toUpperCase()}</div>
    <h1 dir="auto">${title}</h1>
    ${hint && html`<p class="quiet center">${hint}</p>`}
    ${notice.value && html`<p class="notice" role="alert">${notice.value !== t("loggedOut") && html`<${Icon} name="warn" />`}<span dir="auto">${notice.value}</span></p>`}
    ${!isKept && html`<p class="notice" role="status"><${Icon} name="warn" />${t("storageDenied")}</p>`}
    ${children}
  </main>`;
