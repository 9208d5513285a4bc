from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from chatd.web.coding import compress
from chatd.web.links import references_of
from chatd.web.tree import INDEX, TYPES, Asset, read_tree
from chatd.wire.emojis import qualified
from tests.web.tree import write_page

WEB = Path("contrib/web")
LOCKED = json.loads((WEB / "vendor.lock").read_text())
FIRST_LOAD_BYTES = 60_000
"""All that a browser loads before somebody can type."""


def packed_bytes(asset: Asset) -> int:
    """How much of it a browser gets."""
    return len(compress(asset.content).get("br", asset.content))


def test_one_version_for_all_files(tmp_path: Path) -> None:
    """It changes with any of them, with a name, and with what is removed."""
    write_page(tmp_path)
    versions = {read_tree(tmp_path).version}
    (tmp_path / "page" / "app.css").write_text("a{}")
    versions.add(read_tree(tmp_path).version)
    (tmp_path / "page" / "app.css").rename(tmp_path / "page" / "other.css")
    versions.add(read_tree(tmp_path).version)
    (tmp_path / "page" / "other.css").unlink()
    versions.add(read_tree(tmp_path).version)
    (tmp_path / "page" / "index.html").write_text("<p>another</p>")
    versions.add(read_tree(tmp_path).version)
    assert len(versions) == 5


def test_the_version_is_that_of_what_is_served(tmp_path: Path) -> None:
    """What lies beside it changes nothing: a licence, types, what is compressed."""
    write_page(tmp_path)
    before = read_tree(tmp_path)
    (tmp_path / "vendor" / "LICENSE").write_text("MIT")
    (tmp_path / "page" / "types.d.ts").write_text("export {}")
    (tmp_path / "page" / "app.css.br").write_bytes(b"compressed")
    after = read_tree(tmp_path)
    assert after.version == before.version
    assert set(after.assets) == set(before.assets)


async def test_what_was_compressed_before_is_taken_as_it_is(tmp_path: Path) -> None:
    """As the wheel has it; what was not is compressed when it is first asked for."""
    write_page(tmp_path)
    (tmp_path / "page" / "app.css.gz").write_bytes(b"compressed")
    tree = read_tree(tmp_path)
    style, module = tree.assets["page/app.css"], tree.assets["page/app.mjs"]
    assert await style.encoded("br, gzip") == ("gzip", b"compressed")
    assert await style.encoded("br") == ("identity", style.content)
    assert module.codings is None
    coding, data = await module.encoded("br, gzip")
    assert (coding, data) == ("br", compress(module.content)["br"])


async def test_a_part_is_of_the_file_that_was_read(tmp_path: Path) -> None:
    """Not of one that was written since, and none of the page, which is rewritten."""
    write_page(tmp_path)
    tree = read_tree(tmp_path)
    style = tree.assets["page/app.css"]
    assert await style.stat_if_same() is not None
    style.path.write_text("another, and longer")
    assert await style.stat_if_same() is None
    style.path.unlink()
    assert await style.stat_if_same() is None
    assert await tree.index.stat_if_same() is None


def test_a_tree_without_a_page_is_none(tmp_path: Path) -> None:
    """It is found out when the daemon starts, not when somebody asks."""
    with pytest.raises(KeyError):
        read_tree(tmp_path)


def test_all_that_the_page_names_is_there() -> None:
    """No name that leads nowhere, in the page or in a module."""
    tree = read_tree()
    page = tree.index.path.read_text()
    missing = set(references_of(INDEX, page)) - set(tree.assets)
    assert missing == set()
    assert all(asset.kind in TYPES.values() for asset in tree.assets.values())


def test_what_is_checked_is_what_is_served() -> None:
    """The types that tsc reads are of the versions that the page comes with."""
    tools = json.loads((WEB / "package.json").read_text())["devDependencies"]
    served = {one["name"]: one["version"] for one in LOCKED}
    both = tools.keys() & served.keys()
    assert both >= {"preact", "htm", "@preact/signals"}
    assert {name: tools[name] for name in both} == {name: served[name] for name in both}


def test_the_first_load_is_light() -> None:
    """The page and all that it names from the beginning, as a browser gets it."""
    tree = read_tree()
    html = tree.index.content.decode()
    prefix = f"_/{tree.version}/"
    named = {name.removeprefix(prefix) for name in references_of("", html)}
    first = {name: packed_bytes(tree.assets[name]) for name in named}
    first[INDEX] = packed_bytes(tree.index)
    assert sum(first.values()) <= FIRST_LOAD_BYTES, first


def lines_of(module: str) -> list[str]:
    """What a derived module of data has."""
    return Path("chatd/web/vendor", module).read_text().split("`")[1].splitlines()


def test_the_emoji_of_the_page_are_those_of_the_store() -> None:
    """Each as a reaction is kept, also with a tone; each language has its words."""
    rows = [line for line in lines_of("emoji.mjs") if not re.fullmatch(r"#\d", line)]
    assert len(rows) > 1800
    for emoji, *codes in map(str.split, rows):
        assert codes
        assert qualified(emoji) == emoji
        if codes[-1] == "*":
            toned = emoji[0] + "\U0001f3fd" + emoji[1:].removeprefix("\ufe0f")
            assert qualified(toned) == toned
    for language in ("en", "de"):
        assert len(lines_of(f"emoji.{language}.mjs")) == len(rows)
