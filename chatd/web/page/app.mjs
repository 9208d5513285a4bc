// @ts-check
/** The page: who one is decides which face it has. */

import { addressed, firstRoom, open } from "./address.mjs";
import { begin } from "./entry.mjs";
import { chat, connection, face, here, notice } from "./state.mjs";
import { Talk } from "./talk.mjs";
import { effect, html, render, signal } from "./ui.mjs";
import { language, t } from "./words.mjs";

document.documentElement.lang = language;

/** The face of whoever is not in. It is loaded when it is needed: most who come are. */
const Login = signal(/** @type {any} */ (null));

const Again = () => html`
  <main class="login">
    <p class="notice" role="alert">${notice.value || t("cannotReach")}</p>
    <button type="button" class="primary" onClick=${() => location.reload()}>${t("reload")}</button>
  </main>`;

const App = () => {
  if (face.value === "talk" && chat.value) return html`<${Talk} />`;
  if (face.value === "login" && Login.value) return html`<${Login.value} />`;
  return html`<main class="login"><p class="quiet center" role="status">${t("loading")}</p></main>`;
};

render(html`<${App} />`, /** @type {any} */ (document.getElementById("app")));

effect(() => {
  if (face.value !== "login" || Login.peek()) return;
  import("./login.mjs").then(
    (module) => {
      Login.value = module.Login;
    },
    // The daemon is away, or its files are those of another version by now.
    () => {
      Login.value = Again;
    },
  );
});

// Whoever comes in sees the room that the address names, or that of last time.
effect(() => {
  if (face.value !== "talk" || here.peek()) return;
  const wanted = addressed();
  if (wanted) here.value = wanted;
  else if (connection.value.name !== "ready") return;
  else if (matchMedia("(min-width: 720px)").matches) open(firstRoom(), true);
});

begin();
