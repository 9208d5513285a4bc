// @ts-check
/** How somebody gets in who need not be asked: by what the address says, or from before. */

import { broughtBy } from "./address.mjs";
import { learn, logIn } from "./client.mjs";
import { keep, storage } from "./kept.mjs";
import { face, home, notice } from "./state.mjs";
import { signal } from "./ui.mjs";
import { t } from "./words.mjs";

const INVITATION = `chatd invitation ${home}`;

/** The invitation that somebody came by; it is kept until it was used. */
export const invitation = signal(
  /** @type {{kind: string, secret: string}|null} */ (JSON.parse(storage.getItem(INVITATION) ?? "null")),
);

/** Keep an invitation, or forget it. @param {{kind: string, secret: string}|null} brought */
export function keepInvitation(brought) {
  invitation.value = brought;
  keep(INVITATION, brought ? JSON.stringify(brought) : "");
}

/** Get in with what there is: a secret in the address, or a session of before. */
export async function begin() {
  const brought = broughtBy();
  if (brought?.kind === "invite" || brought?.kind === "setup") keepInvitation(brought);
  try {
    if (brought?.kind === "token") return await logIn({ token: brought.secret });
    if (brought?.kind === "link") return await logIn({ link: brought.secret });
    if (!invitation.value) return await logIn({});
  } catch (failure) {
    if (/** @type {any} */ (failure).code !== "no_session")
      notice.value = brought ? t("wrongToken") : t("sessionEnded");
  }
  face.value = "login";
  const said = notice.value;
  await learn();
  notice.value = said;
}
