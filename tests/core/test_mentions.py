"""Who is addressed in a text, and who is not."""

from __future__ import annotations

from time import thread_time
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.core import mentions
from chatd.core.mentions import NAMES_MAX, SIGNS_MAX, Mentions, find, names_somebody
from chatd.ids import UserName

MEMBERS = {
    UserName(name): None
    for name in (
        *("ann", "bob", "cy", "ann~4f7k", "bob.x", "dot.", "bob.", "all", "all."),
        *("हिन्दी", "josé", "анна", "小明", "小", "ボブ", "สมชาย", "철수", "نورا"),
    )
}
CY = UserName("cy")


def named(text: str, *, may_all: bool = False) -> Mentions:
    """Whom cy names."""
    found = find(text, CY, MEMBERS.__contains__, may_all=may_all)
    assert found is None or names_somebody(text)
    return found or Mentions()


def found(text: str, *, may_all: bool = False) -> list[str]:
    """Whom cy addresses."""
    whom = named(text, may_all=may_all)
    assert not (whom.everybody and whom.users)
    return ["all"] if whom.everybody else list(whom.users)


# --- where a name ends ----------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@ann", ["ann"]),
        ("hi @Ann, and @BOB!", ["ann", "bob"]),
        ("@bob @ann @bob", ["bob", "ann"]),
        ("(@bob) [@ann]", ["bob", "ann"]),
        ("@bob, @ann: @bob; @ann?", ["bob", "ann"]),
        ("@bob's and @ann\u2019s", ["bob", "ann"]),
        ("see you, @bob.", ["bob"]),
        ("@bob...", ["bob"]),
        ("@bob-", ["bob"]),
        ("@bob.x.", ["bob.x"]),
        ("@bob.y", []),
        ("@bobby", []),
        ("@bob②", ["bob"]),
        ("@ann~4f7k.", ["ann~4f7k"]),
        ("@ann~4F7K-", ["ann~4f7k"]),
        ("@ann~4f7ks", []),
        ("@ann~4f7", []),
        ("@bob~", ["bob"]),
        ("@bob、@ann", ["bob", "ann"]),
        ("line\n@bob\n", ["bob"]),
        ("@हिन्दी।", ["हिन्दी"]),
        ("@АННА,", ["анна"]),
        ("@نورا،", ["نورا"]),
        ("@JOSÉ @jose\u0301", ["josé"]),
        ("@jose", []),
        ("@bob\u200d @ann\u00b7", ["bob", "ann"]),
    ],
)
def test_a_name_ends_where_no_name_can_go_on(text: str, names: list[str]) -> None:
    """Names fold as accounts' do; punctuation at the end is the sentence's."""
    assert found(text) == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("_@bob_ *@bob* **@bob** __@bob__ ~~@bob~~", ["bob"]),
        ("~~@ann~4f7k~~", ["ann~4f7k"]),
        ("***_@bob_***, ~~_@ann_~~", ["bob", "ann"]),
        (">@bob #@ann", ["bob", "ann"]),
        ("-@bob\n.@ann\n+@bob", ["bob", "ann"]),
        ("@bob/@ann", ["bob", "ann"]),
        ("@bob&@ann", ["bob", "ann"]),
        ("@bob_/@ann", ["bob", "ann"]),
        ("@bob@ann", ["bob", "ann"]),
        ("@bob/@zoe/@ann", ["bob", "ann"]),
        ("@bob/you/@ann", ["bob"]),
    ],
)
def test_marks_around_a_name_are_no_part_of_it(text: str, names: list[str]) -> None:
    """What stresses or strikes it, and what stands between two of them."""
    assert found(text) == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("你好@bob", ["bob"]),
        ("@bob你好", ["bob"]),
        ("你好@bob你好@ann再见", ["bob", "ann"]),
        ("\uff20bob", ["bob"]),
        ("你好\uff20\uff22\uff2f\uff22你好", ["bob"]),
        ("@bobさん", ["bob"]),
        ("@bob님 @annさん", ["bob", "ann"]),
        ("@bobครับ", ["bob"]),
        ("@bobж", ["bob"]),
        ("@小明你好", ["小明"]),
        ("你好@小明", ["小明"]),
        ("@小明3点", ["小明"]),
        ("@小" + "你" * 500, ["小"]),
        ("@小明" + "你" * 500, ["小明"]),
        ("@小明/@小", ["小明", "小"]),
        ("@小明@小", ["小明", "小"]),
        ("@王小明", []),
        ("@ボブさん、@ボブ・@小明", ["ボブ", "小明"]),
        ("@ﾎﾞﾌﾞさん", ["ボブ"]),
        ("สวัสดี@สมชายครับ", ["สมชาย"]),
        ("@สมชา", []),
        ("@철수님", ["철수"]),
        ("안녕@철수야", ["철수"]),
        (normalize("NFD", "안녕@철수야"), ["철수"]),
        ("@\u0130bob @bob\u0416\u0416", ["bob"]),
        ("@ann~4f7kさん", ["ann~4f7k"]),
        ("@小明~4f7k", []),
    ],
)
def test_where_people_write_no_spaces_none_are_asked_for(
    text: str, names: list[str]
) -> None:
    """A name is of one script; in one without spaces a member's longest."""
    assert found(text) == names


def test_a_stranger_may_be_meant_by_each_beginning() -> None:
    """The longest first; whether there is one, the store knows."""
    (names,) = named("@明明你好").strangers
    assert names == ("明明你好", "明明你", "明明", "明")
    assert named("@明明25日").strangers == (("明明25日", "明明25", "明明", "明"),)
    assert named("@小明明你好") == Mentions((UserName("小明"),))


# --- where nobody is meant ------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "bob@ann",
        "mail bob.x@ann",
        "bob+tag@ann",
        "bob_@ann",
        "josé@ann",
        "jose\u0301@ann",
        "пиши@ann",
        "x²@ann",
        "@ann@example.org",
        "@ann@example.org/@bob",
        "@@ann",
        "@_@ann",
        "https://example.org/@ann",
        "https://example.org/?q=(@ann)",
        "https://bob:@ann",
        "see http://x/é:@ann.",
        "example.org/@ann",
        "t.me/@ann",
        "@ ann",
        "@",
        "@.",
        "@_",
        "@\u0301ann",
        "@²",
        "@" + "a" * 200,
        "@" + "a" * 200 + "@ann.b.c",
        "ann",
        "",
    ],
)
def test_an_address_or_a_link_is_no_mention(text: str) -> None:
    """What stands before an @ in those cannot stand before a mention."""
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("https://example.org/a @ann", ["ann"]),
        ("看https://example.org/a，@ann", ["ann"]),
        ("看https://example.org/a看@ann", ["ann"]),
        ("<https://example.org/a>@ann", ["ann"]),
        ("://@ann", ["ann"]),
        ("ann@example.org, @ann", ["ann"]),
    ],
)
def test_a_link_ends_where_no_link_goes_on(text: str, names: list[str]) -> None:
    """At a space, a bracket, and what is written without spaces."""
    assert found(text) == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("`@bob` @ann", ["ann"]),
        ("``@bob`@bob``, @ann", ["ann"]),
        ("`@ann", ["ann"]),
        ("``@ann`", ["ann"]),
        (r"\`@ann`", ["ann"]),
        ("```\n@bob\n```\n@ann", ["ann"]),
        ("~~~ @bob\n@bob\n~~~\n@ann", ["ann"]),
        ("@ann\n~~~\n@bob", ["ann"]),
        ("> ~~~\n> @bob\n@ann", ["ann"]),
        ("`https://a/`@ann", ["ann"]),
        ("https://a/`@bob` @ann", ["ann"]),
    ],
)
def test_code_addresses_nobody(text: str, names: list[str]) -> None:
    """What is not closed is no code (`tests/core/test_markdown.py`)."""
    assert found(text) == names


# --- who is meant ---------------------------------------------------------------


def test_nobody_addresses_himself() -> None:
    """Nor is he a stranger to himself."""
    assert named("@cy @ann") == Mentions((UserName("ann"),))
    assert named("@cy") == Mentions()


def test_who_is_not_reached_is_named() -> None:
    """Once, folded and as it is without the sentence's end, a user or not."""
    whom = named("@Zoe. @nobody @zoe @ann @bob.com @\uff3aoe")
    assert whom.users == (UserName("ann"),)
    assert whom.strangers == (("zoe",), ("nobody",), ("bob.com",))


def test_all_is_everybody_for_those_who_may() -> None:
    """For the others it is nothing, also where somebody is called so."""
    assert found("@ann @All.", may_all=True) == ["all"]
    assert found("@bob你 @all你们", may_all=True) == ["all"]
    assert found("@ann @all.") == ["ann"]
    assert named("@all @all.") == Mentions()
    assert named("`@all`", may_all=True) == Mentions()
    everybody = named("@all @zoe", may_all=True)
    assert everybody == Mentions(everybody=True, strangers=((UserName("zoe"),),))


def test_a_name_that_ends_in_punctuation_takes_nothing_over() -> None:
    """It is meant only where no member is called what is left without it."""
    assert found("see you, @bob.") == ["bob"]
    assert found("@dot.") == ["dot."]
    assert found("@dot...") == ["dot."]
    assert found("@dot") == []
    members = [UserName("zed."), UserName("all.")]
    assert find("@all.", CY, members.__contains__, may_all=False) is None


# --- what it costs --------------------------------------------------------------


def test_only_so_many_names_are_looked_up() -> None:
    """A wall of names reaches those that come first; a repetition costs nothing."""
    names = [UserName(f"u{number}") for number in range(NAMES_MAX + 1)]
    text = " ".join(f"@{name} @u0" for name in names)
    whom = find(text, CY, names.__contains__, may_all=False)
    assert whom == Mentions(tuple(names[:NAMES_MAX]))


def test_only_so_many_strangers_are_looked_for() -> None:
    """In scripts without spaces each may be many."""
    strangers = named(" ".join(f"@{'明' * 30}{'小' * n}" for n in range(40))).strangers
    assert sum(map(len, strangers)) == mentions.ENDINGS_MAX


def test_only_so_many_signs_are_looked_at() -> None:
    """More than a message has that is full of addresses."""
    assert found("a@b.c " * (SIGNS_MAX - 1) + "@ann") == ["ann"]
    assert found("a@b.c " * SIGNS_MAX + "@ann") == []


def test_each_name_is_looked_up_by_its_spelling_alone() -> None:
    """By few looks into a table, and not by the profile, which takes long."""
    looks: list[str] = []

    def reaches(name: UserName) -> bool:
        looks.append(name)
        return False

    accented = [f"{'àéîõü' * 5}{number}" for number in range(60)]
    text = " ".join(f"@{name}" for name in accented)
    whom = find(text, CY, reaches, may_all=False)
    names = [(UserName(name),) for name in accented[:NAMES_MAX]]
    assert whom == Mentions(strangers=tuple(names))
    assert len(looks) == 2 * NAMES_MAX


def test_a_text_that_is_sent_again_is_not_looked_through_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The words in it are remembered, for a few texts."""
    text = "@ann and `@bob`, once more"
    assert found(text) == ["ann"]
    monkeypatch.setattr(mentions, "code_of", lambda _: pytest.fail("looked again"))
    assert found(text) == ["ann"]
    assert mentions._words.cache_info().maxsize == mentions.TEXTS_KEPT


@pytest.mark.parametrize(
    "part",
    [
        *("@", "@a", "@a ", "@a.", "@\u0301", "@aé.", "a@", "@a/", "_", "a://@", "://"),
        *("@小", "小", "@小 ", "@а", "`@a", "\n\n`@", "@a~", "@a@", "@a.b", "\uff20"),
    ],
)
def test_no_text_takes_more_than_its_length_asks(part: str) -> None:
    """Eight times the text is not even twenty times the work, where a square would
    be 64, whatever it is made of.
    """
    costs = []
    for times in (1000, 8000):
        rounds = []
        for _ in range(5):
            mentions._words.cache_clear()
            began = thread_time()
            found(f"{part * times} @ann")
            rounds.append(thread_time() - began)
        costs.append(min(rounds))
    assert costs[1] <= 20 * costs[0] + 0.001


@given(
    st.text(alphabet="@anbo.~4f7k _é\u0301ः-/\n`>小明ボさ\uff20你ж", max_size=80),
    st.booleans(),
)
def test_any_text_has_an_answer(text: str, may_all: bool) -> None:
    """Only members are found, each once and never the sender."""
    whom = named(text, may_all=may_all)
    assert len(whom.users) == len(set(whom.users))
    assert set(whom.users) <= set(MEMBERS) - {CY}
    named_ones = {name for names in whom.strangers for name in names}
    assert not named_ones & ({*MEMBERS} - {"all"})
