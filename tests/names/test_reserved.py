"""Names that people would believe are given to nobody who comes by himself."""

from __future__ import annotations

import pytest

from chatd.errors import Reject, RejectCode
from chatd.names import UNICODE, check_free, is_reserved, looks_like_any
from chatd.names.reserved import NOBODY, OFFICIAL


@pytest.mark.parametrize("name", [*OFFICIAL, *NOBODY])
def test_the_list_is_of_names(name: str) -> None:
    """Each could be somebody's, and is reserved; a guest may be nobody."""
    assert UNICODE.account(name) == name
    assert is_reserved(name)
    assert is_reserved(name, guest=True) == (name in OFFICIAL)


@pytest.mark.parametrize("name", ["r00t", "adrnin", "\u0251dmin", "a11", "ѕеrvег"])
def test_what_looks_reserved_is(name: str) -> None:
    """Digits for letters, letters of other scripts, `rn` for `m`."""
    assert is_reserved(name)


@pytest.mark.parametrize("name", ["ann", "administratrix", "roots", "modem", "админ"])
def test_other_names_are_free(name: str) -> None:
    """A reserved name within a longer one, or in another language, is no matter."""
    assert not is_reserved(name)
    check_free(name)


def test_the_operator_adds_his_own() -> None:
    """Also for guests, and by what they look like."""
    kept = ("acme", "boss")
    assert not is_reserved("acrne")
    for guest in (False, True):
        with pytest.raises(Reject) as reject:
            check_free("acrne", kept, guest=guest)
        assert reject.value.code is RejectCode.NAME_TAKEN
        assert reject.value.field == "name"
        assert reject.value.text == "name: the name is reserved"
    assert looks_like_any("b0ss", kept)
    assert not looks_like_any("admin", kept)
    assert not looks_like_any("admin", ())
