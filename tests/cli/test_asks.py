"""What is typed, what is said to the daemon, and who may say it are one table."""

from __future__ import annotations

import ast
import inspect
import sys
from pathlib import Path

import click

from chatd.cli.asks import ASKS, HIS_ALONE, UNTYPED, rights_of
from chatd.core.commands import RULES
from tests.cli.each import commands

PROTOCOL = Path(__file__).parents[2] / "PROTOCOL.md"
TYPES = {kind.type for kind in RULES}
CLIENTS = {"connect"}
"""Those that speak as anybody does."""


def said(nodes: ast.AST) -> tuple[set[str], set[str]]:
    """The types of commands that a piece of source writes, and the names it uses."""
    types, names = set(), set()
    for node in ast.walk(nodes):
        if isinstance(node, ast.Name):
            names.add(node.id)
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == "type":
                    assert isinstance(value, ast.Constant)
                    types.add(str(value.value))
    return types & TYPES, names


def sent_by(command: click.Command) -> set[str]:
    """What a command sends, by itself and by what of its module it uses."""
    callback = inspect.unwrap(command.callback)  # type: ignore[arg-type]
    tree = ast.parse(inspect.getsource(sys.modules[callback.__module__]))
    parts = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            body = ast.Module(node.body, [])  # not what decorates it
            parts[node.name] = said(body)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            parts |= {
                one.id: said(node) for one in targets if isinstance(one, ast.Name)
            }
    found, seen, todo = set(), set(), [callback.__name__]
    while todo:
        name = todo.pop()
        if name in parts and name not in seen:
            seen.add(name)
            types, names = parts[name]
            found |= types
            todo += names
    return found


def test_each_command_says_what_the_table_has() -> None:
    """And what is not in it says nothing to the daemon as the operator."""
    sent = {
        name: sent_by(command)
        for name, command in commands().items()
        if name not in CLIENTS
    }
    assert {name: set(types) for name, types in ASKS.items()} == {
        name: types for name, types in sent.items() if types
    }


def test_the_operator_can_type_all_that_he_may_say() -> None:
    """Each of his commands has one of the terminal, or a reason."""
    his = {kind.type for kind, rule in RULES.items() if rule.operator}
    typed = {type_ for types in ASKS.values() for type_ in types}
    assert typed <= his
    assert his - typed == UNTYPED.keys()
    assert his >= HIS_ALONE


def test_the_protocol_has_the_table() -> None:
    """Row by row: what is typed, what is said, who may say it, what the audit has."""
    rules = {kind.type: rule for kind, rule in RULES.items()}
    rows = [
        f"| `chatd {name}` | `{type_}` | {rights_of(type_)} |"
        f" {f'`{word}`' if (word := rules[type_].audited) else '–'} |"
        for name, types in ASKS.items()
        for type_ in types
    ]
    text = PROTOCOL.read_text()
    found = [line for line in text.splitlines() if line.startswith("| `chatd ")]
    assert found == rows
