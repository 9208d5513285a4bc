// @ts-check
/** What people are told when something has happened or did not work. */

import { flash } from "./state.mjs";
import { t } from "./words.mjs";

/** Why something was refused, in a person's words. @param {any} failure */
export function reason(failure) {
  /** @type {Record<string, () => string>} */
  const texts = {
    forbidden: () => t("forbidden"),
    muted: () => t("muted"),
    banned: () => t("bannedHere"),
    no_room: () => t("noRoom"),
    not_member: () => t("noRoom"),
    no_user: () => t("noUser"),
    no_message: () => t("noMessage"),
    too_long: () => t("tooLong"),
    too_old: () => t("tooOld"),
    exists: () => t("exists"),
    name_taken: () => t("nameTaken"),
    bad_credentials: () => t("wrongCredentials"),
    bad_invitation: () => t("invitationBad"),
    invitation_used: () => t("invitationUsed"),
    invitation_expired: () => t("invitationExpired"),
    rate_limited: () => t("rateLimited", { n: Math.ceil(failure.retryAfter ?? 1) }),
    disconnected: () => t("cannotReach"),
  };
  return texts[failure.code]?.() ?? failure.message;
}

/** Say something for some seconds. @param {string} text */
export const say = (text) => {
  flash.value = text;
};

/** Do something of which one is told only when it fails. @param {Promise<any>} done */
export const tell = (done) =>
  done.catch((failure) => {
    say(t("notDone", { reason: reason(failure) }));
  });
