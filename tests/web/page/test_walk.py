"""A walk through all of the page by somebody who has a keyboard, and nothing else.

Nothing here points, clicks or puts the focus anywhere: there are keys, and what they
lead to. After each step, and at each stop on the way to the next, the focus is on
something that one can see and that says that it has it; and there is no moment in which
nothing has it, however short: a key that is pressed in it would go nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import attrs
import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.web.page.daemon import PASSWORD, Daemon
from tests.web.page.person import Come, Person, people
from tests.web.page.program import Program, program

FAR = 80
"""More stops than there are between any two places of the page."""

WRONG = """
() => {
  const one = document.activeElement;
  if (!one || one === document.body) return "nothing has the focus";
  const { left, right, top, bottom } = one.getBoundingClientRect();
  const [x0, x1] = [Math.max(left, 0), Math.min(right, innerWidth)];
  const [y0, y1] = [Math.max(top, 0), Math.min(bottom, innerHeight)];
  if (x1 - x0 < 1 || y1 - y0 < 1) return "it is not in the window";
  const seen = [0.1, 0.5, 0.9].flatMap((x) => [0.1, 0.5, 0.9].map((y) => {
    const there = document.elementFromPoint(x0 + x * (x1 - x0), y0 + y * (y1 - y0));
    return there === one || one.contains(there);
  }));
  if (seen.filter(Boolean).length < 5) return "something covers it";
  const style = getComputedStyle(one);
  const box = one.closest(".box");
  const isRung = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
  if (!isRung && !(box && getComputedStyle(box).boxShadow !== "none"))
    return "it does not look as if it had it";
  return "";
}
"""
"""What is wrong with what has the focus."""

LOST = """
globalThis.lost = [];
let had = "";
const look = (why) => {
  const one = document.activeElement;
  const isThere = one && one !== document.body;
  if (had && !isThere) lost.push(`${had} ${why}`);
  had = isThere ? one.cloneNode(false).outerHTML : "";
};
const after = (act) => queueMicrotask(() => queueMicrotask(act));
addEventListener("focusin", () => look(""), true);
addEventListener("focusout", ({ relatedTarget }) => {
  if (!relatedTarget) after(() => look("let it go"));
}, true);
new MutationObserver(() => after(() => look("was removed")))
  .observe(document, { childList: true, subtree: true });
"""
"""Takes down what has had the focus each time that nothing has it any more, once all is
done that follows from the same event."""

SAYS = """
async ([key, values]) => {
  const app = document.querySelector("script[src$='app.mjs']").src;
  return (await import(new URL("words.later.mjs", app))).t(key, values);
}
"""
"""What the page says, in the language of its reader."""


@attrs.frozen
class Names:
    """What people and rooms are called, and what they say."""

    locale: str
    ann: str
    bob: str
    room: str
    other: str
    said: tuple[str, str]
    own: str
    more: str
    beside: str
    """Said in a thread."""
    word: str
    """Of `said`, what is looked for."""
    reason: str


CASES = {
    "English": Names(
        locale="en-GB",
        ann="Ann",
        bob="Bob",
        room="Tea",
        other="Garden",
        said=("good morning", "the kettle is on"),
        own="on my way",
        more=", with cake",
        beside="which cake",
        word="kettle",
        reason="too loud",
    ),
    "Hebrew": Names(
        locale="en-GB",
        ann="ענת כהן",
        bob="בועז לוי",
        room="חדר התה",
        other="הגינה",
        said=("בוקר טוב", "הקומקום רותח"),
        own="אני בדרך",
        more=" עם עוגה",
        beside="איזו עוגה",
        word="הקומקום",
        reason="רועש מדי",
    ),
    "Arabic": Names(
        locale="en-GB",
        ann="عنان",
        bob="باسم",
        room="غرفة الشاي",
        other="الحديقة",
        said=("صباح الخير", "الإبريق على النار"),
        own="أنا في الطريق",
        more=" مع كعكة",
        beside="أي كعكة",
        word="الإبريق",
        reason="صاخب جدا",
    ),
    "German": Names(
        locale="de-DE",
        ann="Änne Groß",
        bob="Jörg",
        room="Teeküche",
        other="Garten",
        said=("guten Morgen", "das Wasser kocht"),
        own="bin unterwegs",
        more=", mit Kuchen",
        beside="welcher Kuchen",
        word="Wasser",
        reason="zu laut",
    ),
}


@attrs.frozen(eq=False)
class Walk:
    """Somebody who walks, and what is found on the way."""

    one: Person
    bob: Program | None
    names: Names

    def says(self, key: str, **values: str) -> str:
        """A text of the page."""
        text: str = self.one.page.evaluate(SAYS, [key, values])
        return text

    def button(self, key: str, **values: str) -> Locator:
        """Buttons by what they say."""
        return self.one.page.get_by_role(
            "button", name=self.says(key, **values), exact=True
        )

    @property
    def dialog(self) -> Locator:
        """What is open above the page."""
        return self.one.page.get_by_role("dialog")

    @property
    def box(self) -> Locator:
        """Where one writes."""
        return self.one.page.locator(".composer textarea")

    def message(self, text: str) -> Locator:
        """A message that is stored, by what it says."""
        return self.one.log.locator("[data-seq]").filter(has_text=text)

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            self.one.page.keyboard.press(key)

    def type(self, text: str) -> None:
        """Type a text."""
        self.one.page.keyboard.type(text)

    def at(self, place: Locator) -> None:
        """Wait until something has the focus; it can be seen, and that it has it."""
        try:
            expect(place).to_be_focused()
        except AssertionError as error:
            error.add_note(f"what has it is {self.focused()}")
            raise
        self.is_seen()

    def is_at(self, place: Locator) -> bool:
        """Whether something, or one of several, has the focus."""
        return self.one.page.locator(":focus").and_(place).count() > 0

    def is_seen(self) -> None:
        """What has the focus can be seen, and that it has it."""
        wrong = self.one.page.evaluate(WRONG)
        assert not wrong, (wrong, self.focused())

    def focused(self) -> str:
        """What has the focus, as far as it can be told apart."""
        text: str = self.one.page.evaluate(
            "document.activeElement.cloneNode(false).outerHTML"
        )
        return text

    def go(self, place: Locator, key: str = "Tab") -> None:
        """Press a key until something has the focus; all stops before can be seen.

        What a dialog lists has it at once, if it was there before the dialog.
        """
        expect(place.first).to_be_attached()
        stops = []
        for _ in range(FAR):
            if self.is_at(place):
                return
            stops.append(self.focused())
            self.press(key)
            self.is_seen()
        raise AssertionError((place, stops))

    def opens(self, title: str) -> None:
        """A dialog is there, and has the focus."""
        expect(self.dialog.get_by_role("heading", level=2)).to_have_text(title)
        expect(self.dialog.locator(":focus")).to_have_count(1)
        self.is_seen()

    def closes(self) -> None:
        """Esc closes the dialog."""
        self.press("Escape")
        # Hidden, it is still there until the focus is back where it was.
        expect(self.one.page.locator("dialog")).to_have_count(0)
        self.is_seen()

    def has_not_lost_it(self) -> None:
        """There was always something that had the focus."""
        lost = self.one.page.evaluate("lost.splice(0)")
        assert not lost, "\n".join(lost)

    def back_to_writing(self) -> None:
        """Esc leads to where one writes, step by step."""
        for _ in range(3):
            if self.is_at(self.box):
                break
            self.press("Escape")
        self.at(self.box)


def log_in(walk: Walk) -> None:
    """The name has the focus at once; Enter is as good as the button."""
    walk.one.visit()
    walk.at(walk.one.page.locator("input[name=name]"))
    walk.type("ann")
    walk.press("Tab")
    walk.at(walk.one.page.locator("input[name=password]"))
    walk.type(PASSWORD)
    walk.press("Enter")
    walk.at(walk.box)
    # Between the two faces of the page there is nothing that could have it.
    walk.one.page.evaluate("lost.splice(0)")


def change_rooms(walk: Walk) -> None:
    """By what it is called; up and down the list; to where something is new."""
    page, names = walk.one.page, walk.names
    title = page.get_by_role("heading", level=1)
    walk.press("Control+k")
    walk.at(walk.dialog.get_by_role("textbox"))
    walk.type(names.other[:3])
    walk.press("Enter")
    expect(title.filter(has_text=names.other)).to_be_visible()
    walk.at(walk.box)
    rooms = page.locator(".sidebar .lists")
    order = rooms.get_by_role("link").locator("b bdi").all_inner_texts()
    here = order.index(names.other)
    for key, steps in (("ArrowDown", 1), ("ArrowUp", -1), ("ArrowUp", -1)):
        walk.press(f"Alt+{key}")
        here = (here + steps) % len(order)
        expect(title.filter(has_text=order[here])).to_be_visible()
        walk.at(walk.box)
        expect(walk.box).to_have_value("")
        expect(page.locator(".task")).to_have_count(0)
    walk.press("Control+k")
    walk.at(walk.dialog.get_by_role("textbox"))
    walk.type(names.other)
    walk.press("Enter")
    expect(title.filter(has_text=names.other)).to_be_visible()
    assert walk.bob is not None
    walk.bob.send("tea", names.said[0])
    expect(rooms.locator("a.new").filter(has_text=names.room)).to_be_visible()
    walk.press("Alt+Shift+ArrowUp")
    expect(title.filter(has_text=names.room)).to_be_visible()
    walk.at(walk.box)


def write(walk: Walk) -> None:
    """A message, and a line break in it."""
    walk.type(walk.names.own)
    walk.press("Shift+Enter")
    walk.type("2")
    walk.press("Enter")
    expect(walk.message(walk.names.own)).to_have_count(1)
    expect(walk.one.waiting).to_have_count(0)
    expect(walk.box).to_have_value("")
    walk.at(walk.box)


def edit(walk: Walk) -> None:
    """The last one, by an arrow; Esc gives it up."""
    walk.press("ArrowUp")
    expect(walk.box).to_have_value(f"{walk.names.own}\n2")
    walk.at(walk.box)
    walk.press("Escape")
    expect(walk.box).to_have_value("")
    walk.press("ArrowUp")
    expect(walk.box).to_have_value(f"{walk.names.own}\n2")
    walk.press("Control+End")
    walk.type(walk.names.more)
    walk.press("Enter")
    expect(walk.message(f"2{walk.names.more}")).to_have_count(1)
    walk.at(walk.box)


def go_to_message(walk: Walk, text: str) -> Locator:
    """From where one writes to a message further up."""
    walk.at(walk.box)
    walk.go(walk.one.log.locator("[data-seq]"), "Shift+Tab")
    if not walk.is_at(walk.message(text)):
        walk.go(walk.message(text), "ArrowUp")
    return walk.message(text)


def use_tool(walk: Walk, message: Locator, name: str) -> Locator:
    """Enter leads from a message to what can be done with it, Tab on from there."""
    walk.press("Enter")
    expect(message.locator(".tools :focus")).to_have_count(1)
    walk.is_seen()
    tool = message.locator(".tools").get_by_role("button", name=name, exact=True)
    if not walk.is_at(tool):
        walk.go(tool)
    walk.press("Enter")
    return tool


def react(walk: Walk) -> None:
    """With an emoji that is looked for by its name, and with one that is gone to."""
    message = go_to_message(walk, walk.names.said[1])
    tool = use_tool(walk, message, walk.says("react"))
    walk.at(walk.one.page.get_by_role("textbox", name=walk.says("findEmoji")))
    walk.type("tada")
    expect(walk.one.page.locator(".picker .grid button").first).to_have_text("🎉")
    walk.press("Enter")
    expect(message.locator(".reactions button").first).to_contain_text("🎉")
    walk.at(tool)
    walk.press("Enter")
    walk.at(walk.one.page.get_by_role("textbox", name=walk.says("findEmoji")))
    walk.press("ArrowDown", "ArrowRight", "ArrowRight")
    walk.at(walk.one.page.locator(".picker .grid button:nth-child(3)"))
    walk.press("Escape")
    walk.at(tool)
    walk.press("Escape")
    walk.at(message)
    walk.press("Escape")
    walk.at(walk.box)


def search(walk: Walk) -> None:
    """A word, its place, back to the results, and back to the room."""
    walk.go(walk.button("search"), "Shift+Tab")
    walk.press("Enter")
    walk.at(walk.dialog.get_by_role("searchbox"))
    walk.type(walk.names.word)
    walk.press("Enter")
    expect(walk.dialog.locator("mark")).to_have_text(walk.names.word)
    walk.at(walk.dialog.get_by_role("searchbox"))
    there = walk.dialog.get_by_role("button", name=walk.says("showThere"))
    walk.go(there)
    walk.press("Enter")
    message = walk.message(walk.names.said[1])
    walk.at(message)
    walk.go(walk.button("backToResults"))
    walk.press("Enter")
    walk.at(there)
    walk.closes()
    walk.at(message)
    walk.back_to_writing()


def keep(walk: Walk) -> None:
    """Pinned to the room and bookmarked, found in both lists, gone to, and back."""
    page = walk.one.page
    message = go_to_message(walk, walk.names.said[1])
    for put, take in (("pin", "unpin"), ("bookmark", "unbookmark")):
        use_tool(walk, message, walk.says(put))
        walk.at(message.get_by_role("button", name=walk.says(take), exact=True))
        walk.press("Escape")
        walk.at(message)
    for name, back in (("pins", "backToPins"), ("bookmarks", "backToBookmarks")):
        walk.go(walk.button(name), "Shift+Tab")
        walk.press("Enter")
        walk.opens(walk.says(name))
        there = walk.dialog.get_by_role("button", name=walk.says("showThere"))
        walk.go(there)
        walk.press("Enter")
        walk.at(message)
        walk.go(page.get_by_role("button", name=walk.says(back)))
        walk.press("Enter")
        walk.at(there)
        walk.closes()
        walk.at(message)
    walk.back_to_writing()


def talk_beside(walk: Walk) -> None:
    """A thread is opened from a message, answered and read in, left, and found again by
    what is below its message, and by the list of all.
    """
    page, names = walk.one.page, walk.names
    message = go_to_message(walk, names.said[1])
    root = int(message.get_attribute("data-seq") or "")
    use_tool(walk, message, walk.says("replyInThread"))
    column = page.get_by_role("region", name=walk.says("threadIn", room=names.room))
    box = column.get_by_role("textbox")
    replies = column.locator(".lines > ol:last-of-type [data-seq]")
    walk.at(box)
    walk.type(names.beside)
    walk.press("Enter")
    expect(replies).to_have_count(1)
    expect(replies).to_contain_text(names.beside)
    walk.at(box)

    def answers(text: str) -> None:
        assert walk.bob is not None
        walk.bob.reply("tea", root, text)

    answers(names.said[0])
    expect(replies).to_have_count(2)
    walk.go(replies, "Shift+Tab")
    walk.at(replies.last)
    walk.press("Home")
    walk.at(replies.first)
    walk.press("ArrowDown")
    walk.at(replies.last)
    use_tool(walk, replies.last, walk.says("reply"))
    walk.at(box)
    walk.type(names.own)
    walk.press("Enter")
    expect(replies).to_have_count(3)
    expect(replies.last.locator(".quote")).to_contain_text(names.said[0])
    walk.at(box)
    walk.go(column.get_by_role("button", name=walk.says("follow")), "Shift+Tab")
    walk.press("Escape")
    expect(column).to_have_count(0)
    walk.at(message)
    below = message.locator(".replies")
    walk.go(below)
    walk.press("Enter")
    walk.at(box)
    walk.press("Escape")
    expect(column).to_have_count(0)
    walk.at(message)
    walk.back_to_writing()
    answers(names.said[1])
    threads = page.locator(".sidebar").get_by_role(
        "button", name=re.compile(f"^{walk.says('threads')}")
    )
    expect(threads.locator(".badge")).to_have_count(1)
    walk.go(threads, "Shift+Tab")
    walk.press("Enter")
    walk.opens(walk.says("threads"))
    walk.closes()
    walk.at(threads)
    walk.press("Enter")
    walk.opens(walk.says("threads"))
    walk.go(walk.dialog.get_by_role("button", name=walk.says("threadOpen")))
    walk.press("Enter")
    expect(replies).to_have_count(4)
    walk.at(box)
    expect(threads.locator(".badge")).to_have_count(0)
    walk.press("Escape")
    expect(column).to_have_count(0)
    walk.at(message)
    walk.back_to_writing()


def moderate(walk: Walk) -> None:
    """Mute somebody from his message, for a day and with a reason."""
    names = walk.names
    message = go_to_message(walk, names.said[1])
    tool = use_tool(walk, message, f"{walk.says('details')}: {names.bob}")
    walk.opens(names.bob)
    walk.go(walk.button("mute"))
    walk.press("Enter")
    length = walk.dialog.get_by_role("combobox")
    walk.at(length)
    hour = length.input_value()
    walk.press("ArrowDown")
    expect(length).not_to_have_value(hour)
    chosen = length.input_value()
    walk.press("Tab")
    walk.at(walk.dialog.get_by_label(walk.says("why"), exact=True))
    walk.type(names.reason)
    walk.press("Enter")
    expect(walk.button("unmute")).to_be_visible()
    expect(walk.dialog.locator(":focus")).to_have_count(1)
    walk.is_seen()
    (mute,) = (frame for frame in walk.one.said if frame["type"] == "mute")
    assert (mute["user"], mute["reason"]) == ("bob", names.reason)
    assert mute["for"] == int(chosen)
    walk.closes()
    walk.at(tool)
    told = walk.one.log.locator("[data-happened=mute]")
    for text in (names.ann, names.bob, names.reason):
        expect(told).to_contain_text(text)
    walk.back_to_writing()


def ask_for_keys(walk: Walk) -> None:
    """`?` is what one types where one writes; elsewhere it shows all keys."""
    walk.type("?")
    expect(walk.box).to_have_value("?")
    walk.press("Control+/")
    walk.opens(walk.says("keys"))
    expect(
        walk.dialog.locator("dt").filter(has_text=walk.says("keyJump"))
    ).to_have_count(1)
    walk.closes()
    walk.at(walk.box)
    walk.press("Backspace")
    walk.go(walk.one.log.locator("[data-seq]"), "Shift+Tab")
    walk.press("?")
    walk.opens(walk.says("keys"))
    alone = walk.dialog.get_by_role("checkbox")
    walk.go(alone)
    walk.press("Space")
    expect(alone).not_to_be_checked()
    walk.closes()
    walk.press("?")
    expect(walk.dialog).to_have_count(0)
    # It is a letter as any other then, and goes where one writes.
    walk.at(walk.box)
    expect(walk.box).to_have_value("?")
    walk.press("Backspace", "Control+/")
    walk.opens(walk.says("keys"))
    walk.go(alone)
    walk.press("Space")
    walk.closes()
    walk.go(walk.one.log.locator("[data-seq]"), "Shift+Tab")
    walk.press("?")
    walk.opens(walk.says("keys"))
    walk.closes()
    walk.back_to_writing()


def settle(walk: Walk) -> None:
    """One's settings: what is folded is opened, something is chosen, and holds."""
    walk.go(walk.button("settings"), "Shift+Tab")
    walk.press("Enter")
    walk.opens(walk.says("settings"))
    walk.go(walk.dialog.locator("summary", has_text=walk.says("look")))
    walk.press("Enter")
    theme = walk.dialog.get_by_role("group", name=walk.says("theme"))
    walk.go(theme.get_by_role("radio"))
    walk.press("ArrowDown", "ArrowDown")
    walk.at(theme.get_by_role("radio", name=walk.says("themeDark")))
    expect(walk.one.page.locator("html[data-theme=dark]")).to_have_count(1)
    walk.closes()
    walk.at(walk.button("settings"))
    walk.back_to_writing()


def log_out(walk: Walk) -> None:
    """The last of the settings; one is where one began."""
    walk.go(walk.button("settings"), "Shift+Tab")
    walk.press("Enter")
    walk.opens(walk.says("settings"))
    out = walk.dialog.get_by_role("button", name=walk.says("logOut"), exact=True)
    walk.go(out)
    walk.press("Enter")
    walk.at(walk.one.page.locator("input[name=name]"))


STEPS: list[Callable[[Walk], None]] = [
    log_in,
    change_rooms,
    write,
    edit,
    react,
    search,
    keep,
    talk_beside,
    moderate,
    ask_for_keys,
    settle,
    log_out,
]


@pytest.mark.parametrize("names", CASES.values(), ids=CASES)
def test_walk(browser: Browser, daemon: Daemon, names: Names) -> None:
    """In each language and direction, from logging in to logging out."""
    with (
        program(daemon, "ann", "tea", "beds") as ann,
        program(daemon, "bob", "tea") as bob,
        people(browser, daemon) as come,
    ):
        ann.ask(type="profile", display=names.ann)
        bob.ask(type="profile", display=names.bob)
        for room, title in (("tea", names.room), ("beds", names.other)):
            ann.ask(type="room", room=room, title=title)
        bob.send("tea", *names.said)
        walk = Walk(come(locale=names.locale), bob, names)
        walk.one.page.add_init_script(LOST)
        for step in STEPS:
            step(walk)
            walk.has_not_lost_it()


def test_focus_where_nobody_writes(come: Come, daemon: Daemon) -> None:
    """A room that is archived is gone to by keys as any other, and left so."""
    with program(daemon, "ann", "beds", "lobby") as ann:
        ann.ask(type="room", room="beds", archived=True)
        one = come("ann")
        walk = Walk(one, ann, CASES["English"])
        walk.press("Alt+ArrowUp")
        expect(one.page.get_by_role("heading", level=1, name="beds")).to_be_visible()
        walk.at(walk.box)
        walk.type("nothing of this")
        expect(walk.box).to_have_value("")
        walk.press("Alt+ArrowDown")
        expect(one.page.get_by_role("heading", level=1, name="lobby")).to_be_visible()
        walk.at(walk.box)


def test_focus_over_the_room(come: Come) -> None:
    """Who is there lies over the room on a small screen: the focus goes there and comes
    back, and whatever else gets it is not covered.
    """
    one = come("ann", viewport={"width": 320, "height": 512})
    walk = Walk(one, None, CASES["English"])
    toggle = one.button("People")
    walk.go(toggle, "Shift+Tab")
    walk.press("Enter")
    walk.at(one.button("All members"))
    walk.press("Escape")
    walk.at(toggle)
    expect(one.people).to_have_count(0)
    walk.press("Enter")
    walk.at(one.button("All members"))
    walk.go(walk.box, "Shift+Tab")
    expect(one.people).to_have_count(0)
    walk.is_seen()


def test_focus_when_what_has_it_goes(come: Come, daemon: Daemon) -> None:
    """A button that goes when it is pressed leaves the focus with what is around it."""
    with program(daemon, "bob", "lobby") as bob:
        seq = bob.send("lobby", "one")
        bob.ask(type="react", room="lobby", of=seq, emoji="🎉", cid="bob")
        ann = come("ann")
        walk = Walk(ann, bob, CASES["English"])
        ann.page.evaluate(LOST)
        walk.go(walk.box)
        message = go_to_message(walk, "one")
        reaction = message.locator(".reactions").get_by_role("button").first
        walk.go(reaction)
        walk.press("Enter")
        expect(reaction).to_have_attribute("aria-pressed", "true")
        bob.ask(type="react", room="lobby", of=seq, emoji="🎉", on=False, cid="none")
        expect(reaction).to_contain_text("1")
        walk.press("Enter")
        expect(reaction).to_have_count(0)
        walk.at(message)
        walk.has_not_lost_it()


def test_focus_when_what_it_came_from_has_gone(come: Come) -> None:
    """A dialog whose button is not needed any more leads to where one writes."""
    ann = come("ann")
    walk = Walk(ann, None, CASES["English"])
    walk.go(walk.box)
    walk.type("a draft")
    walk.press("Alt+ArrowUp")
    unsent = ann.button("1 not sent")
    walk.go(unsent, "Shift+Tab")
    walk.press("Enter")
    walk.opens("Not sent")
    walk.go(walk.dialog.get_by_role("button", name="Discard"))
    ann.page.evaluate(LOST)
    walk.press("Enter")
    expect(unsent).to_have_count(0)
    walk.is_seen()
    walk.closes()
    walk.at(walk.box)
    walk.has_not_lost_it()
