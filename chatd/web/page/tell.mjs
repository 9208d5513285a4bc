// @ts-check
/** What people are told for some seconds: that something has happened, or did not work. */

import { flash } from "./state.mjs";
import { t } from "./words.mjs";

/** Say something for some seconds. @param {string} text */
export const say = (text) => {
  flash.value = text;
};

/** Do something of which one is told only when it fails. @param {Promise<any>} done */
export const tell = (done) =>
  done.catch(async (failure) => {
    const why = await import("./reasons.mjs").then(
      ({ reason }) => reason(failure),
      () => t("cannotReach"),
    );
    say(t("notDone", { reason: why }));
  });
