"""What helps whoever writes: completing, emoji, code, going back, what is not sent."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Locator, expect

from tests.web.page.daemon import Daemon
from tests.web.page.line import line_to
from tests.web.page.person import Come, Person
from tests.web.page.program import program

PHONE: dict[str, Any] = {
    "viewport": {"width": 360, "height": 640},
    "has_touch": True,
    "is_mobile": True,
}


def suggestions(one: Person) -> Locator:
    """What is offered while one types."""
    return one.page.get_by_role("listbox", name="Suggestions").get_by_role("option")


def chosen(one: Person) -> Locator:
    """The suggestion that Enter takes."""
    return one.page.get_by_role("option", selected=True)


def test_members_are_completed_by_the_keyboard(come: Come, daemon: Daemon) -> None:
    """Arrows, Enter, Tab and Esc are the list's while it is there; a screen reader is
    told which suggestion is meant; who is not online is among them.
    """
    with program(daemon, "bob", "lobby") as bob, program(daemon, "cy", "lobby") as cy:
        cy.ask(type="profile", display="Cy Bobbin")
        bob.send("lobby", "I am here")
    ann = come("ann")
    ann.box.press_sequentially("hi @")
    expect(suggestions(ann)).to_have_text([re.compile("bob"), re.compile("Cy Bobbin")])
    expect(ann.box).to_have_attribute("aria-activedescendant", "completion-0")
    expect(ann.page.locator("#completion-0")).to_have_attribute("aria-selected", "true")
    ann.box.press("ArrowDown")
    expect(chosen(ann)).to_contain_text("Cy Bobbin")
    expect(ann.box).to_have_attribute("aria-activedescendant", "completion-1")
    ann.box.press("ArrowDown")
    expect(chosen(ann)).to_contain_text("bob")
    ann.box.press("ArrowUp")
    ann.box.press("Enter")
    expect(ann.box).to_have_value("hi @cy ")
    expect(suggestions(ann)).to_have_count(0)
    expect(ann.box).not_to_have_attribute("aria-activedescendant", re.compile(""))
    # By a word of what he is called, and by Tab.
    ann.box.press_sequentially("and @bobb")
    expect(suggestions(ann)).to_have_count(1)
    ann.box.press("Tab")
    expect(ann.box).to_have_value("hi @cy and @cy ")
    expect(ann.box).to_be_focused()
    # Esc leaves what was typed, and offers nothing there again.
    ann.box.press_sequentially("@bo")
    expect(chosen(ann)).to_contain_text("bob")
    ann.box.press("Escape")
    expect(suggestions(ann)).to_have_count(0)
    ann.box.press_sequentially("b")
    expect(ann.box).to_have_value("hi @cy and @cy @bob")
    expect(suggestions(ann)).to_have_count(0)
    ann.box.press("Enter")
    ann.sees("I am here", "hi @cy and @cy @bob")


def test_a_whole_name_is_sent_by_one_enter(come: Come) -> None:
    """The list does not stand in the way of what needs no completion."""
    ann, bob = come("ann"), come("bob")
    ann.box.press_sequentially("hi @bob")
    expect(chosen(ann)).to_contain_text("bob")
    ann.box.press("Enter")
    bob.sees("hi @bob")


def test_everybody_is_offered_to_whoever_may_address_all(
    come: Come, daemon: Daemon
) -> None:
    """An administrator or the room's owner, nobody else."""
    daemon.add("root", "admin")
    ann, root = come("ann"), come("root")
    ann.box.press_sequentially("@")
    expect(suggestions(ann)).to_have_text([re.compile("root$")])
    root.box.press_sequentially("@")
    expect(suggestions(root)).to_have_text(
        [re.compile("ann$"), re.compile("all *everybody here$")]
    )
    root.box.fill("")
    root.box.press_sequentially("@al")
    root.box.press("Enter")
    expect(root.box).to_have_value("@all ")


def test_completing_from_right_to_left_and_in_the_middle(come: Come) -> None:
    """What stands before and behind stays, whichever way it is read."""
    ann, bob = come("ann"), come("bob")
    expect(ann.people).to_contain_text("bob")
    ann.box.press_sequentially("שלום עולם")
    ann.box.evaluate("box => box.setSelectionRange(5, 5)")
    ann.box.press_sequentially("@b")
    expect(chosen(ann)).to_contain_text("bob")
    ann.box.press("Enter")
    expect(ann.box).to_have_value("שלום @bob עולם")
    assert ann.box.evaluate("box => box.selectionStart") == 10
    # As it is with what was typed, the browser takes it back.
    ann.box.press("Control+z")
    expect(ann.box).to_have_value(re.compile("^שלום @b? ?עולם$"))
    ann.box.fill("@bob")
    ann.box.press("Enter")
    bob.sees("@bob")


def test_an_input_method_keeps_its_keys(come: Come) -> None:
    """While a word is composed, the keys that would choose are the input method's; what
    it has made is completed afterwards.
    """
    ann, _ = come("ann"), come("bob")
    expect(ann.people).to_contain_text("bob")
    ann.box.press_sequentially("@")
    expect(suggestions(ann)).to_have_count(1)
    session = ann.context.new_cdp_session(ann.page)
    session.send(
        "Input.imeSetComposition",
        {"text": "bo", "selectionStart": 2, "selectionEnd": 2},
    )
    expect(ann.box).to_have_value("@bo")
    expect(chosen(ann)).to_contain_text("bob")
    # As a browser tells of Enter that ends a composition.
    ann.box.evaluate(
        """box => box.dispatchEvent(new KeyboardEvent("keydown",
           {key: "Enter", isComposing: true, bubbles: true, cancelable: true}))"""
    )
    expect(ann.box).to_have_value("@bo")
    expect(suggestions(ann)).to_have_count(1)
    session.send("Input.insertText", {"text": "bo"})
    expect(ann.box).to_have_value("@bo")
    ann.box.press("Enter")
    expect(ann.box).to_have_value("@bob ")


def test_emoji_by_their_short_codes(come: Come) -> None:
    """From a list, or by closing the code; neither in code nor in the time of day, and
    the browser can take it back.
    """
    ann, bob = come("ann"), come("bob")
    ann.box.press_sequentially("yes :ta")
    expect(chosen(ann)).to_contain_text(":tada:")
    ann.box.press("Enter")
    expect(ann.box).to_have_value("yes 🎉 ")
    ann.box.press_sequentially("at 12:30 :heart:")
    expect(ann.box).to_have_value("yes 🎉 at 12:30 ❤️")
    ann.box.press_sequentially(" `:tada:` :nonesuch:")
    expect(ann.box).to_have_value("yes 🎉 at 12:30 ❤️ `:tada:` :nonesuch:")
    expect(suggestions(ann)).to_have_count(0)
    ann.box.press("Enter")
    bob.sees("yes 🎉 at 12:30 ❤️ :tada: :nonesuch:")
    ann.box.press_sequentially(":+1:")
    expect(ann.box).to_have_value("👍")
    ann.box.press("Control+z")
    expect(ann.box).to_have_value(":+1:")


def test_completing_on_a_phone(come: Come) -> None:
    """A touch chooses, the box keeps the focus, and nothing lies beside the screen."""
    ann, _ = come("ann", **PHONE), come("bob")
    ann.box.tap()
    ann.box.press_sequentially("hi @b")
    option = suggestions(ann).first
    expect(option).to_contain_text("bob")
    place = option.bounding_box()
    assert place is not None
    assert place["height"] >= 44
    assert place["x"] >= 0
    assert place["x"] + place["width"] <= 360
    option.tap()
    expect(ann.box).to_have_value("hi @bob ")
    expect(ann.box).to_be_focused()


def picker(one: Person) -> Locator:
    """The choice of emoji."""
    return one.page.get_by_role("group", name="Emoji", exact=True)


def focused(one: Person) -> Locator:
    """What has the focus in the choice of emoji."""
    return picker(one).locator(":focus")


def test_an_emoji_is_found_by_words_and_the_keyboard_alone(come: Come) -> None:
    """From the button to the search, into what was found and back; Enter takes the
    first, Esc takes nothing, and the focus comes back each time.
    """
    ann, bob = come("ann"), come("bob")
    ann.box.fill("ab")
    ann.box.evaluate("box => box.setSelectionRange(1, 1)")
    ann.button("Emoji").focus()
    ann.page.keyboard.press("Enter")
    expect(focused(ann)).to_have_attribute("aria-label", "Search emoji")
    ann.page.keyboard.type("no such thing")
    expect(picker(ann).get_by_text("No emoji of this name.")).to_be_visible()
    ann.page.keyboard.press("Escape")
    expect(picker(ann)).to_have_count(0)
    expect(ann.button("Emoji")).to_be_focused()
    ann.page.keyboard.press("Enter")
    expect(focused(ann)).to_have_attribute("aria-label", "Search emoji")
    ann.page.keyboard.type("hot drink")
    expect(picker(ann).get_by_role("button", name="hot beverage")).to_be_visible()
    ann.page.keyboard.press("Enter")
    expect(ann.box).to_be_focused()
    expect(ann.box).to_have_value("a☕b")
    assert ann.box.evaluate("box => box.selectionStart") == 2
    # What was used comes first now, and by the arrows too.
    ann.page.keyboard.press("Shift+Tab")
    ann.button("Emoji").press("Enter")
    expect(focused(ann)).to_have_attribute("aria-label", "Search emoji")
    ann.page.keyboard.press("ArrowDown")
    expect(focused(ann)).to_have_attribute("aria-label", "hot beverage")
    ann.page.keyboard.press("ArrowRight")
    expect(focused(ann)).to_have_attribute("aria-label", "thumbs up")
    ann.page.keyboard.press("ArrowDown")
    ann.page.keyboard.press("ArrowUp")
    expect(focused(ann)).to_have_attribute("aria-label", "thumbs up")
    ann.page.keyboard.press("ArrowUp")
    expect(focused(ann)).to_have_attribute("aria-label", "Search emoji")
    ann.page.keyboard.press("ArrowDown")
    ann.page.keyboard.press("Enter")
    expect(ann.box).to_have_value("a☕☕b")
    ann.box.press("Enter")
    bob.sees("a☕☕b")


def test_emoji_of_a_kind_and_with_a_skin_tone_that_is_kept(come: Come) -> None:
    """The tone holds for all that can have one, after a reload too, and for short
    codes; what has none stays as it is.
    """
    ann, bob = come("ann"), come("bob")
    ann.button("Emoji").click()
    picker(ann).get_by_role("button", name="Medium", exact=True).click()
    picker(ann).get_by_role("button", name="Hands and people").click()
    picker(ann).get_by_role("button", name="waving hand").click()
    expect(ann.box).to_have_value("👋🏽")
    ann.page.reload()
    ann.box.fill("")
    ann.box.press_sequentially(":wave:")
    expect(ann.box).to_have_value("👋🏽")
    ann.box.press_sequentially(":tada:")
    ann.box.press("Enter")
    bob.sees("👋🏽🎉")
    # As a reaction, it is one that the daemon takes.
    bob.message("👋🏽🎉").hover()
    message = ann.message("👋🏽🎉")
    message.hover()
    message.get_by_role("button", name="React", exact=True).click()
    picker(ann).get_by_label("Search emoji").fill("technologist")
    picker(ann).get_by_role("button", name="woman technologist").click()
    expect(bob.log.get_by_role("button", name="👩🏽‍💻: ann")).to_be_visible()
    ann.button("Emoji").click()
    picker(ann).get_by_role("button", name="No skin tone").click()
    picker(ann).get_by_label("Search emoji").fill("thumbs up")
    ann.page.keyboard.press("Enter")
    expect(ann.box).to_have_value("👍")


def test_emoji_are_found_by_german_words(come: Come) -> None:
    """As the page's language has them, also without the dots of a vowel."""
    ann = come(locale="de-DE")
    ann.visit()
    ann.field("Name").fill("ann")
    ann.field("Passwort").fill("correct horse")
    ann.button("Anmelden").click()
    ann.page.get_by_role("link", name="lobby").click()
    ann.button("Emoji").click()
    ann.field("Emoji suchen").fill("Käfer")
    expect(picker(ann).get_by_role("button", name="Marienkäfer")).to_be_visible()
    ann.field("Emoji suchen").fill("kase")
    expect(picker(ann).get_by_role("button", name="Käsestück")).to_be_visible()


def test_emoji_on_a_phone(come: Come) -> None:
    """All of it is on the screen, and large enough to touch."""
    ann = come("ann", **PHONE)
    ann.button("Emoji").tap()
    expect(picker(ann)).to_be_visible()
    ann.button("Emoji").tap()
    expect(picker(ann)).to_have_count(0)
    ann.button("Emoji").tap()
    place = picker(ann).bounding_box()
    assert place is not None
    assert place["x"] >= 0
    assert place["x"] + place["width"] <= 360
    assert place["y"] >= 0
    button = picker(ann).get_by_role("button", name="thumbs up").bounding_box()
    assert button is not None
    assert min(button["width"], button["height"]) >= 34
    picker(ann).get_by_role("button", name="thumbs up").tap()
    expect(ann.box).to_have_value("👍")


def delete_last(one: Person) -> None:
    """Press the button that deletes the last message."""
    last = one.log.locator("[data-seq]").last
    last.hover()
    last.get_by_role("button", name="Delete").click()


def deletes(one: Person) -> int:
    """How often the page has told the daemon to delete something."""
    return [frame["type"] for frame in one.said].count("delete")


def test_a_deletion_can_be_undone_for_a_while(come: Come) -> None:
    """By its button or the usual keys, and nobody has seen it; the focus stays where
    the message is. When the time is over, it is deleted for all.
    """
    ann, bob = come("ann"), come("bob")
    ann.say("one")
    bob.sees("one")
    delete_last(ann)
    expect(ann.button("Undo")).to_be_focused()
    said = ann.page.get_by_role("status").get_by_text("is deleted in 8 seconds")
    expect(said).to_be_visible()
    ann.page.keyboard.press("Control+z")
    ann.sees("one")
    expect(ann.log.locator("[data-seq]")).to_be_focused()
    delete_last(ann)
    # One that goes is not the last that one could edit.
    expect(ann.button("Undo")).to_be_focused()
    ann.box.press("ArrowUp")
    expect(ann.box).to_have_value("")
    ann.button("Undo").click()
    ann.sees("one")
    assert deletes(ann) == 0
    bob.sees("one")
    delete_last(ann)
    expect(ann.button("Undo")).to_be_focused()
    expect(bob.log.get_by_text("Deleted")).to_be_visible()
    expect(ann.log.get_by_text("Deleted")).to_be_visible()
    expect(ann.button("Undo")).to_have_count(0)
    expect(ann.log.locator("[data-seq]")).to_be_focused()
    assert deletes(ann) == 1


def test_a_deletion_is_done_when_the_page_is_left(come: Come) -> None:
    """Before its time is over, since afterwards nobody would do it."""
    ann, bob = come("ann"), come("bob")
    ann.say("one")
    bob.sees("one")
    delete_last(ann)
    expect(ann.button("Undo")).to_be_visible()
    ann.page.reload()
    expect(bob.log.get_by_text("Deleted")).to_be_visible()
    expect(ann.log.get_by_text("Deleted")).to_be_visible()


def test_the_last_message_is_edited_by_one_key(come: Come) -> None:
    """The last that is one's own; what was being written comes back, and a second press
    takes nothing away of what is being edited.
    """
    ann, bob = come("ann"), come("bob")
    ann.say("one")
    ann.say("tow")
    bob.sees("one", "tow")
    bob.say("what?")
    ann.sees("one", "tow", "what?")
    ann.box.press("ArrowUp")
    expect(ann.box).to_have_value("tow")
    ann.box.fill("")
    ann.box.press("ArrowUp")
    expect(ann.box).to_have_value("")
    ann.box.press_sequentially("two")
    ann.box.press("Enter")
    bob.sees("one", "two", "what?")
    expect(ann.box).to_have_value("")
    ann.box.fill("draft")
    ann.box.press("ArrowUp")
    expect(ann.box).to_have_value("draft")


CODE = """Look:
```python
def greet(name):  # kindly
    return "hello, " + name
```"""


def test_code_has_colours_and_can_be_copied(come: Come) -> None:
    """Colours where the language is known, which changes nothing of the text, and a
    button that copies just the code; nothing of it is loaded before there is any.
    """
    ann, bob = come("ann"), come("bob")
    bob.context.grant_permissions(["clipboard-read", "clipboard-write"])
    requests: list[str] = []
    bob.page.on("request", lambda one: requests.append(one.url.rpartition("/")[2]))
    ann.say("no `code` yet")
    bob.sees("no code yet")
    assert "code.mjs" not in requests
    ann.say(CODE)
    code = bob.log.locator("pre")
    expect(code.locator(".kwd")).to_have_text(["def", "return"])
    expect(code.locator(".str")).to_have_text(['"hello, "'])
    expect(code.locator(".cmnt")).to_have_text(["# kindly"])
    plain = CODE.partition("python\n")[2].removesuffix("\n```")
    assert code.text_content() == plain
    assert "language-py.mjs" in requests
    assert "language-js.mjs" not in requests
    copy = bob.log.get_by_role("button", name="Copy code")
    copy.focus()
    bob.page.keyboard.press("Enter")
    expect(bob.page.get_by_role("status").get_by_text("Copied")).to_be_visible()
    assert bob.page.evaluate("navigator.clipboard.readText()") == plain
    expect(copy).to_be_focused()


def test_code_that_is_hostile_or_unknown_stays_text(come: Come) -> None:
    """Whatever is called a language, and whatever stands in the code."""
    ann, bob = come("ann"), come("bob")
    hostile = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    texts = [
        f"```{language}\n{hostile}\n```"
        for language in ("html", "../app", "__proto__", "constructor", "js", "md")
    ]
    for text in texts:
        ann.say(text)
    expect(bob.log.locator("pre code")).to_have_text([hostile] * len(texts))
    expect(bob.log.locator("pre .class").first).to_be_visible()
    expect(bob.log.get_by_role("button", name="Copy code")).to_have_count(len(texts))
    assert bob.page.locator("img").count() == 0


def test_a_quotation_leads_to_what_is_quoted_and_back(
    come: Come, daemon: Daemon
) -> None:
    """Also to a message that is not loaded; both times the focus goes there."""
    with program(daemon, "bob", "lobby") as bob:
        first = bob.send("lobby", "the question")
        bob.send("lobby", *(f"number {n}" for n in range(120)))
        bob.send("lobby", "the answer", reply_to=first)
    ann = come("ann")
    expect(ann.message("the answer")).to_be_in_viewport()
    question = ann.log.locator(f"[data-seq='{first}']")
    expect(question).to_have_count(0)
    quote = ann.message("the answer").locator(".quote")
    quote.focus()
    ann.page.keyboard.press("Enter")
    expect(question).to_be_in_viewport()
    expect(question).to_be_focused()
    expect(ann.message("the answer")).not_to_be_in_viewport()
    back = ann.button("Back to the reply")
    back.focus()
    ann.page.keyboard.press("Enter")
    expect(ann.message("the answer")).to_be_in_viewport()
    expect(ann.message("the answer")).to_be_focused()
    expect(back).to_have_count(0)
    expect(quote).to_contain_text("bob the question")


def unsent(one: Person) -> Locator:
    """The rows of the list of what is not sent."""
    return one.page.get_by_role("dialog", name="Not sent").get_by_role("listitem")


def test_drafts_are_listed(come: Come) -> None:
    """Those of other rooms; each leads to its room, and one that was thrown away can be
    had back as long as the list is open.
    """
    ann = come("ann")
    entrance = ann.page.get_by_role("button", name="not sent")
    ann.box.fill("for the lobby")
    expect(entrance).to_have_count(0)
    ann.enter("garden")
    ann.button("1 not sent").click()
    expect(unsent(ann)).to_have_text([re.compile("lobby.*for the lobby")])
    unsent(ann).get_by_role("button", name="Discard").focus()
    ann.page.keyboard.press("Enter")
    expect(unsent(ann).get_by_role("button", name="Undo")).to_be_focused()
    ann.page.keyboard.press("Enter")
    unsent(ann).get_by_role("button", name="Open").click()
    expect(ann.box).to_have_value("for the lobby")
    ann.enter("garden")
    ann.button("1 not sent").click()
    unsent(ann).get_by_role("button", name="Discard").click()
    ann.page.keyboard.press("Escape")
    expect(entrance).to_have_count(0)
    ann.enter("lobby")
    expect(ann.box).to_have_value("")


def test_what_waits_or_was_refused_is_listed(come: Come, daemon: Daemon) -> None:
    """It says why, leads to its room, and can be sent again or thrown away."""
    ann, bob = come("ann"), come("bob")
    ann.say("before")
    bob.sees("before")
    ann.page.wait_for_function(
        """(ends) => ends.every((end) => performance.getEntriesByType("resource").some(
             ({ name }) => name.endsWith(end)))""",
        arg=["/later.css", "/unsent.mjs"],
    )
    for one in (ann, bob):
        one.expects_losses()
    daemon.stop()
    ann.is_offline()
    ann.say("one")
    ann.say("two")
    ann.enter("garden")
    ann.button("2 not sent").click()
    expect(unsent(ann)).to_have_text([re.compile("one"), re.compile("two")])
    unsent(ann).first.get_by_role("button", name="Discard").click()
    expect(unsent(ann)).to_have_text([re.compile("lobby.*two")])
    unsent(ann).get_by_role("button", name="Open").click()
    expect(ann.waiting).to_have_count(1)
    daemon.start()
    bob.sees("before", "two")
    ann.is_back()
    expect(ann.page.get_by_role("button", name="not sent")).to_have_count(0)


def test_an_edit_that_waits_is_what_is_edited_and_answered(
    come: Come, daemon: Daemon
) -> None:
    """What was last made of a message is its text wherever that is shown, and what was
    stored can be made of it again.
    """
    with line_to(daemon) as line:
        ann, bob = come("ann", line.url), come("bob")
        ann.say("tea")
        bob.sees("tea")
        line.cut()
        ann.is_offline()
        for before, after in (("tea", "green tea"), ("green tea", "tea")):
            ann.box.press("ArrowUp")
            expect(ann.box).to_have_value(before)
            ann.box.fill(after)
            ann.box.press("Enter")
            expect(ann.texts).to_have_text([after])
        ann.box.press("ArrowUp")
        expect(ann.box).to_have_value("tea")
        ann.box.press("Enter")
        line.mend()
        ann.is_back()
        for one in (ann, bob):
            expect(one.log.get_by_text("edited", exact=True)).to_be_visible()
            one.sees("tea")


def test_what_was_refused_is_sent_again_or_thrown_away(
    come: Come, daemon: Daemon
) -> None:
    """From whatever room one is in."""
    with line_to(daemon) as line, program(daemon, "bob") as bob:
        ann = come("ann", line.url)
        room = bob.ask(type="create", room="attic", cid="attic")["room"]
        bob.ask(type="join", room=room)
        ann.button("Find or create a room").click()
        row = ann.page.get_by_role("dialog").get_by_role("listitem")
        row.filter(has_text="attic").get_by_role("button", name="Join").click()
        expect(ann.box).to_have_attribute("placeholder", "Message #attic")
        line.cut()
        ann.is_offline()
        ann.say("one")
        ann.say("two")
        bob.ask(type="mute", room=room, user="ann", cid="mute", **{"for": 3600})
        line.mend()
        ann.is_back()
        expect(ann.log.get_by_role("button", name="Retry")).to_have_count(2)
        ann.enter("lobby")
        ann.button("2 not sent").click()
        expect(unsent(ann).first).to_contain_text("Not sent: you are muted here")
        bob.ask(type="unmute", room=room, user="ann", cid="unmute")
        unsent(ann).first.get_by_role("button", name="Retry").click()
        expect(unsent(ann)).to_have_count(1)
        unsent(ann).get_by_role("button", name="Discard").focus()
        ann.page.keyboard.press("Enter")
        expect(ann.page.get_by_text("Everything is sent.")).to_be_visible()
        ann.page.keyboard.press("Escape")
        ann.enter("attic")
        ann.sees("one")
