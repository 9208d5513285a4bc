// @ts-check
/** What people are told of what did not work, or was done to them. */

import { t } from "./words.later.mjs";

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
    outbox_full: () => t("cannotReach"),
  };
  return texts[failure.code]?.() ?? failure.message;
}

/**
 * Why one is not in a room any more, in a person's words.
 *
 * @param {string} kind What happened, as a `left` has it. @param {string} room What it is called.
 */
export function whyLeft(kind, room) {
  /** @type {Record<string, () => string>} */
  const texts = {
    kick: () => t("leftKick", { room }),
    ban: () => t("leftBan", { room }),
    destroy: () => t("leftDestroy", { room }),
  };
  return texts[kind]?.() ?? t("leftRoom", { room });
}
