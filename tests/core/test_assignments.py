"""What is durable is assigned to in one module, as the syntax of all others shows."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import attrs
import pytest

import chatd
from chatd.core.durable import DurableState
from chatd.core.entities import DURABLE, Membership, Room, User

ROOT = Path(chatd.__file__).parent
ASSIGNS = ROOT / "core" / "durable.py"
"""The one that may."""
SEES = re.compile(r"from chatd\.core\.(state|durable|live|entities|turn|machine)\b")
"""How a module gets at entities."""
OTHERS = sorted(
    path
    for package in ("core", "hub", "daemon", "auth", "cli")
    for path in (ROOT / package).rglob("*.py")
    if path != ASSIGNS and SEES.search(path.read_text())
)
ATTRIBUTES = frozenset().union(*DURABLE.values())
STATE = frozenset(field.name for field in attrs.fields(DurableState))
CHANGE = frozenset(
    (
        *("append", "extend", "insert", "remove", "add", "discard", "sort"),
        *("pop", "popitem", "clear", "update", "setdefault", "lift", "tidy"),
    )
)
"""Methods by which what an attribute holds is changed."""


def is_durable(node: ast.expr) -> bool:
    """Whether an expression is a durable attribute of an entity, or of the state."""
    if not isinstance(node, ast.Attribute):
        return False
    owner = node.value
    if isinstance(owner, ast.Name) and owner.id == "self":
        return False  # of another class: entities have no such methods
    named = owner.attr if isinstance(owner, ast.Attribute) else ""
    named = owner.id if isinstance(owner, ast.Name) else named
    if named.strip("_") == "durable":
        return node.attr in STATE
    return node.attr in ATTRIBUTES


def holder(node: ast.expr) -> ast.expr:
    """What is changed by an assignment to an item of it."""
    while isinstance(node, ast.Subscript):
        node = node.value
    return node


def assignments(tree: ast.AST) -> list[str]:
    """The statements that change something durable, each with its line."""
    found = []
    for node in ast.walk(tree):
        targets: list[ast.expr] = []
        match node:
            case ast.Assign(targets=targets) | ast.Delete(targets=targets):
                pass
            case ast.AugAssign(target=target) | ast.AnnAssign(target=target):
                targets = [target]
            case ast.For(target=target) | ast.NamedExpr(target=target):
                targets = [target]
            case ast.Call(func=ast.Attribute(value=value, attr=name)) if name in CHANGE:
                targets = [value]
            case ast.Call(func=ast.Name(id="setattr" | "delattr")):
                found.append(f"{node.lineno}: {ast.unparse(node)}")
        flat = [
            one
            for target in targets
            for one in (target.elts if isinstance(target, ast.Tuple) else [target])
        ]
        found += [
            f"{one.lineno}: {ast.unparse(node)}"
            for one in flat
            if is_durable(holder(one))
        ]
    return found


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_nobody_else_assigns_to_what_is_durable(path: Path) -> None:
    """Neither to an attribute of an entity, nor to what it holds."""
    assert assignments(ast.parse(path.read_text())) == []


def test_the_one_module_is_seen_to_assign() -> None:
    """To each durable attribute that ever changes: so the look finds them."""
    text = ASSIGNS.read_text().replace("self.", "durable.")
    found = "\n".join(assignments(ast.parse(text)))
    never = {"epoch", "maker"}
    for name in ATTRIBUTES - never:
        assert f".{name}" in found, name
    for name in STATE - {"guest_ban_ms", "address_key"}:
        assert f"durable.{name}" in found, name


@pytest.mark.parametrize(
    "text",
    [
        "room.head = 1",
        "room.head += 1",
        "room.members[name] = member",
        "del room.bans[name]",
        "chat.durable.rooms[name].was.append(name)",
        "turn.durable.users.pop(name)",
        "durable.place = 'x'",
        "a, room.name = 1, 2",
        "user.blocks.clear()",
        "setattr(user, 'role', 'admin')",
    ],
)
def test_each_way_of_assigning_is_seen(text: str) -> None:
    """Also one that only changes what an attribute holds."""
    assert len(assignments(ast.parse(text))) == 1


def test_the_durable_attributes_are_there() -> None:
    """What is named durable is an attribute of its class."""
    for kind in (Room, User, Membership):
        assert DURABLE[kind] <= {field.name for field in attrs.fields(kind)}
