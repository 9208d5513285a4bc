// @ts-check
/**
 * All that the page says, in the languages that it speaks.
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
  cannotReachHelp: "It may be restarting, or you are offline. It is tried again by itself.",
  tryNow: "Try now",
  logIn: "Log in",
  logInTo: "Log in to {place}",
  name: "Name",
  password: "Password",
  passwordNew: "New password",
  passwordOld: "Current password",
  passwordHint: "At least {n} characters.",
  displayName: "Display name",
  displayHint: "Such as “Ann A.”; may be changed at any time.",
  nameHint: "Small letters and digits, such as “ann”. It stays yours for ever.",
  guest: "Come in as a guest",
  guestName: "Name, if you like",
  guestHint: "Guests need no password. Log out, and the name is gone.",
  noAccount: "No account yet?",
  haveAccount: "You have an account?",
  makeAccount: "Make an account",
  invited: "You are invited to {place}",
  invitedHint: "Choose a name and a password, and you are in.",
  invitationBad: "This invitation is not known here, or was taken back. Ask for another.",
  invitationUsed: "This invitation has been used. Ask for another.",
  invitationExpired: "This invitation has expired. Ask for another.",
  registrationClosed: "Accounts are made by the administrator here.",
  registrationInvite: "To make an account, ask somebody who is here for an invitation.",
  setup: "Make this place yours",
  setupHint: "You are the first. Choose how the place is called and how you log in; you will be its administrator.",
  placeName: "Name of the place",
  begin: "Begin",
  waitsForSetup:
    "Nobody administers this place yet. Whoever runs the server finds a link for the first one in its terminal or log.",
  loggedOut: "You are logged out.",
  // Why something ended or did not work
  wrongCredentials: "The name or the password is not right.",
  wrongToken: "This link is not valid, or not any more.",
  sessionEnded:
    "You were logged out: on another device, or because the password was changed. What you had typed is kept.",
  tokenExpired: "Your access has expired. What you had typed is kept.",
  bannedFromServer: "You are banned from this server.",
  bannedReason: "You are banned from this server: {reason}",
  takenOver: "This is open in another tab, which goes on. Load the page again to use it here.",
  tooMany: "You are connected too often at once. Close other tabs or devices, then load the page again.",
  ended: "The connection has ended: {reason}",
  reload: "Reload",
  newVersion: "The server was updated.",
  diskFull: "The server cannot store anything right now. Your message is kept and sent later.",
  slowDown: "Too fast. It is sent in a moment.",
  nameTaken: "This name is taken, or looks like one that is.",
  badName: "This cannot be a name here: only letters, digits, “.”, “_” and “-”, without spaces.",
  storageDenied:
    "This browser stores nothing for this page: after a reload you have to log in again, and what was not sent is lost.",
  notDone: "This did not work: {reason}",
  notSent: "Not sent: {reason}",
  forbidden: "you may not do this",
  muted: "you are muted here",
  bannedHere: "you are banned here",
  noRoom: "there is no such room",
  noUser: "nobody has an account of this name",
  noMessage: "the message is not there any more",
  tooLong: "it is too long",
  exists: "there is something of this name already",
  rateLimited: { one: "too often; try again in a second", other: "too often; try again in {n} seconds" },
  tooOld: "it waited for too long to be sent by itself",
  // The connection
  connecting: "Connecting…",
  offline: {
    one: "You are offline. Trying again in {n} second.",
    other: "You are offline. Trying again in {n} seconds.",
  },
  offlineNow: "You are offline. Trying again…",
  catchingUp: "Loading what you missed…",
  offlineComposer: "You are offline. Messages are kept and sent later.",
  // Rooms
  rooms: "Rooms",
  people: "People",
  invitations: "Invitations",
  jump: "Jump to…",
  jumpKeys: "Ctrl K",
  invite: "Add people",
  inviteTo: "Add people to {room}",
  inviteName: "Name",
  inviteSend: "Invite",
  inviteSent: "{name} is invited.",
  inviteThere: "Whoever is here already needs no invitation.",
  jumpHint: "Room or person",
  jumpNone: "Nothing of this name.",
  writeTo: "Write to {name}",
  addRoom: "Find or make a room",
  findRoom: "Rooms here",
  filterRooms: "Search by name",
  noRooms: "No room of this name. Make one?",
  join: "Join",
  open: "Open",
  makeRoom: "Make a room",
  roomName: "Name of the room",
  roomNameHint: "Small letters, digits and “-”, such as “garden”.",
  roomTitle: "Title",
  roomTopic: "What it is about",
  roomPrivate: "Private: only who is invited can see it",
  make: "Make",
  leave: "Leave the room",
  leaveSure: "Leave {room}?",
  leaveSurePrivate: "Leave {room}? You can come back only by an invitation.",
  privateRoom: "Private room",
  accept: "Accept",
  decline: "Decline",
  invitedBy: "from {name}",
  unread: { one: "{n} unread message", other: "{n} unread messages" },
  mentionsYou: { one: "{n} message for you", other: "{n} messages for you" },
  members: { one: "{n} member", other: "{n} members" },
  noRoomYet: "You are in no room yet.",
  pickRoom: "Choose a room, or find one.",
  backToRooms: "Back to the rooms",
  archivedRoom: "This room is archived: nobody writes here any more.",
  onlyModerators: "Only moderators write here.",
  leftRoom: "You are not in {room} any more.",
  leftKick: "You were removed from {room}.",
  leftBan: "You are banned from {room}.",
  leftDestroy: "{room} has ended.",
  // Who is there
  online: { one: "{n} online", other: "{n} online" },
  onlineTitle: "Online",
  away: "away",
  awayTitle: "Away",
  isOnline: "online",
  isOffline: "offline",
  tooManyPeople: "There are too many people here to list them all.",
  showPeople: "People",
  you: "you",
  roleOwner: "owner",
  roleModerator: "moderator",
  roleGuest: "guest",
  typingOne: "{a} is typing…",
  typingTwo: "{a} and {b} are typing…",
  typingMany: "Several people are typing…",
  // Messages
  messages: "Messages in {room}",
  today: "Today",
  yesterday: "Yesterday",
  newLine: "New",
  nNew: { one: "{n} new", other: "{n} new" },
  toLatest: "To the latest",
  loadOlder: "Show older messages",
  loadingOlder: "Loading older messages…",
  beginning: "This is where {room} begins.",
  beginningDirect: "This is where your conversation with {name} begins. Nobody else can read it.",
  emptyPublic: "Everybody here can read what you write. Say hello.",
  emptyPrivate: "Only who is invited can read what you write.",
  olderGone: "What was before is not kept any more.",
  edited: "edited",
  deleted: "Deleted",
  sending: "sending…",
  waiting: "will be sent when you are back",
  retry: "Retry",
  discard: "Discard",
  reply: "Reply",
  replyTo: "Reply to {name}",
  replyGone: "A message that is not here any more",
  edit: "Edit",
  editing: "Edit your message",
  remove: "Delete",
  removeSure: "Delete this message?",
  react: "React",
  more: "More",
  reactions: "{emoji}: {names}",
  andOthers: { one: " and {n} other", other: " and {n} others" },
  copied: "Copied",
  changed: "Change not stored: {reason}",
  // Writing
  write: "Message {room}",
  send: "Send",
  emoji: "Emoji",
  save: "Save",
  cancel: "Cancel",
  close: "Close",
  tooManyChars: "{n} of {most} characters",
  // One's own
  settings: "Settings",
  profile: "You",
  status: "Status",
  statusText: "Status text",
  setOnline: "Online",
  setAway: "Away",
  saved: "Saved",
  devices: "Devices",
  thisDevice: "this one",
  connectedNow: "connected",
  seen: "last seen {when}",
  unknownDevice: "Unknown device",
  openedOn: "since {when}",
  end: "End",
  linkPhone: "Log in on your phone",
  linkHint: "Scan this with your phone, or open the link there. It works once, for 5 minutes.",
  copyLink: "Copy link",
  changePassword: "Change password",
  passwordChanged: "The password is changed. Your other devices were logged out.",
  noPassword: "This account has no password.",
  invitePeople: "Invite people",
  inviteHint: "Whoever opens the link makes an account of their own.",
  inviteUses: "How many may use it",
  inviteDays: "Valid for, in days",
  inviteMake: "Create a link",
  inviteOpen: "Links that hold",
  inviteLeft: { one: "{n} use left", other: "{n} uses left" },
  inviteUntil: "until {when}",
  revoke: "Take back",
  logOut: "Log out",
  logOutAll: "Log out everywhere",
  logOutAllHint: "Ends all your devices, this one too.",
  name_of_place: "Name of the place",
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
const texts =
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
export function t(key, values = {}) {
  const text = texts[key];
  const form =
    typeof text === "string" ? text : (text[/** @type {"one"} */ (plurals.select(Number(values.n)))] ?? text.other);
  return form.replace(/\{(\w+)\}/g, (all, name) => String(values[name] ?? all));
}
