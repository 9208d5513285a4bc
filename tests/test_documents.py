"""The documents at the root, compared with what the code has.

A document that names a path, a command, a setting or a code that is not there is
wrong on the day on which that happens, not when somebody is misled by it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import click
import pytest

from chatd.cli import main
from chatd.config import Config
from chatd.enums import Audited
from chatd.errors import Ending, RejectCode
from chatd.wire.commands import DURABLE
from chatd.words import words
from tests.wire.loop import Frame, printed_loop

ROOT = Path(__file__).parents[1]
# What a release said of itself stays as it was then.
DOCUMENTS = sorted({*ROOT.glob("*.md")} - {ROOT / "CHANGELOG.md"})
KEYS = {
    f"{section.name}.{key.name}"
    for section in attrs.fields(Config)
    for key in attrs.fields(type(getattr(Config(), section.name)))
}
SECTIONS = {key.partition(".")[0] for key in KEYS}


@pytest.fixture(params=DOCUMENTS, ids=lambda path: path.name)
def document(request: pytest.FixtureRequest) -> str:
    """Each document in turn."""
    path: Path = request.param
    return path.read_text()


def read(name: str) -> str:
    """One document."""
    return (ROOT / name).read_text()


def section(text: str, heading: str) -> str:
    """What stands between a heading of the second level and the next one."""
    return text.partition(f"\n## {heading}")[2].partition("\n## ")[0]


def code_spans(text: str) -> Iterator[str]:
    """What stands in backticks on one line, outside blocks."""
    outside = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    for line in outside.splitlines():
        if not line.startswith("    "):
            yield from re.findall(r"`([^`]+)`", line)


def first_cells(text: str) -> set[str]:
    """The first column of the tables, without backticks and stars."""
    rows = (line.split("|") for line in text.splitlines() if line.startswith("| "))
    return {row[1].replace("`", "").replace("*", "").strip() for row in rows}


def commands(group: click.Command, name: str = "chatd") -> Iterator[str]:
    """Every command of the terminal, by its full name."""
    yield name
    if isinstance(group, click.Group):
        for sub in group.commands.values():
            yield from commands(sub, f"{name} {sub.name}")


def test_relative_links_lead_somewhere(document: str) -> None:
    """Every link that is not to another site names a file of the project."""
    targets = re.findall(r"\]\(([^)#]+)", document)
    missing = [
        target
        for target in targets
        if "://" not in target and not (ROOT / target).exists()
    ]
    assert missing == []


def test_paths_exist(document: str) -> None:
    """Every path of the project in backticks exists."""
    top = "chatd|config|contrib|tests|docs"
    paths = [
        span
        for span in code_spans(document)
        if re.fullmatch(rf"(?:{top})/[\w./-]+|[\w.-]+\.(?:md|toml|example)", span)
    ]
    # chatd.toml is what an operator calls his own file.
    missing = [
        path for path in paths if path != "chatd.toml" and not (ROOT / path).exists()
    ]
    assert missing == []


def test_commands_of_the_terminal_exist(document: str) -> None:
    """Every `chatd …` that is to be typed is one of the program's commands."""
    known = set(commands(main))
    groups = {name.rpartition(" ")[0] for name in known}
    typed = re.findall(r"^    (?:sudo )?(chatd(?: [a-z]+)+)", document, re.MULTILINE)
    for span in code_spans(document):
        if found := re.match(r"chatd(?: [a-z]+)+", span):
            typed.append(found[0])
    for line in typed:
        words = line.split()
        depth = 3 if " ".join(words[:2]) in groups else 2
        assert " ".join(words[:depth]) in known, line


def test_settings_exist(document: str) -> None:
    """Every `section.key` in backticks is a setting."""
    named = {
        span
        for span in code_spans(document)
        if re.fullmatch(r"[a-z]+\.[a-z_]+", span) and span.split(".")[0] in SECTIONS
    }
    assert named <= KEYS


def test_each_limit_stands_in_the_table_of_attacks() -> None:
    """SECURITY.md leaves no setting of `[limits]` out."""
    table = section(read("SECURITY.md"), "What an attack meets")
    limits = {key for key in KEYS if key.startswith("limits.")}
    assert limits <= set(code_spans(table))


def test_close_codes_are_those_of_the_protocol() -> None:
    """Every close code has its row, and no row has another code."""
    rows = first_cells(section(read("PROTOCOL.md"), "8."))
    told = {int(cell) for cell in rows if cell.isdecimal()}
    assert told == {ending.code for ending in Ending if ending.code is not None}


def test_error_codes_are_those_of_the_protocol() -> None:
    """Every error code has its row, and no row has another code."""
    told = first_cells(section(read("PROTOCOL.md"), "9.")) - {"code", "---"}
    assert {cell for cell in told if not cell.startswith("---")} == set(RejectCode)


def test_the_words_of_the_audit_are_those_of_the_protocol() -> None:
    """Each stands where the protocol says what the audit has."""
    said = read("PROTOCOL.md").partition("\n- `audit` says")[2].partition("\n- ")[0]
    assert {str(word) for word in Audited} <= set(code_spans(said))


def test_durable_commands_are_those_that_have_a_cid() -> None:
    """The list in section 4 is complete, and is that of the library for JavaScript."""
    said = re.search(
        r"for a durable command.*?: for (.*?)\. ", read("PROTOCOL.md"), re.DOTALL
    )
    page = re.search(r'DURABLE = new Set\(\s*"(.*?)"', read("chatd/web/page/chatd.mjs"))
    assert said is not None
    assert page is not None
    assert set(code_spans(said[1])) == set(page[1].split()) == DURABLE


def test_what_is_never_sent_is_marked() -> None:
    """A star marks the codes that no code of chatd uses, and only those."""
    sources = "".join(
        path.read_text()
        for path in (ROOT / "chatd").rglob("*.py")
        if path.name != "errors.py"
    )
    text = read("PROTOCOL.md")
    starred = set(re.findall(r"^\| `?(\w+)`? \* \|", text, re.MULTILINE))
    unused = {
        str(ending.code)
        for ending in Ending
        if ending.code is not None
        and not re.search(rf"\bEnding\.{ending.name}\b", sources)
    }
    unused |= {
        code.value
        for code in RejectCode
        if not re.search(rf"\bRejectCode\.{code.name}\b", sources)
    }
    assert starred == unused


@pytest.fixture
def follower() -> Any:
    """The client loop as it is printed, with what it sent, shows and moved."""
    sent: list[Frame] = []
    shown: list[int] = []
    moved: list[tuple[str, str]] = []
    loop = printed_loop(
        sent.append,
        lambda frame: shown.append(frame["seq"]),
        lambda _: shown.clear(),
        lambda *names: moved.append(names),
    )
    loop.sent, loop.shown, loop.moved = sent, shown, moved
    return loop


def joined(seq: int, **fields: object) -> Frame:
    """The reply to a join of the lobby."""
    return {
        "type": "ok",
        "re": "join",
        "room": "lobby",
        "epoch": "e" * 16,
        "seq": seq,
    } | fields


def message(seq: int) -> Frame:
    """An event of the lobby."""
    return {"type": "message", "room": "lobby", "seq": seq, "ts": "…", "text": "hi"}


def test_the_printed_loop_misses_nothing(follower: Any) -> None:
    """A first join, a gap, a resume and a refused one leave no hole and no double."""
    follower.join("lobby")
    follower.receive(joined(3))
    caught_up = {"type": "caught_up", "room": "lobby", "epoch": "e" * 16}
    for frame in (message(2), message(3), caught_up | {"seq": 3}, message(4)):
        follower.receive(frame)
    follower.receive(message(4))
    assert follower.shown == [2, 3, 4]

    follower.receive({"type": "gap", "room": "lobby", "have": 4, "seq": 6})
    follower.receive(message(7))
    resume = {"type": "join", "room": "lobby", "since": 4, "epoch": "e" * 16}
    assert follower.sent[-1] == resume
    follower.receive(joined(7, recovered=True))
    for seq in (5, 6, 7):
        follower.receive(message(seq))
    assert follower.shown == [2, 3, 4, 5, 6, 7]

    follower.receive({"type": "welcome", "rooms": [{"room": "lobby"}]})
    assert follower.sent[-1] == resume | {"since": 7}
    follower.receive(joined(900, recovered=False))
    follower.receive(caught_up | {"seq": 900})
    assert follower.sent[-1] == {"type": "join", "room": "lobby", "last": 50}
    follower.receive(joined(901))
    for frame in (message(900), message(901), caught_up | {"seq": 901}, message(902)):
        follower.receive(frame)
    assert follower.shown == [900, 901, 902]


def test_a_direct_conversation_begins_with_its_first_event(follower: Any) -> None:
    """A room that was not joined is followed from its first event on."""
    first = message(1) | {"room": "@ann,bob", "epoch": "d" * 16}
    follower.receive(first)
    follower.receive(message(2) | {"room": "@ann,bob"})
    assert follower.shown == [1, 2]
    assert follower.have["@ann,bob"] == ["d" * 16, 2]


def test_what_is_hidden_leaves_no_hole_in_the_printed_loop(follower: Any) -> None:
    """Its seq is counted; a mention is no event of the room."""
    hidden = {"type": "hidden", "room": "@ann,bob", "seq": 1, "ts": "…"}
    follower.receive(hidden | {"epoch": "d" * 16})
    follower.receive(hidden | {"seq": 2})
    mention = {"type": "mention", "room": "@ann,bob", "seq": 9, "from": "bob"}
    follower.receive(mention)
    follower.receive(message(3) | {"room": "@ann,bob"})
    assert follower.shown == [1, 2, 3]
    assert follower.sent == []


def test_the_printed_loop_keeps_its_place_under_another_name(follower: Any) -> None:
    """Heard live, in the answer to a join by the old one, or in `welcome`."""
    follower.join("lobby")
    follower.receive(joined(3))
    caught_up = {"type": "caught_up", "room": "lobby", "epoch": "e" * 16}
    follower.receive(caught_up | {"seq": 3})
    follower.receive({"type": "renamed", "room": "hall", "was": ["lobby"]})
    rename = {"type": "rename", "room": "hall", "seq": 4, "ts": "…", "was": ["lobby"]}
    follower.receive(rename)
    follower.receive(message(5) | {"room": "hall"})
    assert follower.have == {"hall": ["e" * 16, 5]}
    resume = {"type": "join", "since": 5, "epoch": "e" * 16}

    names = ["lobby", "hall"]
    follower.receive({"type": "renamed", "room": "den", "was": ["hall"]})
    follower.receive({"type": "gap", "room": "den", "have": 5, "seq": 7})
    assert follower.sent[-1] == resume | {"room": "den"}
    names.append("den")
    follower.receive(joined(8, room="attic", recovered=True, was=names))
    for seq in (6, 7, 8):
        follower.receive(message(seq) | {"room": "attic"})
    assert follower.asked == set()
    names.append("attic")
    entry = {"room": "barn", "was": names}
    follower.receive({"type": "welcome", "rooms": [entry]})
    assert follower.sent[-1] == resume | {"room": "barn", "since": 8}
    follower.receive(joined(8, room="barn", recovered=True, was=names))
    follower.receive(message(9) | {"room": "barn"})
    assert follower.shown == [4, 5, 6, 7, 8, 9]
    assert follower.moved == [
        *[("lobby", "hall"), ("hall", "den")],
        *[("den", "attic"), ("attic", "barn")],
    ]
    assert [frame for frame in follower.sent if "last" in frame] == [
        {"type": "join", "room": "lobby", "last": 50}
    ]


def test_words_that_are_told_to_be_equal_are() -> None:
    """And those that are told not to be are not."""
    search = read("PROTOCOL.md").partition("| what makes no difference |")[2]
    table, _, rest = search.partition("\n\n")
    groups = [
        re.findall("`([^`]+)`", group)
        for row in table.splitlines()[2:]
        for group in row.split("|")[2].split(";")
    ]
    assert len(groups) > 30
    for group in groups:
        assert len({tuple(words(text)) for text in group}) == 1 < len(group), group
    others = re.findall(r"`(\S+)` is\s+not `(\S+)`", rest.partition("\n- ")[0])
    assert len(others) == 3
    for one, other in others:
        assert words(one) != words(other)
