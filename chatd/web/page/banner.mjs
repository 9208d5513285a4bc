// @ts-check
/**
 * What the connection is doing, where that is of interest. It is loaded at first: once it
 * has something to say, nothing can be loaded.
 */

import { chat, connection, isOutdated } from "./state.mjs";
import { html, only, useEffect, useState } from "./ui.mjs";
import { t } from "./words.mjs";

/** The strip below a room's name. */
export function Banner() {
  const { name, retryAt = 0 } = connection.value;
  const [now, setNow] = useState(Date.now());
  const left = Math.max(0, Math.ceil((retryAt - now) / 1000));
  useEffect(() => {
    setNow(Date.now());
    if (name !== "offline") return;
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, [name, retryAt]);
  if (isOutdated.value) {
    return html`<div class="banner" role="status">${t("newVersion")}
      <button type="button" class="link" onClick=${() => location.reload()}>${t("reload")}</button></div>`;
  }
  if (name === "ready") return html`<div class="banner none" role="status"></div>`;
  const texts = {
    connecting: t("connecting"),
    "catching up": t("catchingUp"),
    offline: left ? t("offline", { n: left }) : t("offlineNow"),
    ended: "",
  };
  return html`
    <div class=${`banner ${only({ bad: name === "offline" })}`} role="status">
      <span aria-hidden=${name === "offline"}>${texts[name]}</span>
      ${
        name === "offline" &&
        html`<span class="hear">${t("offlineNow")}</span>
        <button type="button" class="link" onClick=${() => chat.value?.wake()}>${t("tryNow")}</button>`
      }
    </div>`;
}
