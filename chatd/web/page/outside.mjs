// @ts-check
/** What is said to whoever is not in: by the daemon of itself, and why he is not. */

import { eventually } from "./again.mjs";
import { once } from "./chatd.mjs";
import { socketUrl } from "./client.mjs";
import { about, notice, place } from "./state.mjs";
import { t } from "./words.later.mjs";

/** Ask what is asked before a login. @param {Record<string, any>} frame */
export const ask = (frame) => once(socketUrl, frame);

/** Learn what the daemon says of itself, as soon as it does. @returns {Promise<void>} */
const learn = () =>
  eventually(async () => {
    try {
      about.value = await ask({ type: "about" });
    } catch (failure) {
      about.value = null;
      notice.value = t("cannotReach");
      throw failure;
    }
    if (notice.value === t("cannotReach")) notice.value = "";
    place.value = about.value?.place;
  });

/**
 * Somebody is not let in by what he has.
 *
 * @param {any} refusal Why; undefined if he has not asked to be.
 * @param {boolean} isBrought Whether he has it from the address, or is known from before.
 */
export async function refused(refusal, isBrought) {
  if (refusal && refusal.code !== "no_session") notice.value = t(isBrought ? "wrongToken" : "sessionEnded");
  const said = notice.value;
  await learn();
  notice.value = said;
}

/** A chat has ended: say why. @param {import("./chatd.mjs").State} state @returns {Promise<void>} */
export function ended(state) {
  // The close itself says only that; the reason comes with the next login.
  const why = state.text === "banned" ? "" : state.text;
  const banned = why ? t("bannedReason", { reason: why }) : t("bannedFromServer");
  /** @type {Record<string, string>} */
  const texts = {
    1000: t("loggedOut"),
    4003: t("tokenExpired"),
    4500: t("wrongCredentials"),
    4503: banned,
    4504: t("tooMany"),
    4505: t("sessionEnded"),
    4506: t("takenOver"),
    4507: t("endedByOperator"),
    bad_credentials: t("sessionEnded"),
    other_user: t("sessionEnded"),
    banned,
  };
  notice.value = texts[state.code ?? ""] ?? t("ended", { reason: state.text || state.code || "" });
  return learn();
}
