"""Texts that somebody may put wherever a person may put one, and what may not follow.

Others send them by a program of their own, past what the page does with what is typed
into it; then the daemon has taken them or has refused to.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from websockets.sync.client import connect

from tests.live.daemon import PATIENCE_S, Frame
from tests.web.page.daemon import PASSWORD, Daemon
from tests.web.page.person import Person
from tests.web.page.program import Program

MARKUP = {
    "script": "<script>alert(1)</script>",
    "handler": "<img src=x onerror=alert(1)>",
    "elsewhere": '"><img src=//evil.example/x.png><link href=//evil.example>',
    "svg": "<svg/onload=alert(1)><iframe src=//evil.example></iframe>",
    "style": "</title></style><style>body{display:none!important}</style>",
    "attribute": "' onfocus='alert(1)' autofocus \" onmouseover=\"alert(1)",
    "entities": "&lt;script&gt;alert(1)&lt;/script&gt; &#60;b&#62; &amp;amp; --> ]]>",
    "template": "${alert(1)} {{constructor.constructor('alert(1)')()}} {name} {n}",
}
"""What a browser would take for more than text. All of it can be read as it stands."""

MARKDOWN = {
    "javascript": "[x](javascript:alert(1)) javascript:alert(1) <javascript:alert(1)>",
    "data": "[look](data:text/html,<script>alert(1)</script>) data:text/html,1",
    "picture": "![x](https://evil.example/x.png) [![x](//evil.example)](//a.example)",
    "disguise": "[https://bank.example](https://evil.example) [a](https://a@evil.example)",
    "fence": "``` <script>alert(1)</script>",
    "nested": "> " * 60 + "- " * 30 + "**_~~" * 20 + "[" * 40,
    "quotes": "\n".join(">" * depth + " deep" for depth in range(60)),
    "lists": "\n".join("  " * depth + "- deep" for depth in range(60)),
    "long link": "https://evil.example/" + "a" * 3000,
    "long code": "```\n" + "c" * 3900,
    "ticks": "".join("`" * n + " " for n in range(1, 40)),
}

WIDE = {
    "word": "W" * 10_000,
    "word with soft breaks": "a\u200b\u2060\u00ad" * 1300,
    "no break": "no\u00a0break\u202f" * 400,
    "widest": "\ufdfd" * 500,
    "hebrew": "שלום" * 400,
    "family": "👨‍👩‍👧‍👦" * 300,
    "flags": "🏴󠁧󠁢󠁥󠁮󠁧󠁿🇩🇪" * 50,
}

MARKS = {
    "zalgo": ("Z" + "\u0335\u0321\u0489\u031b\u0352\u0301\u035c\u0362") * 200,
    "tall": ("ก" + "\u0e49" * 8) * 100,
    "isolates": "\u2066\u2067\u2068 left open \u2067\u2067",
    "embeddings": "\u202a\u202b\u202a left open",
    "overridden": "\u202etxt.exe",
    "marks of direction": "\u200f\u200fabc\u061c\u200e!",
}

SPACES = {
    "spaces": "".join(
        f"a{space * 2}"
        for space in map(chr, range(0x10000))
        if unicodedata.category(space) == "Zs"
    ),
    "separators": "a\u2028b\u2029c\u0085d",
    "invisible": "a\u200b\u200c\u200d\u2060\ufeff\u180e\u3164\u115f\u2800b",
    "only invisible": "\u200b\u2060\u3164",
    "breaks": "a" + "\n" * 100 + "b\t\t\t\r\v\fc",
    "controls": "a\x00\x07\x08\x1b[31mred\x1b]8;;http://evil.example\x07\x7f\x9bb",
    "objects": "\ufffc\ufffd\ufff9\U000e0001\ue000\U0010ffff",
    "half a pair": "a\ud800b",
}

PROPERTIES = {name: name for name in ("__proto__", "constructor", "toString", "then")}
"""What every object of JavaScript has."""

HOSTILE = MARKUP | MARKDOWN | WIDE | MARKS | SPACES | PROPERTIES
NAMES = dict(
    zip(HOSTILE, (f"u{number}" for number in range(len(HOSTILE))), strict=True)
)
"""Who says which of them."""

DISPLAY, LINE, STATUS, TEXT = 64, 250, 128, 4000
"""How many characters the fields take."""

FAULTS = """
() => {
  const found = [];
  const say = (node, fault) => found.push(`${fault}: ${node.outerHTML.slice(0, 200)}`);
  const page = document.documentElement;
  if (page.scrollWidth > innerWidth) say(page, `page of ${page.scrollWidth} px`);
  if (page.scrollHeight > innerHeight && document.querySelector(".talk"))
    say(page, `page as high as ${page.scrollHeight} px`);
  for (const node of document.querySelectorAll("body, body *")) {
    const box = node.getBoundingClientRect();
    if (!box.width || !box.height) continue;
    if (node.matches("script, iframe, frame, img, object, embed, base, link, style"))
      say(node, "an element of somebody else");
    for (const { name } of node.attributes) if (/^on/.test(name)) say(node, name);
    const isLink = node.matches("a[href]");
    if (isLink && !/^(https?|mailto):/.test(node.href)) say(node, "href");
    const isWider = node.scrollWidth > node.clientWidth + 1 && !node.matches("pre");
    if (isWider && /auto|scroll/.test(getComputedStyle(node).overflowX)) {
      const edge = box.left + node.scrollWidth - 1;
      const isCause = (one) => one.getBoundingClientRect().right >= edge;
      const cause = [...node.querySelectorAll("*")].findLast(isCause) ?? node;
      say(cause, `scrolls sideways: ${node.scrollWidth} in ${node.clientWidth} px`);
    }
    if (node.matches("button, a, input, textarea, select, summary"))
      if (box.left < -1 || box.right > innerWidth + 1)
        say(node, `${box.left} to ${box.right} px`);
  }
  if (globalThis.violations.length) found.push(`policy: ${globalThis.violations}`);
  return found;
}
"""
"""What is wrong with what one sees. Only code may be wider than where it stands."""

VIOLATIONS = """
globalThis.violations = [];
addEventListener("securitypolicyviolation", (event) =>
  violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
"""


def stands(one: Person, view: str) -> None:
    """See that nothing is wrong with a view, and that no browser complains."""
    faults: list[str] = one.page.evaluate(FAULTS) + one.unexpected()
    assert not faults, "\n".join([view, *faults])


def can_be_written_in(one: Person) -> None:
    """See that where one writes can be seen and reached."""
    for what in (one.box, one.page.get_by_role("button", name="Emoji", exact=True)):
        what.click(trial=True)
    boxes = [one.box.bounding_box(), one.button("Send").bounding_box()]
    size = one.page.viewport_size
    assert size
    for box in boxes:
        assert box
        assert box["x"] >= 0 <= box["y"]
        assert box["x"] + box["width"] <= size["width"]
        assert box["y"] + box["height"] <= size["height"]


def offer(one: Program, **command: Any) -> Frame | None:
    """Say what may be refused for what it is, and only for that; None if it was."""
    one.ws.send(json.dumps(command | {"id": 1}))  # a status without is not answered
    while True:
        frame: Frame = json.loads(one.ws.recv(timeout=PATIENCE_S))
        if frame.get("re") == command["type"]:
            break
    if frame["type"] == "error":
        assert frame["code"] in {"bad_field", "too_long"}, frame
        return None
    return frame


@contextmanager
def logged_in(daemon: Daemon, name: str, **more: Any) -> Iterator[Program]:
    """Log a program in that may hear much before it listens."""
    with connect(f"ws{daemon.url[4:]}ws", max_queue=None) as ws:
        one = Program(ws)
        offer(one, type="hello", name=name, password=PASSWORD, **more)
        yield one


def spread(daemon: Daemon, present: ExitStack) -> dict[str, int]:
    """Have somebody put each text wherever he can, where ann comes by.

    Args:
        daemon: Gets an account for each text, and rooms, which ann joins.
        present: Keeps them all online.

    Returns:
        How many texts each field has taken.
    """
    taken: dict[str, int] = {}
    with logged_in(daemon, "ann") as ann:
        ann.ask(type="join", room="lobby")
        seq = ann.send("lobby", "tea?")
        for label, text in HOSTILE.items():
            daemon.add(NAMES[label])
            one = present.enter_context(logged_in(daemon, NAMES[label]))
            for field, command in commands(label, text, seq):
                done = offer(one, **command)
                taken[field] = taken.get(field, 0) + bool(done)
                if not done:
                    continue
                if field == "text":
                    seq = done["seq"]
                elif field == "title":
                    ann.ask(type="join", room=done["room"])
                elif field == "private title":
                    one.ask(type="invite", room=done["room"], user="ann")
                elif field == "before":
                    offer(
                        one,
                        type="edit",
                        room="lobby",
                        of=done["seq"],
                        text=text[:TEXT],
                        cid="3",
                    )
    return taken


def commands(label: str, text: str, seq: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """What somebody says to put a text everywhere, and how the field is called.

    Args:
        label: Of the text.
        text: It.
        seq: A message that is in the lobby.
    """
    lobby = {"room": "lobby"}
    status = {"state": "away" if len(label) % 2 else "online", "text": text[:STATUS]}
    yield "display", {"type": "profile", "display": text[:DISPLAY]}
    yield "status", {"type": "status", **status}
    yield "join", {"type": "join", **lobby}
    said = {"text": text[:TEXT], "reply_to": seq, "cid": "1"}
    yield "text", {"type": "send", **lobby, **said}
    yield "before", {"type": "send", **lobby, "text": "tea?", "cid": "2"}
    yield (
        "reaction",
        {"type": "react", **lobby, "of": seq, "emoji": "👨‍👩‍👧‍👦", "cid": "4"},
    )
    if label in MARKDOWN:  # is none in names of rooms, of which one may make so many
        return
    yield "conversation", {"type": "send", "to": "ann", "text": text[:TEXT], "cid": "5"}
    line = {"title": text[:LINE], "topic": text[:LINE]}
    yield (
        "title",
        {"type": "create", "room": f"room-{NAMES[label]}", "cid": "6", **line},
    )
    yield "private title", {"type": "create", "private": True, "cid": "7", **line}
