"""Budgets for the source: what one sitting can read, and what it must find.

Layers are import-linter's matter and style is ruff's; here is what they do not
measure. A budget that hurts is a module that wants to be two.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

MODULE_LINES_MAX = 400
CLASS_LINES_MAX = 600
"""Of a module with one public class and nothing else that is public."""
FUNCTION_LINES_MAX = 60

ROOT = Path(__file__).parents[1]
MODULES = sorted((ROOT / "chatd").rglob("*.py"))

type_of_function = (ast.FunctionDef, ast.AsyncFunctionDef)


@pytest.fixture(params=MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def module(request: pytest.FixtureRequest) -> Path:
    """Each module of chatd in turn."""
    path: Path = request.param
    return path


def test_module_fits_its_budget(module: Path) -> None:
    """A module has at most 400 lines, and 600 where all of it is one class."""
    source = module.read_text()
    shown = [name for name, _ in public(ast.parse(source), "")]
    classes = {name.split(".")[1] for name in shown if name}
    is_class = len(classes) == 1 and isinstance(
        next(node for node in ast.parse(source).body if named(node, *classes)),
        ast.ClassDef,
    )
    budget = CLASS_LINES_MAX if is_class else MODULE_LINES_MAX
    assert len(source.splitlines()) <= budget


def test_functions_fit_their_budget(module: Path) -> None:
    """A function has at most 60 lines, its docstring not counted."""
    too_long = {
        node.name: lines
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, type_of_function)
        and (lines := function_lines(node)) > FUNCTION_LINES_MAX
    }
    assert too_long == {}


def test_no_exception_vanishes(module: Path) -> None:
    """No handler is bare, and none does nothing at all."""
    silent = [
        f"line {node.lineno}"
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or all(map(does_nothing, node.body)))
    ]
    assert silent == []


def test_what_is_public_says_what_it_is(module: Path) -> None:
    """The module and its public classes, functions and methods have docstrings."""
    tree = ast.parse(module.read_text())
    silent = [
        name for name, node in public(tree, module.name) if not ast.get_docstring(node)
    ]
    assert silent == []


def named(node: ast.stmt, name: str) -> bool:
    """Whether it defines the class or function of that name."""
    return isinstance(node, (ast.ClassDef, *type_of_function)) and node.name == name


def function_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from `def` to the end, without those of the docstring."""
    lines = 1 + (node.end_lineno or 0) - node.lineno
    if ast.get_docstring(node) is not None:
        docstring = node.body[0]
        lines -= 1 + (docstring.end_lineno or 0) - docstring.lineno
    return lines


def does_nothing(node: ast.stmt) -> bool:
    """Whether it is `pass`, or an expression like `...` that stands for it."""
    return isinstance(node, ast.Pass) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    )


def public(
    node: ast.Module | ast.ClassDef, name: str
) -> Iterator[
    tuple[str, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]
]:
    """The node and everything public inside it, but not inside functions."""
    yield name, node
    for inner in node.body:
        if isinstance(inner, (ast.ClassDef, *type_of_function)):
            if inner.name.startswith("_"):
                continue
            if isinstance(inner, ast.ClassDef):
                yield from public(inner, f"{name}.{inner.name}")
            else:
                yield f"{name}.{inner.name}", inner
