"""MySQL's variables, however their names are written."""

from __future__ import annotations

import pytest

from routedb.sql import classify

from .seen import seen

USES = "read; session variable"
SETS = "session; session variable"


@pytest.mark.parametrize(
    ("sql", "expected", "holds", "needs"),
    [
        ("SELECT @c", USES, [], ["c"]),
        ("SELECT @C", USES, [], ["c"]),
        ("SELECT @`c`", USES, [], ["c"]),
        ("SELECT @`a ``b`", USES, [], ["a `b"]),
        ("SELECT @'c'", USES, [], [""]),
        ('SELECT @"c"', USES, [], [""]),
        ("SELECT @a.b$c", USES, [], ["a.b$c"]),
        ("SELECT @ c", USES, [], [""]),
        ("SELECT @`c` := 1", USES, ["c"], []),
        ("SELECT @'c' := 1", USES, [""], []),
        ("SELECT @`a` := @`b`", USES, ["a"], ["b"]),
        ("SELECT 1 INTO @`c`, @d", USES, ["c", "d"], []),
        ("SELECT 1 INTO @'c', @\"d\"", USES, [""], []),
        ("SET @`c` = 1, @d = 2", SETS, ["c", "d"], []),
        ("SET @'c' = 1", SETS, [""], []),
        ("SET @`c` := (SELECT x FROM t)", "session: t; session variable", ["c"], []),
        ("DO @`c` := 1", "call; session variable", ["c"], []),
    ],
)
def test_a_variable_of_the_user(sql, expected, holds, needs):
    found = classify(sql, "mysql")
    assert seen(sql, "mysql") == expected
    assert [each.name for each in found.holds] == holds
    assert [each.name for each in found.needs] == needs


@pytest.mark.parametrize(
    "name",
    [
        "@@last_insert_id",
        "@@`last_insert_id`",
        "@@session.last_insert_id",
        "@@session.`last_insert_id`",
        "@@SESSION . last_insert_id",
        "@@local .`Last_Insert_Id`",
        "@@identity",
        "@@`identity`",
        "@@warning_count",
        "@@session.`error_count`",
        "@@local. `in_transaction`",
    ],
)
def test_a_variable_that_tells_of_the_session_is_no_plain_read(name):
    assert not classify(f"SELECT {name}", "mysql").read_only
    assert not classify(f"SELECT x FROM t WHERE y = {name}", "mysql").read_only


@pytest.mark.parametrize(
    "name",
    [
        "@@server_id",
        "@@`server_id`",
        "@@global.read_only",
        "@@global . `read_only`",
        "@@`hostname`",
        "@@GLOBAL.`gtid_slave_pos`",
    ],
)
def test_a_variable_that_tells_of_the_server_is_asked_of_the_writer(name):
    assert classify(f"SELECT {name}", "mysql").asks_server


@pytest.mark.parametrize(
    ("sql", "settings"),
    [
        ("SET @@`sql_mode` = ''", ("sql_mode",)),
        ("SET @@session.`sql_mode` = ''", ("sql_mode",)),
        ("SET @@session . sql_mode = ''", ("sql_mode",)),
        ("SET SESSION `sql_mode` = ''", ("sql_mode",)),
        ("SET `sql_mode` = '', @@`time_zone` = ''", ("sql_mode", "time_zone")),
        ("SET @@global . `read_only` = 1", ()),
    ],
)
def test_a_setting_is_known_by_its_name(sql, settings):
    assert classify(sql, "mysql").settings == settings
