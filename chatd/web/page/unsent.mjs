// @ts-check
/** What was written and not sent: drafts, what waits for a connection, what was refused. */

import { open } from "./address.mjs";
import { hide } from "./dialog.mjs";
import { walk } from "./found.mjs";
import { Icon } from "./icons.mjs";
import { draft, drafts, keepDraft } from "./kept.mjs";
import { Dialog } from "./modal.mjs";
import { partner, roomName } from "./names.mjs";
import { reason } from "./reasons.mjs";
import { aside, chat, here, touch, touched } from "./state.mjs";
import { exact } from "./time.mjs";
import { html, useState } from "./ui.mjs";
import { t } from "./words.later.mjs";
import { locale } from "./words.mjs";

/** @typedef {import("./chatd.mjs").Entry} Entry */

/** The dialog. Each leads to its place, and can be thrown away. */
export function Unsent() {
  touched();
  /** Drafts that were thrown away here, and can be had back as long as this is open. */
  const [gone, setGone] = useState(/** @type {Map<string, string>} */ (new Map()));
  const { outbox } = /** @type {import("./chatd.mjs").Chat} */ (chat.value);
  const waiting = outbox.filter((one) => one.state === "pending");
  const refused = outbox.filter((one) => one.state === "failed");
  // That of the open room stands in its box.
  const written = [...new Set([...drafts(), ...gone.keys()])]
    .filter((name) => name !== here.value && name !== `${here.value} ${aside.value}`)
    .sort();

  /** @param {string} name @param {string} text */
  const keepAs = (name, text) => {
    setGone((known) => {
      const next = new Map(known);
      if (text) next.delete(name);
      else next.set(name, draft(name));
      return next;
    });
    keepDraft(name, text);
    touch("");
  };

  /** @param {string} where A room, or a thread of it. @param {any} text @param {any} actions @param {number} [at] @param {string} [why] */
  const row = (where, text, actions, at, why) => {
    const [name, thread] = where.split(" ");
    const notes = [thread && t("thread"), at && exact(at, locale)].filter(Boolean).join(" · ");
    return html`
      <span class="names">
        <span><bdi class="who">${roomName(name)}</bdi> <small>${notes}</small></span>
        <span class="text" dir="auto">${text}</span>
        ${why && html`<span class="wrong">${why}</span>`}
      </span>
      <span class="pair">
        ${
          (chat.value?.rooms.has(name) || partner(name)) &&
          html`<button type="button" class="small plain" onClick=${() => go(name, Number(thread ?? 0))}>${t("open")}</button>`
        }
        ${actions}
      </span>`;
  };
  /** @param {Entry} one */
  const entry = (one) => html`
    <li key=${one.cid}>${row(
      chat.value?.target(one.command) ?? "",
      saying(one),
      html`${
        one.state === "failed" &&
        html`<button type="button" class="small plain" onClick=${() => chat.value?.retry(one)}>${t("retry")}</button>`
      }
        <button type="button" class="small plain" onClick=${() => chat.value?.discard(one)}>${t("discard")}</button>`,
      one.at + (chat.value?.ahead ?? 0),
      one.state === "failed" ? t("notSent", { reason: reason(one.error) }) : "",
    )}</li>`;
  /** @param {string} title @param {any[]} rows */
  const part = (title, rows) =>
    rows.length > 0 && html`<h3>${title}</h3><ul class="directory found" onKeyDown=${walk}>${rows}</ul>`;
  return html`
    <${Dialog} title=${t("unsentTitle")} wide>
      <div tabindex="-1">
        ${part(t("unsentRefused"), refused.map(entry))}
        ${part(t("unsentWaiting"), waiting.map(entry))}
        ${part(
          t("unsentDrafts"),
          written.map(
            (name) => html`
            <li key=${name}>${row(
              name,
              gone.get(name) ?? draft(name),
              html`<button type="button" class="small plain" onClick=${() => keepAs(name, gone.get(name) ?? "")}>
                ${gone.has(name) ? t("undo") : t("discard")}</button>`,
            )}</li>`,
          ),
        )}
        ${!refused.length && !waiting.length && !written.length && html`<p class="quiet">${t("unsentNone")}</p>`}
      </div>
    <//>`;
}

/**
 * The same of what was refused, in its room.
 *
 * @param {{entry: Entry, why?: string}} props `why`, the code of the error, has it drawn again.
 */
export const Failed = ({ entry }) => {
  const isText = entry.command.type === "send";
  return html`
    <span class="failed" role="alert"><${Icon} name="warn" /> ${t(isText ? "notSent" : "changed", { reason: reason(entry.error) })}
      <button type="button" class="link" onClick=${() => chat.value?.retry(entry)}>${t("retry")}</button>
      <button type="button" class="link" onClick=${() => chat.value?.discard(entry)}>${t("discard")}</button></span>`;
};

/** @param {string} name @param {number} thread */
function go(name, thread) {
  hide();
  open(name, false, thread);
}

/** What an entry says, or does. @param {Entry} entry */
function saying({ command }) {
  if (command.type === "delete") return t("remove");
  return command.type === "react" ? `${t("react")} ${command.emoji}` : command.text;
}
