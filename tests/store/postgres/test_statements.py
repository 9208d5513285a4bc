"""What of a statement is said otherwise, and what stays."""

from __future__ import annotations

from chatd.store.postgres.statements import in_order, translated


def test_values_are_counted_as_they_are_named() -> None:
    """Numbers and names are PostgreSQL's."""
    assert translated("a = ? AND b = ?") == ("a = $1 AND b = $2", ())
    assert translated("a = ?2 AND b = ?1")[0] == "a = $2 AND b = $1"
    text, names = translated("(:seq, :room, :seq)")
    assert (text, names) == ("($1, $2, $1)", ("seq", "room"))
    assert in_order(names, {"room": 7, "seq": 1}) == [1, 7]
    assert in_order((), (3, 4)) == (3, 4)


def test_what_is_quoted_stays() -> None:
    """Texts, names and types of PostgreSQL's are none of ours."""
    sql = """SELECT '?', "user", ':a', 'user' FROM x WHERE y = $1::bigint[]"""
    assert translated(sql) == (sql, ())


def test_a_keyword_is_quoted_and_hints_go() -> None:
    """The planner of the one is not that of the other."""
    sql = "FROM user u CROSS JOIN main.room r INDEXED BY room_there ON r.user_id = u.id"
    assert translated(sql)[0] == 'FROM "user" u JOIN room r ON r.user_id = u.id'


def test_functions_have_other_names() -> None:
    """They mean the same."""
    text, _ = translated(
        "SELECT ifnull(a, ''), json_group_array(name) FROM json_each(?2) j"
        " WHERE settings ->> 'keep_days' > 0"
    )
    assert text == (
        "SELECT coalesce(a, ''), coalesce(json_agg(name), '[]')"
        " FROM jsonb_array_elements(CAST($2 AS jsonb))"
        " WITH ORDINALITY AS j (value, key)"
        " WHERE CAST(CAST(settings AS json) ->> 'keep_days' AS double precision) > 0"
    )


def test_what_is_read_is_of_one_moment() -> None:
    """SQLite's transactions are of one anyway."""
    assert "REPEATABLE READ" in translated("BEGIN")[0]
    assert translated("BEGIN IMMEDIATE")[0] == "BEGIN"
