// @ts-check
/**
 * All that the page says, in the languages that it speaks; what it says only later is in
 * `words.later.mjs`.
 *
 * A text may name values in braces. What depends on a number has a form for each of the
 * categories of its language (`Intl.PluralRules`); the number is the value `n`.
 *
 * @typedef {string | {one: string, other: string}} Text
 */

/** @satisfies {Record<string, Text>} */
export const en = {
  // Getting in
  loading: "Loading…",
  cannotReach: "The server cannot be reached.",
  // Why something ended or did not work
  reload: "Reload",
  diskFull: "The server cannot store anything right now. Your message is kept and sent later.",
  slowDown: "Too fast. It is sent in a moment.",
  notDone: "This did not work: {reason}",
  // The connection
  tryNow: "Try now",
  connecting: "Connecting…",
  offlineNow: "You are offline. Trying again…",
  newVersion: "The server was updated.",
  offline: {
    one: "You are offline. Trying again in {n} second.",
    other: "You are offline. Trying again in {n} seconds.",
  },
  catchingUp: "Loading what you missed…",
  offlineComposer: "You are offline. Messages are kept and sent later.",
  // Rooms
  rooms: "Rooms",
  people: "People",
  jump: "Jump to…",
  jumpKeys: "Ctrl K",
  details: "Details",
  unsent: { one: "{n} not sent", other: "{n} not sent" },
  addRoom: "Find or create a room",
  level: "Notifications",
  isMute: "notifies you of nothing",
  privateRoom: "Private room",
  unread: { one: "{n} unread message", other: "{n} unread messages" },
  mentionsYou: { one: "{n} message for you", other: "{n} messages for you" },
  noRoomYet: "You are in no room yet.",
  backToRooms: "Back to the rooms",
  // Who is there
  online: { one: "{n} online", other: "{n} online" },
  away: "away",
  isOnline: "online",
  isOffline: "offline",
  showPeople: "People",
  roleGuest: "guest",
  operator: "Operator",
  // Messages
  messages: "Messages in {room}",
  today: "Today",
  yesterday: "Yesterday",
  newLine: "New",
  loadOlder: "Show older messages",
  loadNewer: "Show newer messages",
  loadingOlder: "Loading older messages…",
  edited: "edited",
  deleted: "Deleted",
  sending: "sending…",
  waiting: "will be sent when you are back",
  replyGone: "A message that is not here any more",
  pinned: "pinned",
  pins: "Pinned messages",
  bookmarks: "Bookmarks",
  search: "Search",
  // Writing
  write: "Message {room}",
  send: "Send",
  emoji: "Emoji",
  save: "Save",
  tooManyChars: "{n} of {most} characters",
  // One's own
  settings: "Settings",
};

/** The languages that there are; but for English they are loaded when they are spoken. */
export const LANGUAGES = ["en", "de"];

/** The best of a reader's languages that there is. @param {readonly string[]} wanted */
export const choose = (wanted) =>
  wanted.map((tag) => tag.toLowerCase().split("-")[0]).find((one) => LANGUAGES.includes(one)) ?? "en";

const wanted = globalThis.navigator?.languages ?? [];
/** The language of this page. */
export const language = choose(wanted);
/** The same as its reader writes dates in it. */
export const locale =
  wanted.find((tag) => choose([tag]) === language && tag.toLowerCase().startsWith(language)) ?? language;
/** @type {Record<string, Text>} */
export const texts =
  language === "en"
    ? en
    : await import(`./words.${language}.mjs`).then(
        (one) => one.default,
        () => en,
      );
const plurals = new Intl.PluralRules(language);

/**
 * A text in the language of this page.
 *
 * @param {keyof typeof en} key
 * @param {Record<string, string|number>} [values] For what it has in braces.
 */
export const t = (key, values) => fill(texts[key], values);

/** @param {Text} text @param {Record<string, string|number>} [values] */
export function fill(text, values = {}) {
  const form =
    typeof text === "string" ? text : (text[/** @type {"one"} */ (plurals.select(Number(values.n)))] ?? text.other);
  return form.replace(/\{(\w+)\}/g, (all, name) => String(values[name] ?? all));
}
