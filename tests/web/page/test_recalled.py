"""What a browser keeps of rooms: painted without a connection, corrected with one."""

from __future__ import annotations

from typing import Any

import apsw
import pytest
from playwright.sync_api import expect

from chatd.store.sqlite import files, migrate
from tests.web.page.daemon import PASSWORD, Daemon
from tests.web.page.person import Come, Person
from tests.web.page.program import program

SOCKETS = """
if (self === top) {
  const Real = WebSocket;
  globalThis.WebSocket = class {
    constructor(...all) {
      if (!localStorage.getItem("no sockets")) return new Real(...all);
      setTimeout(() => this.onclose?.({ code: 1006, reason: "" }));
    }
    close() {}
  };
}
"""
"""No WebSocket comes about as long as the storage says so."""

KEPT = """async () => {
  const known = await indexedDB.databases();
  if (!known.some(({ name }) => name === "chatd")) return [];
  const db = await new Promise((resolve, reject) => {
    const request = indexedDB.open("chatd");
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const request = db.transaction("rooms").objectStore("rooms").getAll();
  await new Promise((resolve) => (request.onsuccess = resolve));
  db.close();
  const texts = ({ messages }) => messages.map(({ text }) => text ?? null);
  return request.result.map(({ key, room }) => [key[1], key[2], texts(room)]);
}"""
"""Of each room that is kept: whose it is, its name, its texts."""


WAIT = f"""async (wanted) => {{
  let all;
  for (let tries = 0; tries < 600; tries += 1) {{
    all = await ({KEPT})();
    if ((IS_IT)(all, wanted)) return null;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }}
  return all;
}}"""
"""Looks again and again at what is kept; returns it if it never is as it should."""


def kept_is(person: Person, is_it: str, wanted: Any = None) -> None:
    """Wait until what the browser keeps is as a function of JavaScript says."""
    assert person.page.evaluate(WAIT.replace("IS_IT", is_it), wanted) is None


def keeps(person: Person, *wanted: list[Any]) -> None:
    """Wait until the browser keeps exactly this, but for rooms without messages."""
    kept_is(
        person,
        "(all, wanted) => JSON.stringify(all.filter(([, , texts]) => texts.length))"
        " === JSON.stringify(wanted)",
        list(wanted),
    )


def sockets(person: Person, *, on: bool) -> None:
    """Let WebSockets come about, at once, or none."""
    person.page.evaluate(
        "(on) => on ? localStorage.removeItem('no sockets')"
        " : localStorage.setItem('no sockets', 'yes')",
        on,
    )
    if on:
        person.page.evaluate("dispatchEvent(new Event('online'))")


@pytest.fixture
def arrive(come: Come) -> Any:
    """Bring ann before a browser whose sockets can be taken away."""

    def arrive(name: str = "ann", **options: Any) -> Person:
        one = come(**options)
        one.context.add_init_script(SOCKETS)
        one.log_in(name)
        one.enter("lobby")
        return one

    return arrive


def reload_without_sockets(person: Person) -> None:
    """Load the page anew, which gets no connection."""
    sockets(person, on=False)
    welcomes = person.welcomes()
    person.page.reload()
    person.is_offline()
    assert person.welcomes() == welcomes


def test_a_cold_start_paints_what_was_there_and_corrects_itself(
    arrive: Any, daemon: Daemon
) -> None:
    """Rooms and messages are there without a connection, and one can write; with one,
    what was edited, deleted and said meanwhile is so.
    """
    with program(daemon, "bob", "lobby", "garden") as bob:
        ann = arrive()
        first = bob.send("lobby", "one", "two", "three") - 2
        ann.sees("one", "two", "three")
        keeps(ann, ["ann", "lobby", ["one", "two", "three"]])
        reload_without_sockets(ann)
        ann.sees("one", "two", "three")
        expect(ann.room("lobby")).to_be_visible()
        ann.say("written meanwhile")
        expect(ann.waiting).to_contain_text("written meanwhile")
        bob.ask(type="edit", room="lobby", of=first, text="ONE", cid="e")
        bob.ask(type="delete", room="lobby", of=first + 1, cid="d")
        bob.send("lobby", "four")
        sockets(ann, on=True)
        # It may come back by itself before anybody has found a button.
        ann.page.evaluate("dispatchEvent(new Event('online'))")
        ann.is_back()
        ann.sees("ONE", "three", "four", "written meanwhile")
        keeps(
            ann,
            ["ann", "lobby", ["ONE", None, "three", "four", "written meanwhile"]],
        )


def test_what_is_deleted_is_not_kept(arrive: Any, daemon: Daemon) -> None:
    """Neither what somebody deletes nor what an erasure takes, of which no event
    tells, nor a room that one is not in any more.
    """
    with program(daemon, "bob", "lobby", "garden") as bob:
        ann = arrive()
        seq = bob.send("lobby", "secret", "open")
        ann.sees("secret", "open")
        keeps(ann, ["ann", "lobby", ["secret", "open"]])
        bob.ask(type="delete", room="lobby", of=seq - 1, cid="d")
        keeps(ann, ["ann", "lobby", [None, "open"]])
        reload_without_sockets(ann)
        bob.ask(type="account_delete", password=PASSWORD)
    ann.sees("open")
    sockets(ann, on=True)
    ann.is_back()
    expect(ann.texts).to_have_count(0)
    keeps(ann, ["ann", "lobby", [None, None]])
    ann.button("Details").click()
    for _ in range(2):
        ann.button("Leave the room").click()
    keeps(ann)


def test_memberships_that_were_lost(arrive: Any, daemon: Daemon) -> None:
    """What was painted of them goes when there is a connection, and is not kept."""
    with (
        program(daemon, "cy", "lobby") as cy,
        program(daemon, "ann", "lobby") as other,
    ):
        for room in ("den", "attic"):
            cy.ask(type="create", room=room, cid=room)
            cy.send(room, f"in the {room}")
            other.ask(type="join", room=room)
        ann = arrive()
        for room in ("den", "attic"):
            ann.enter(room)
            ann.sees(f"in the {room}")
        keeps(ann, ["ann", "attic", ["in the attic"]], ["ann", "den", ["in the den"]])
        reload_without_sockets(ann)
        for room in ("den", "attic"):
            ann.enter(room)
            ann.sees(f"in the {room}")
        cy.ask(type="kick", room="den", user="ann", cid="kick")
        cy.ask(type="destroy", room="attic", cid="destroy")
        sockets(ann, on=True)
        ann.is_back()
        for room in ("den", "attic"):
            expect(ann.room(room)).to_have_count(0)
        keeps(ann)


def test_a_room_that_began_anew(arrive: Any, daemon: Daemon) -> None:
    """Nothing is left of what was painted when the room has another epoch."""
    with program(daemon, "bob", "lobby") as bob:
        ann = arrive()
        bob.send("lobby", "one", "two")
        ann.sees("one", "two")
        keeps(ann, ["ann", "lobby", ["one", "two"]])
    reload_without_sockets(ann)
    ann.sees("one", "two")
    daemon.stop()
    db = apsw.Connection(str(daemon.data / files.DATABASE))
    migrate.configure(db)
    db.execute("UPDATE room SET epoch = 'fedcba9876543210' WHERE name = 'lobby'")
    db.execute("UPDATE message SET text = 'of another time' WHERE text = 'one'")
    db.close()
    daemon.start()
    sockets(ann, on=True)
    ann.is_back()
    ann.sees("of another time", "two")
    keeps(ann, ["ann", "lobby", ["of another time", "two"]])


def test_another_account_sees_nothing(arrive: Any, daemon: Daemon) -> None:
    """After a logout nothing is kept, nor for whoever comes in next."""
    with program(daemon, "bob", "lobby") as bob:
        ann = arrive()
        bob.send("lobby", "for ann")
        ann.sees("for ann")
        keeps(ann, ["ann", "lobby", ["for ann"]])
        ann.log_out()
        kept_is(ann, "(all) => !all.length")
        ann.type_credentials("cy")
        expect(ann.rooms).to_be_visible()
        ann.enter("lobby")
        bob.send("lobby", "for both")
        expect(ann.message("for both")).to_be_visible()
        keeps(ann, ["cy", "lobby", ["for ann", "for both"]])
        kept_is(ann, "(all) => all.every(([who]) => who === 'cy')")


def test_a_session_that_ended_while_the_page_was_away(
    arrive: Any, daemon: Daemon
) -> None:
    """What was kept for it goes when the page hears of that."""
    with program(daemon, "ann", "lobby") as other:
        ann = arrive()
        other.send("lobby", "mine")
        ann.sees("mine")
        keeps(ann, ["ann", "lobby", ["mine"]])
        reload_without_sockets(ann)
        ann.sees("mine")
        other.ask(type="logout", everywhere=True)
    sockets(ann, on=True)
    expect(ann.page.get_by_role("heading", name="Log in to")).to_be_visible()
    kept_is(ann, "(all) => !all.length")


def test_where_the_browser_keeps_nothing(come: Come, daemon: Daemon) -> None:
    """Without IndexedDB all works as it did."""
    ann = come()
    ann.context.add_init_script(
        "indexedDB.open = () => { throw new DOMException('no', 'SecurityError'); };"
    )
    ann.log_in("ann")
    ann.enter("lobby")
    ann.say("hello")
    ann.sees("hello")
    ann.page.reload()
    ann.sees("hello")


def test_what_is_kept_is_bounded(arrive: Any, daemon: Daemon) -> None:
    """Of each room the last 60 messages."""
    with program(daemon, "bob", "lobby") as bob:
        ann = arrive()
        bob.send("lobby", *(f"number {n}" for n in range(90)))
        expect(ann.message("number 89")).to_be_visible()
        keeps(ann, ["ann", "lobby", [f"number {n}" for n in range(30, 90)]])
