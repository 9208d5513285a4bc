// @ts-check
/** How somebody gets in who need not be asked: by what the address says, or from before. */

import { broughtBy } from "./address.mjs";
import { eventually } from "./again.mjs";
import { loadOutside, logIn } from "./client.mjs";
import { keep, storage } from "./kept.mjs";
import { face, home } from "./state.mjs";
import { signal } from "./ui.mjs";

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
  /** @type {any} */
  let refusal;
  try {
    if (brought?.kind === "token") return await logIn({ token: brought.secret });
    if (brought?.kind === "link") return await logIn({ link: brought.secret });
    if (!invitation.value) return await logIn({});
  } catch (failure) {
    refusal = failure;
  }
  face.value = "login";
  // Until it comes, nor does the face of whoever is not in, and something else is said.
  await (await eventually(loadOutside)).refused(refusal, Boolean(brought));
}
