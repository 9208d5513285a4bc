from __future__ import annotations

import gzip

import brotli
import pytest

from chatd.web import coding
from chatd.web.coding import choose, compress

BOTH = ("br", "gzip")


def test_the_same_comes_out_of_the_same() -> None:
    """Whenever it is made; and what went in comes out of each."""
    data = b"the page " * 500
    made = compress(data)
    assert made == compress(data)
    assert brotli.decompress(made["br"]) == data
    assert gzip.decompress(made["gzip"]) == data
    assert len(made["br"]) < len(made["gzip"]) < len(data)


def test_what_becomes_no_smaller_is_left_as_it_is() -> None:
    """A few bytes, or none."""
    assert compress(b"x") == {}
    assert compress(b"") == {}


def test_without_brotli_there_is_gzip(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a source tree whose daemon was installed without the tools of developers."""
    monkeypatch.setattr(coding, "brotli", None)
    assert set(compress(b"the page " * 500)) == {"gzip"}


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("br;q=1.0, gzip;q=0.8, *;q=0.1", "br"),
        ("BR", "br"),
        ("gzip", "gzip"),
        ("gzip;q=0.5,br;q=0", "gzip"),
        ("gzip;q=0.5, br; q=0.000", "gzip"),
        ("br ; q = 0, gzip", "gzip"),
        ("*", "br"),
        ("*, br;q=0", "gzip"),
        ("*;q=0", "identity"),
        ("identity", "identity"),
        ("deflate, zstd", "identity"),
        ("", "identity"),
        (",;,;q=,q=0", "identity"),
        ("br;q=0.001", "br"),
        ("brotli, gzipped, x-gzip", "identity"),
    ],
)
def test_a_client_gets_the_best_that_it_takes(accepted: str, expected: str) -> None:
    """Never what it does not name, or says that it does not want."""
    assert choose(accepted, BOTH) == expected


def test_what_there_is_not_is_not_chosen() -> None:
    """A file that was not made smaller goes as it is."""
    assert choose("br, gzip", ()) == "identity"
    assert choose("br, gzip", ("gzip",)) == "gzip"
