// @ts-check
/** The page: who one is decides which face it has. */

import { arrive, firstRoom, lastRoom, open } from "./address.mjs";
import { eventually } from "./again.mjs";
import { later } from "./dialog.mjs";
import { begin } from "./entry.mjs";
import { look } from "./kept.mjs";
import { chat, connection, face, here, notice, touched } from "./state.mjs";
import { Talk } from "./talk.mjs";
import { writeHours } from "./time.mjs";
import { effect, html, render, signal } from "./ui.mjs";
import { language, t } from "./words.mjs";

document.documentElement.lang = language;
writeHours(look().hours);

/** The face of whoever is not in. It is loaded when it is needed: most who come are. */
const Login = signal(/** @type {any} */ (null));

const Again = () => html`
  <main class="login">
    <p class="notice" role="alert">${notice.value || t("cannotReach")}</p>
    <button type="button" class="plain" onClick=${() => location.reload()}>${t("reload")}</button>
  </main>`;

const App = () => {
  if (face.value === "talk" && chat.value) return html`<${Talk} />`;
  if (face.value === "login" && Login.value) return html`<${Login.value} />`;
  return html`<main class="login"><p class="quiet center" role="status">${t("loading")}</p></main>`;
};

render(html`<${App} />`, /** @type {any} */ (document.getElementById("app")));

effect(() => {
  if (face.value !== "login" || Login.peek()) return;
  eventually(async () => {
    try {
      Login.value = await later(async () => (await import("./login.mjs")).Login);
    } catch (failure) {
      // The daemon is away, or its files are those of another version by now.
      Login.value = Again;
      throw failure;
    }
  });
});

// Whoever comes in sees the room that the address names, or that of last time.
effect(() => {
  if (face.value !== "talk" || here.peek()) return;
  if (arrive()) return;
  // What this browser keeps is there before the connection is.
  if (connection.value.name !== "ready" && !(touched() >= 0 && chat.value?.rooms.has(lastRoom()))) return;
  if (matchMedia("(min-width: 720px)").matches) open(firstRoom(), true);
});

begin()
  .then(() => eventually(() => import("./offline.mjs")))
  .then(({ keepFiles }) => keepFiles())
  // The browser keeps nothing, as in some private windows: so it starts only with the daemon.
  .catch(() => {});
