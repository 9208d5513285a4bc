from __future__ import annotations

from typing import Any

import argon2
import attrs
import pytest
import trio
from trio.testing import MockClock

from chatd.auth import Authenticator, digest_of, hash_password, passwords
from chatd.auth.failures import LINE_EVERY_S, LINES_AT_ONCE, LINES_AT_ONCE_OF_ALL
from chatd.config import Auth, Config, LiveConfig
from chatd.core import drafts as d
from chatd.core.entities import Sanction
from chatd.core.principal import (
    HashedPassword,
    NewSecret,
    Principal,
    Renewal,
    RightPassword,
)
from chatd.core.scope import Scope
from chatd.enums import AccountRole
from chatd.errors import Reject, RejectCode
from chatd.ids import SessionId, UserName
from chatd.ports import UserRow
from chatd.wire.accounts import DeleteAccount, Password, Refresh, Register
from chatd.wire.admissions import CreateInvitation, Link
from chatd.wire.kinds import GuestName, NewPassword, Secret
from chatd.wire.sessions import Hello
from tests.logs import capture_logs
from tests.store.memory import MemoryStore

ANN, BOB = UserName("ann"), UserName("bob")
T0 = 1_790_000_000_000
DAY_MS = 86_400_000
TRUE_HASHER = passwords.HASHER
CHEAP = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""So that the tests take no time; the true parameters are looked at apart."""


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash cheaply."""
    monkeypatch.setattr(passwords, "HASHER", CHEAP)


@attrs.define(eq=False)
class Gate:
    """An authenticator with its store, at a moment that the test sets."""

    config: Config = attrs.field(factory=Config)
    store: MemoryStore = attrs.field(factory=MemoryStore)
    wall: int = T0
    address: str = "192.0.2.1"
    appended: list[Any] = attrs.field(factory=list)
    failed: list[str] = attrs.field(factory=list)
    drawn: int = 0
    authenticator: Authenticator = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.authenticator = Authenticator(
            self.store,
            LiveConfig(self.config),
            self.draw,
            lambda: self.wall,
            self.appended.append,
            failed=self.failed.append,
        )

    def draw(self, count: int) -> bytes:
        self.drawn += 1
        return bytes([self.drawn]) * count

    async def hello(self, bearer: str | None = None, **fields: Any) -> Principal:
        """Verify what a hello presents."""
        return await self.authenticator.authenticate(
            Hello(**fields), bearer, self.address
        )

    async def refused(self, bearer: str | None = None, **fields: Any) -> Reject:
        """Why a hello is refused."""
        with pytest.raises(Reject) as found:
            await self.hello(bearer, **fields)
        return found.value


@pytest.fixture
async def gate() -> Gate:
    """Accounts ann (with a password, a token, a session) and bob (a token)."""
    gate = Gate()
    gate.store.add_token(ANN, digest_of("tok-ann"), T0 + 1000)
    gate.store.add_token(BOB, digest_of("tok-bob"), None)
    await gate.store.commit(
        [
            d.AddUser(ANN, "Ann", AccountRole.USER, CHEAP.hash("right")),
            d.AddUser(BOB, "bob", AccountRole.BOT, None),
            d.OpenSession(session("idle"), ANN, None, T0),
            d.OpenSession(session("used"), ANN, None, T0),
            d.OpenSession(session("of token"), ANN, digest_of("tok-ann"), T0),
            d.SaveMarks({}, {session("idle"): T0}),
        ],
        T0,
    )
    return gate


async def hash_of(gate: Gate, name: UserName = ANN) -> str | None:
    """The hash that is stored."""
    row = await gate.store.user(name)
    assert row is not None
    return row.password_hash


def session(secret: str) -> SessionId:
    """The id under which a session's secret is kept."""
    return SessionId(digest_of(secret))


# --- guests -------------------------------------------------------------------


async def test_a_guest_gets_a_name_of_his_own(gate: Gate) -> None:
    """What he asked for with four random characters behind; the wish is shown."""
    who = await gate.hello(name="ann")
    assert who.user[:4] == "ann~"
    assert len(who.user) == 8
    assert (who.display, who.role, who.resumed, who.token) == (
        "ann",
        "guest",
        False,
        None,
    )
    assert who.session == digest_of(who.secret)
    nameless = await gate.hello()
    assert nameless.user.startswith("guest~")


async def test_a_guest_is_nobody_whom_people_would_believe(gate: Gate) -> None:
    """Reserved names, and the operator's own, are refused with the reason."""
    assert (await gate.hello(name="anonymous")).display == "anonymous"
    assert (await gate.hello(name="acme")).display == "acme"
    strict = Gate(attrs.evolve(Config(), auth=Auth(reserved=(UserName("acme"),))))
    for name in ("admin", "r00t", "acrne"):
        refusal = await strict.refused(name=name)
        assert refusal.code is RejectCode.NAME_TAKEN
        assert refusal.text == "name: the name is reserved"


@pytest.mark.parametrize("name", ["bob.", "bob_", "all-", "боб."])
async def test_a_guest_asks_for_no_name_that_ends_in_punctuation(
    gate: Gate, name: str
) -> None:
    """As nobody new does; an account that is called so logs in as ever."""
    refusal = await gate.refused(name=name)
    assert (refusal.code, refusal.field) == (RejectCode.BAD_FIELD, "name")
    user = d.AddUser(UserName(name), name, AccountRole.USER, hash_password("right"))
    await gate.store.commit([user], T0)
    assert (await gate.hello(name=name, password="right")).user == name


async def test_guests_may_be_unwanted() -> None:
    """Where they are, only credentials let anybody in."""
    gate = Gate(attrs.evolve(Config(), auth=Auth(guests=False)))
    assert (await gate.refused(name="ann")).code is RejectCode.FORBIDDEN
    assert (await gate.refused()).code is RejectCode.FORBIDDEN


async def test_secrets_are_long_and_unlike(gate: Gate) -> None:
    """A session's secret is 256 bits that nobody else has, in URL-safe characters."""
    one, other = await gate.hello(), await gate.hello()
    assert one.secret != other.secret
    assert len(one.secret) == 43
    assert one.secret not in repr(one)


# --- passwords ----------------------------------------------------------------


async def test_a_right_password_opens_a_session(gate: Gate) -> None:
    """As the account, with a session that is not on disk yet."""
    who = await gate.hello(name="ann", password="right")
    assert (who.user, who.display, who.role) == (ANN, "Ann", "user")
    assert (who.resumed, who.token) == (False, None)


async def test_wrong_name_and_wrong_password_are_told_alike(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same text, and each costs one verification: also an unknown name."""
    verified = []

    class Counting(argon2.PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> Any:  # noqa: A002
            verified.append(hash)
            return super().verify(hash, password)

    monkeypatch.setattr(passwords, "HASHER", Counting(1, 8, 1))
    refusals = [
        await gate.refused(name="ann", password="wrong"),
        await gate.refused(name="nobody", password="wrong"),
        await gate.refused(name="bob", password="wrong"),
    ]
    assert len(verified) == 3
    assert len({(refusal.code, refusal.text) for refusal in refusals}) == 1
    assert refusals[0].code is RejectCode.BAD_CREDENTIALS


async def test_the_hash_of_nobody_costs_what_a_true_one_costs(gate: Gate) -> None:
    """The dummy is made with today's parameters."""
    of_dummy = argon2.extract_parameters(gate.authenticator._passwords._dummy_hash)
    assert of_dummy == argon2.extract_parameters(hash_password("x"))


def test_the_parameters_are_owasps() -> None:
    """Argon2id with 19 MiB, two passes, one lane."""
    hasher = TRUE_HASHER
    assert (hasher.memory_cost, hasher.time_cost) == (19 * 1024, 2)
    assert (hasher.parallelism, hasher.type) == (1, argon2.Type.ID)


async def test_an_account_without_a_password_has_none(gate: Gate) -> None:
    """Nothing opens a bot's account but its token, not even an empty password."""
    for password in ("", "None", "right"):
        refusal = await gate.refused(name="bob", password=password)
        assert refusal.code is RejectCode.BAD_CREDENTIALS


async def test_a_damaged_hash_is_a_wrong_password(gate: Gate) -> None:
    """What cannot be read verifies nothing, and is no bug."""
    await gate.store.commit(
        [d.SetPasswordHash(ANN, "$argon2id$nonsense", await hash_of(gate))], T0
    )
    refusal = await gate.refused(name="ann", password="right")
    assert refusal.code is RejectCode.BAD_CREDENTIALS


async def test_a_cheap_hash_is_made_anew(gate: Gate) -> None:
    """When parameters have grown, at the next right password, and only then."""
    old = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1, hash_len=16)
    await gate.store.commit(
        [d.SetPasswordHash(ANN, old.hash("right"), await hash_of(gate))], T0
    )
    await gate.refused(name="ann", password="wrong")
    assert gate.appended == []
    await gate.hello(name="ann", password="right")
    (draft,) = gate.appended
    assert draft.user == ANN
    assert CHEAP.verify(draft.password_hash, "right")
    assert not CHEAP.check_needs_rehash(draft.password_hash)
    await gate.store.commit([draft], T0)
    await gate.hello(name="ann", password="right")
    assert len(gate.appended) == 1


async def test_only_so_many_wait_for_a_hash(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of many who come in one moment, those over the bound come back later.

    All of them pass the look-up of the account together.
    """
    monkeypatch.setattr(passwords, "HASHES_WAITING_MAX", 3)
    results: list[str] = []

    async def login() -> None:
        try:
            await gate.hello(name="ann", password="right")
        except Reject as reject:
            results.append(f"{reject.code} {reject.retry_after_s}")
        else:
            results.append("in")

    async with trio.open_nursery() as nursery:
        for _ in range(10):
            nursery.start_soon(login)
    assert sorted(results) == ["in"] * 4 + ["rate_limited 1.0"] * 6


async def test_whoever_is_wrong_too_often_waits_before_anything_is_hashed(
    gate: Gate, monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    """Also with the right password, also for a name that does not exist, and also of
    many who guess at once; others log in meanwhile.
    """
    hashed = []

    class Counting(argon2.PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> Any:  # noqa: A002
            hashed.append(password)
            return super().verify(hash, password)

    monkeypatch.setattr(passwords, "HASHER", Counting(1, 8, 1))
    for name in ("ann", "nobody"):
        gate.address = f"192.0.2.{len(name)}"
        codes: list[str] = []

        async def guess(name: str = name, codes: list[str] = codes) -> None:
            codes.append((await gate.refused(name=name, password="wrong")).code)

        async with trio.open_nursery() as nursery:
            for _ in range(12):
                nursery.start_soon(guess)
        assert sorted(codes) == ["bad_credentials"] * 5 + ["rate_limited"] * 7
        refusal = await gate.refused(name=name, password="right")
        assert refusal.code is RejectCode.RATE_LIMITED
        assert refusal.retry_after_s == pytest.approx(180, abs=1)
    assert len(hashed) == 10
    gate.address = "2001:db8::1"
    await gate.store.commit(
        [d.AddUser(UserName("cy"), "cy", AccountRole.USER, CHEAP.hash("right"))], T0
    )
    assert (await gate.hello(name="cy", password="right")).user == "cy"
    await trio.sleep(180)
    gate.address = "192.0.2.3"
    assert (await gate.hello(name="ann", password="right")).user == ANN


async def test_what_is_refused_is_one_line_in_the_log(gate: Gate) -> None:
    """With the account where there is one; what else was typed as a name may be a
    secret, and so is the rest.
    """
    for fields, line in (
        (
            {"name": "ann", "password": "wrong"},
            {"reason": "wrong_password", "user": ANN},
        ),
        ({"name": "hunter2", "password": "wrong"}, {"reason": "unknown_user"}),
        ({"token": "nonsense"}, {"reason": "unknown_token"}),
        ({"session": "nonsense"}, {"reason": "unknown_session"}),
        ({"link": "nonsense"}, {"reason": "unknown_link"}),
    ):
        with capture_logs() as lines:
            await gate.refused(**fields)
        about = {"event": "login failed", "level": "info", "address": "192.0.2.1"}
        assert lines == [about | line]
        assert gate.failed == [line["reason"]]
        gate.failed.clear()


async def test_who_tries_too_often_is_told_and_so_is_the_operator(gate: Gate) -> None:
    """How long he has to wait."""
    for _ in range(5):
        await gate.refused(name="ann", password="wrong")
    with capture_logs() as lines:
        refusal = await gate.refused(name="ann", password="right")
    assert refusal.retry_after_s is not None
    (line,) = lines
    assert (line["reason"], line["wait_s"]) == (
        "too_many",
        round(refusal.retry_after_s),
    )


async def test_a_secret_within_a_session_fails_as_well(gate: Gate) -> None:
    """The line says in which command."""
    with capture_logs() as lines, pytest.raises(Reject):
        wrong = attrs.evolve(CHANGE, old=Secret("wrong"))
        await gate.authenticator.check(wrong, ANN, gate.address)
    (line,) = lines
    assert (line["reason"], line["user"]) == ("wrong_password", ANN)
    assert line["command"] == "password"


async def test_a_field_that_is_wrong_is_no_failed_login(gate: Gate) -> None:
    """Nor is a name that is taken."""
    with capture_logs() as lines:
        await gate.refused("tok-ann", token="tok-ann")
        with pytest.raises(Reject):
            taken = attrs.evolve(REGISTER, name=GuestName("ann"))
            await gate.authenticator.check(taken, None, gate.address)
    assert lines == []
    assert gate.failed == []


async def test_whoever_guesses_without_end_does_not_fill_the_log(
    gate: Gate, autojump_clock: MockClock
) -> None:
    """Ten lines for his address, then one a minute, which counts the others; what
    others do is told. All are counted.
    """
    with capture_logs() as lines:
        for _ in range(1000):
            await gate.refused(token="nonsense")
        assert len(lines) == LINES_AT_ONCE
        gate.address = "192.0.2.2"
        await gate.refused(token="nonsense")
        assert lines[-1]["others"] == 1000 - LINES_AT_ONCE
        gate.address = "192.0.2.1"
        await trio.sleep(LINE_EVERY_S)
        await gate.refused(token="nonsense")
        await gate.refused(token="nonsense")
    assert len(lines) == LINES_AT_ONCE + 2
    assert "others" not in lines[-1]
    assert len(gate.failed) == 1003


async def test_whoever_has_many_addresses_does_not_fill_the_log_either(
    gate: Gate, autojump_clock: MockClock
) -> None:
    """All together have so many lines; a new address gets its own later."""
    with capture_logs() as lines:
        for number in range(2 * LINES_AT_ONCE_OF_ALL):
            gate.address = f"198.51.{number // 250}.{number % 250}"
            await gate.refused(token="nonsense")
        assert len(lines) == LINES_AT_ONCE_OF_ALL
        await trio.sleep(1)
        await gate.refused(token="nonsense")
    assert lines[-1]["address"] == gate.address
    assert lines[-1]["others"] == LINES_AT_ONCE_OF_ALL


# --- accounts -----------------------------------------------------------------

REGISTER = Register(GuestName("dan"), NewPassword("correct horse"))
CHANGE = Password(Secret("right"), NewPassword("correct horse"))
END = DeleteAccount(Secret("right"))


async def test_a_new_accounts_password_is_hashed(gate: Gate) -> None:
    """With today's parameters; nothing is stored here."""
    found = await gate.authenticator.check(REGISTER, None, gate.address)
    assert isinstance(found, HashedPassword)
    assert CHEAP.verify(found.hash, "correct horse")
    assert found.instead_of is None
    assert "argon2" not in repr(found)
    assert gate.appended == []


async def test_registrations_are_counted_before_they_are_hashed(gate: Gate) -> None:
    """By address; a name that is taken costs neither."""
    for _ in range(5):
        with pytest.raises(Reject) as found:
            await gate.authenticator.check(
                attrs.evolve(REGISTER, name=GuestName("ann")), None, gate.address
            )
        assert (found.value.code, found.value.field) == ("name_taken", "name")
    for _ in range(3):
        await gate.authenticator.check(REGISTER, None, gate.address)
    with pytest.raises(Reject) as found:
        await gate.authenticator.check(REGISTER, None, gate.address)
    assert found.value.code is RejectCode.RATE_LIMITED
    await gate.authenticator.check(REGISTER, None, "192.0.2.2")


async def test_a_password_is_changed_by_the_old_one(gate: Gate) -> None:
    """The new hash goes in the place of the one that was right."""
    stored = await hash_of(gate)
    found = await gate.authenticator.check(CHANGE, ANN, gate.address)
    assert isinstance(found, HashedPassword)
    assert found.instead_of == stored
    assert CHEAP.verify(found.hash, "correct horse")


async def test_an_account_is_ended_by_its_password(gate: Gate) -> None:
    """What is kept of it says which it was; the operator finds a line in his log."""
    stored = await hash_of(gate)
    with capture_logs() as lines:
        found = await gate.authenticator.check(END, ANN, gate.address)
    assert found == RightPassword(stored or "")
    assert "argon2" not in repr(found)
    (line,) = lines
    assert line["event"] == "a user asks for the end of his account"
    assert line["user"] == ANN


@pytest.mark.parametrize(
    "wrong",
    [
        attrs.evolve(CHANGE, old=Secret("wrong")),
        attrs.evolve(END, password=Secret("wrong")),
    ],
    ids=["password", "account_delete"],
)
async def test_a_wrong_password_counts_like_one_at_login(
    gate: Gate, wrong: Password | DeleteAccount
) -> None:
    """So a connection that was left open is no way to guess it."""
    codes = []
    for _ in range(6):
        with pytest.raises(Reject) as found:
            await gate.authenticator.check(wrong, ANN, gate.address)
        codes.append(found.value.code)
    assert codes == ["bad_credentials"] * 5 + ["rate_limited"]


async def test_an_account_without_a_password_gets_none(gate: Gate) -> None:
    """A bot's, an outside issuer's, which do not end themselves either; and one that is
    gone has nothing.
    """
    for name in (BOB, UserName("nobody")):
        for command in (CHANGE, END):
            with pytest.raises(Reject) as found:
                await gate.authenticator.check(command, name, gate.address)
            assert found.value.code is RejectCode.FORBIDDEN


async def test_refresh_takes_a_token_of_the_same_user(gate: Gate) -> None:
    """One that is none is `bad_credentials`, another user's `bad_field`."""

    async def refresh(token: str) -> Any:
        command = Refresh(Secret(token))
        return await gate.authenticator.check(command, ANN, gate.address)

    assert await refresh("tok-ann") == Renewal(digest_of("tok-ann"), T0 + 1000, None)
    for token, code in (("tok-bob", "bad_field"), ("nonsense", "bad_credentials")):
        with pytest.raises(Reject) as found:
            await refresh(token)
        assert found.value.code == code


# --- tokens -------------------------------------------------------------------


@pytest.mark.parametrize("way", ["hello", "bearer"])
async def test_a_token_opens_a_session(gate: Gate, way: str) -> None:
    """In the hello or with the upgrade; the session remembers it."""
    if way == "hello":
        who = await gate.hello(token="tok-bob")
    else:
        who = await gate.hello("tok-bob")
    assert (who.user, who.role, who.resumed) == (BOB, "bot", False)
    assert who.token == digest_of("tok-bob")


async def test_a_token_may_allow_a_part_only(gate: Gate) -> None:
    """Whoever comes by it, or resumes a session of it, may do that until it ends."""
    scope = Scope.parse('{"actions":["send"]}')
    gate.store.add_token(ANN, digest_of("part"), T0 + 50, str(scope))
    who = await gate.hello(token="part")
    assert (who.scope, who.expires) == (scope, T0 + 50)
    opened = d.OpenSession(who.session, ANN, who.token, T0)
    await gate.store.commit([opened], T0)
    who = await gate.hello(session=who.secret)
    assert (who.scope, who.expires, who.resumed) == (scope, T0 + 50, True)
    gate.store.drop_token(digest_of("part"))
    refusal = await gate.refused(session=who.secret)
    assert refusal.code is RejectCode.BAD_CREDENTIALS


async def test_a_scope_that_cannot_be_read_allows_nothing(gate: Gate) -> None:
    """It may be a later version's; the operator is told."""
    gate.store.add_token(ANN, digest_of("later"), None, '{"actions":["fly"]}')
    with capture_logs() as lines:
        refusal = await gate.refused(token="later")
    assert refusal.code is RejectCode.BAD_CREDENTIALS
    assert [line["detail"] for line in lines] == [
        '"fly" is no action that a scope can have'
    ]


async def test_a_token_that_is_none_is_refused(gate: Gate) -> None:
    """Unknown, or past its time; also with the upgrade."""
    assert (await gate.refused(token="nonsense")).code is RejectCode.BAD_CREDENTIALS
    assert (await gate.refused("nonsense")).code is RejectCode.BAD_CREDENTIALS
    gate.wall = T0 + 999
    assert (await gate.hello(token="tok-ann")).user == ANN
    gate.wall = T0 + 1000
    assert (await gate.refused(token="tok-ann")).code is RejectCode.BAD_CREDENTIALS


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"token": "tok-bob"}, "token"),
        ({"name": "ann"}, "name"),
        ({"name": "ann", "password": "right"}, "name"),
    ],
)
async def test_one_credential_in_all(
    gate: Gate, fields: dict[str, str], field: str
) -> None:
    """What came with the upgrade allows no other beside it, not even the same."""
    refusal = await gate.refused("tok-bob", **fields)
    assert (refusal.code, refusal.field) == (RejectCode.BAD_FIELD, field)


# --- sessions -----------------------------------------------------------------


async def test_a_session_is_resumed_by_its_secret(gate: Gate) -> None:
    """As it is on disk, without a password."""
    who = await gate.hello(session="used")
    assert (who.user, who.resumed) == (ANN, True)
    assert (who.session, who.secret) == (session("used"), "used")


async def test_an_unknown_session_is_refused(gate: Gate) -> None:
    """Also the id under which a session is kept: it is no secret."""
    for secret in ("nonsense", session("used").hex()):
        refusal = await gate.refused(session=secret)
        assert refusal.code is RejectCode.BAD_CREDENTIALS


async def test_an_idle_session_ends(gate: Gate) -> None:
    """After `session_days` without a connection; one in use never."""
    days = gate.config.auth.session_days
    gate.wall = T0 + days * DAY_MS
    assert (await gate.hello(session="idle")).resumed
    gate.wall += 1
    refusal = await gate.refused(session="idle")
    assert refusal.code is RejectCode.BAD_CREDENTIALS
    assert (await gate.hello(session="used")).resumed


async def test_what_ends_by_age_ends_when_that_is_sure(gate: Gate) -> None:
    """A session is not too old, nor a ban over, because the clock says so; a token is,
    since one that has ended must not be let in.
    """
    gate.store.ban(BOB, T0 + 1, None)
    sure = T0
    gate.authenticator._sure = lambda: sure
    gate.wall = T0 + 40 * DAY_MS
    assert (await gate.hello(session="idle")).resumed
    assert (await gate.refused(token="tok-bob")).code == "banned"
    assert (await gate.refused(token="tok-ann")).code == "bad_credentials"
    sure = gate.wall
    assert (await gate.refused(session="idle")).code == "bad_credentials"
    assert (await gate.hello(token="tok-bob")).user == "bob"


async def test_a_guests_session_is_the_cores_affair(gate: Gate) -> None:
    """The chat holds it in memory and knows when it ended."""
    name = UserName("cy~4f7k")
    guest = d.AddUser(name, "cy", AccountRole.GUEST, None)
    marks = d.SaveMarks({}, {session("guest"): T0})
    opened = d.OpenSession(session("guest"), name, None, T0, guest)
    await gate.store.commit([opened, marks], T0)
    gate.wall = T0 + 365 * DAY_MS
    assert (await gate.hello(session="guest")).user == name


@pytest.mark.parametrize("way", ["hello", "bearer"])
async def test_a_token_renews_the_session_of_its_user(gate: Gate, way: str) -> None:
    """Together with the session, and only of the same user."""

    async def resume(token: str) -> Principal:
        if way == "hello":
            return await gate.hello(session="used", token=token)
        return await gate.hello(token, session="used")

    who = await resume("tok-ann")
    assert (who.resumed, who.renews, who.token) == (True, True, digest_of("tok-ann"))
    with pytest.raises(Reject) as found:
        await resume("tok-bob")
    assert (found.value.code, found.value.field) == (RejectCode.BAD_FIELD, "token")
    with pytest.raises(Reject) as found:
        await resume("nonsense")
    assert found.value.code is RejectCode.BAD_CREDENTIALS


async def test_a_session_ends_with_the_token_that_it_came_from(gate: Gate) -> None:
    """When that has expired; a new token of the user renews it."""
    assert (await gate.hello(session="of token")).token == digest_of("tok-ann")
    gate.wall = T0 + 1000
    refusal = await gate.refused(session="of token")
    assert refusal.code is RejectCode.BAD_CREDENTIALS
    gate.store.add_token(ANN, digest_of("new"), None)
    who = await gate.hello(session="of token", token="new")
    assert (who.resumed, who.renews, who.token) == (True, True, digest_of("new"))


async def test_who_is_banned_is_told_until_when_and_why(gate: Gate) -> None:
    """By password and token alike, and only who is right is told; a session that he
    had is void.
    """
    password = {"name": "ann", "password": "right"}
    for until, reason, text in (
        (None, None, "you are banned from this server"),
        (None, "spam", "you are banned from this server: spam"),
        (
            T0 + 500,
            "spam",
            "you are banned from this server until 2026-09-21T14:13:20.500Z: spam",
        ),
    ):
        gate.store.ban(ANN, until, reason)
        for fields in (password, {"token": "tok-ann"}):
            refusal = await gate.refused(**fields)
            assert (refusal.code, refusal.text) == (RejectCode.BANNED, text)
    for fields in ({"name": "ann", "password": "wrong"}, {"session": "used"}):
        refusal = await gate.refused(**fields)
        assert refusal.code is RejectCode.BAD_CREDENTIALS
    gate.wall = T0 + 500
    assert (await gate.hello(**password)).user == ANN


async def test_a_session_of_somebody_banned_is_no_way_in(gate: Gate) -> None:
    """Should one be opened at the moment of the ban."""
    gate.store.ban(ANN, None, None)
    opened = d.OpenSession(SessionId(digest_of("late")), ANN, None, T0)
    await gate.store.commit([opened], T0)
    assert (await gate.refused(session="late")).code is RejectCode.BANNED


class Emptied(MemoryStore):
    """A store that has lost its users."""

    async def user(self, name: UserName) -> UserRow | None:
        await trio.lowlevel.checkpoint()
        return None


async def test_a_token_of_nobody_is_refused() -> None:
    """A token whose user has gone since it was found lets nobody in."""
    gate = Gate(store=Emptied())
    added = d.AddUser(ANN, "Ann", AccountRole.USER, None)
    await gate.store.commit([added], T0)
    gate.store.add_token(ANN, digest_of("tok-ann"), None)
    refusal = await gate.refused(token="tok-ann")
    assert refusal.code is RejectCode.BAD_CREDENTIALS


# --- sessions beside others -----------------------------------------------------


async def test_a_session_beside_another_is_a_new_one_of_the_same(gate: Gate) -> None:
    """With a secret of its own, and what the first one allows; that one stays."""
    who = await gate.hello(session="of token", another=True)
    first = await gate.hello(session="of token")
    assert (who.beside, who.resumed, who.renews) == (session("of token"), False, False)
    assert who.session == session(who.secret) != first.session
    assert (who.user, who.token, who.expires) == (ANN, digest_of("tok-ann"), T0 + 1000)
    assert (first.beside, first.resumed) == (None, True)
    gate.wall = T0 + 1000
    refusal = await gate.refused(session="of token", another=True)
    assert refusal.code is RejectCode.BAD_CREDENTIALS


async def test_a_session_beside_another_may_bring_its_own_token(gate: Gate) -> None:
    """On which it depends; of nobody else."""
    who = await gate.hello(session="used", token="tok-ann", another=True)
    assert (who.beside, who.token) == (session("used"), digest_of("tok-ann"))
    refusal = await gate.refused(session="used", token="tok-bob", another=True)
    assert (refusal.code, refusal.field) == (RejectCode.BAD_FIELD, "token")


async def test_beside_nothing_there_is_no_session(gate: Gate) -> None:
    """An unknown one, and one that was idle for too long."""
    for secret in ("unknown", "idle"):
        gate.wall = T0 + 31 * DAY_MS
        refusal = await gate.refused(session=secret, another=True)
        assert refusal.code is RejectCode.BAD_CREDENTIALS


async def test_a_guest_is_new_unless_he_comes_beside_himself(gate: Gate) -> None:
    """Nobody takes a name a second time."""
    who = await gate.hello(name="gil")
    assert (who.is_new, who.beside) == (True, None)
    new = d.AddUser(who.user, "gil", AccountRole.GUEST, None)
    opened = d.OpenSession(who.session, who.user, None, T0, new)
    await gate.store.commit([opened], T0)
    tab = await gate.hello(session=who.secret, another=True)
    assert (tab.user, tab.is_new, tab.beside) == (who.user, False, who.session)


# --- invitations and links ------------------------------------------------------


async def invite(gate: Gate, uses: int = 1) -> None:
    """Ann has made an invitation for a day."""
    digest = digest_of("invited")
    made = d.AddInvitation(digest, ANN, None, AccountRole.USER, uses, T0, T0 + DAY_MS)
    await gate.store.commit([made], T0)


async def come(gate: Gate, secret: str, name: str = "eve") -> Any:
    """What is found out of somebody who registers by an invitation."""
    command = Register(
        GuestName(name), NewPassword("correct horse"), invite=Secret(secret)
    )
    return await gate.authenticator.check(command, None, gate.address)


async def turned_away(gate: Gate, secret: str, name: str = "eve") -> RejectCode:
    """Why he does not come."""
    with pytest.raises(Reject) as found:
        await come(gate, secret, name)
    return found.value.code


async def test_an_invitation_is_found_by_its_secret(gate: Gate) -> None:
    """With the hash of the password; its use is the writer's."""
    await invite(gate)
    found = await come(gate, "invited")
    assert (found.invitation.number, found.digest) == (1, digest_of("invited"))
    assert CHEAP.verify(found.hash, "correct horse")


async def test_each_way_of_being_none_is_told(gate: Gate) -> None:
    """Unknown, used up, ended: what to do is another thing each time."""
    await invite(gate)
    assert await turned_away(gate, "unknown") is RejectCode.BAD_INVITATION
    gate.wall = T0 + DAY_MS
    assert await turned_away(gate, "invited") is RejectCode.INVITATION_EXPIRED
    gate.wall = T0
    account = d.AddUser(UserName("fay"), "fay", AccountRole.USER, None)
    await gate.store.commit([d.Enroll(account, digest_of("invited"), T0)], T0)
    assert await turned_away(gate, "invited") is RejectCode.INVITATION_USED


async def test_without_one_nobody_learns_which_names_there_are(gate: Gate) -> None:
    """Nor has a password hashed."""
    await invite(gate)
    for name in ("ann", "nobody"):
        assert await turned_away(gate, "unknown", name) is RejectCode.BAD_INVITATION
    assert await turned_away(gate, "invited", "ann") is RejectCode.NAME_TAKEN


async def test_guessing_invitations_has_the_rate_of_passwords(
    gate: Gate, autojump_clock: MockClock
) -> None:
    """By address; then a right one has to wait as well, and no longer than is said."""
    await invite(gate)
    codes = [await turned_away(gate, f"guess {number}") for number in range(6)]
    assert codes == [RejectCode.BAD_INVITATION] * 5 + [RejectCode.RATE_LIMITED]
    with pytest.raises(Reject) as limited:
        await come(gate, "invited")
    assert limited.value.code is RejectCode.RATE_LIMITED
    gate.address = "192.0.2.2"
    await come(gate, "invited")
    gate.address = "192.0.2.1"
    assert limited.value.retry_after_s is not None
    await trio.sleep(limited.value.retry_after_s)
    await come(gate, "invited")
    gate.address = "unix"
    for number in range(9):
        assert await turned_away(gate, f"g {number}") is RejectCode.BAD_INVITATION


async def test_those_who_are_asked_in_are_not_counted_by_address(gate: Gate) -> None:
    """A team behind one address comes on one day."""
    await invite(gate, uses=20)
    for number in range(20):
        await come(gate, "invited", f"p{number}")


async def test_a_secret_is_drawn_for_who_asks_for_one(gate: Gate) -> None:
    """256 bits, of which the digest goes on."""
    for command in (Link(), CreateInvitation()):
        found = await gate.authenticator.check(command, ANN, gate.address)
        assert isinstance(found, NewSecret)
        assert len(found.secret) == 43
        assert found.digest == digest_of(found.secret)
        assert found.secret not in repr(found)


async def test_a_link_leads_beside_the_session_that_has_made_it(gate: Gate) -> None:
    """Until it ends, with what that session depends on."""
    until = T0 + 300_000
    link = d.SetLink(session("of token"), digest_of("linked"), until)
    await gate.store.commit([link], T0)
    who = await gate.hello(link="linked")
    assert (who.user, who.beside, who.link) == (
        ANN,
        session("of token"),
        digest_of("linked"),
    )
    assert (who.token, who.expires) == (digest_of("tok-ann"), T0 + 1000)
    assert (who.resumed, who.session) == (False, session(who.secret))
    assert (await gate.refused(link="other")).code is RejectCode.BAD_CREDENTIALS
    gate.wall = T0 + 1000
    assert (await gate.refused(link="linked")).code is RejectCode.BAD_CREDENTIALS
    link = d.SetLink(session("used"), digest_of("linked 2"), until)
    await gate.store.commit([link], T0)
    gate.wall = until - 1
    await gate.hello(link="linked 2")
    gate.wall = until
    refusal = await gate.refused(link="linked 2")
    assert refusal.code is RejectCode.BAD_CREDENTIALS


async def test_a_link_does_not_let_in_who_is_banned(gate: Gate) -> None:
    """He is told so."""
    link = d.SetLink(session("used"), digest_of("linked"), T0 + 9)
    await gate.store.commit([link], T0)
    row = gate.store.model.users[ANN]
    row.ban = Sanction(None, "spam")
    assert (await gate.refused(link="linked")).code is RejectCode.BANNED


async def test_a_link_is_one_credential(gate: Gate) -> None:
    """Beside the upgrade's there is no other."""
    refusal = await gate.refused("tok-ann", link="linked")
    assert (refusal.code, refusal.field) == (RejectCode.BAD_FIELD, "link")
