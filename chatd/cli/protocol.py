"""`chatd protocol`: the protocol for programs, as JSON Schema and as AsyncAPI.

Both are written from the classes of `chatd.wire`. Descriptions of fields and types
are the strings below them, which Python keeps in the source only; it is read here.
"""

from __future__ import annotations

import ast
import inspect
import json
import sys
from collections.abc import Iterator
from itertools import pairwise

import click

from chatd.wire.asyncapi import asyncapi
from chatd.wire.schema import MODULES, json_schema


@click.group("protocol")
def protocol_group() -> None:
    """Show the protocol as programs read it."""


@protocol_group.command("schema")
def schema_command() -> None:
    """Print the JSON Schema of every frame."""
    click.echo(json.dumps(json_schema(docstrings()), indent=2))


@protocol_group.command("asyncapi")
def asyncapi_command() -> None:
    """Print the AsyncAPI document."""
    click.echo(json.dumps(asyncapi(docstrings()), indent=2))


def docstrings() -> dict[str, str]:
    """Read what stands below the fields and types of the protocol.

    Returns:
        The docstrings by dotted names, such as `chatd.wire.events.Message.epoch`.
    """
    return {
        name: text
        for module in MODULES
        for name, text in _below(
            module, ast.parse(inspect.getsource(sys.modules[module])).body
        )
    }


def _below(path: str, body: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    """Walk a module or a class: each name that is set with a string below it."""
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield from _below(f"{path}.{node.name}", node.body)
    for node, after in pairwise(body):
        match node, after:
            case (
                ast.Assign(targets=[ast.Name(id=name)])
                | ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str() as text)),
            ):
                yield f"{path}.{name}", text
