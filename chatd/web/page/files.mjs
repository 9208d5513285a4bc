// @ts-check
/**
 * A file that is dropped on the page, or pasted: it cannot be sent, and one is told so. The
 * browser would show the file in the place of the page, or do nothing.
 */

import { say } from "./tell.mjs";
import { t } from "./words.later.mjs";

/** @param {DragEvent} event */
const isFile = ({ dataTransfer }) => dataTransfer?.types.includes("Files");

addEventListener("dragover", (event) => {
  if (isFile(event)) event.preventDefault();
});
addEventListener("drop", (event) => {
  if (!isFile(event)) return;
  event.preventDefault();
  say(t("noFiles"));
});
addEventListener("paste", ({ clipboardData }) => {
  // What is copied from a table comes as a text and as its picture.
  if (clipboardData?.files.length && !clipboardData.types.includes("text/plain")) say(t("noFiles"));
});
