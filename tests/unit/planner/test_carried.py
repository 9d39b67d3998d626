"""Tables of other engines than the text's: types, conditions, refusals."""

from __future__ import annotations

import pytest

from routedb.config.model import ShardFunction
from routedb.planner import (
    Catalog,
    Cluster,
    Column,
    GroupsPlan,
    Place,
    Refusal,
    Sharded,
    Spread,
    TableInfo,
    Whole,
    plan,
)
from routedb.planner.carried_types import carried_as, compared_kind
from routedb.sql import Table

FROM_MYSQL = {
    "tinyint(1)": "smallint",
    "tinyint(3) unsigned": "smallint",
    "smallint(6)": "smallint",
    "smallint unsigned": "integer",
    "mediumint(9)": "integer",
    "mediumint(8) unsigned": "integer",
    "int": "integer",
    "int(10) unsigned zerofill": "bigint",
    "bigint(20)": "bigint",
    "bigint(20) unsigned": "numeric(20)",
    "decimal(65,30)": "numeric(65,30)",
    "decimal(5,0) unsigned": "numeric(5,0)",
    "double": "double precision",
    "date": "date",
    "datetime": "timestamp(0) without time zone",
    "datetime(6)": "timestamp(6) without time zone",
    "char(3)": "text",
    "VARCHAR(20)": "text",
    "tinytext": "text",
    "longtext": "text",
}
FROM_SQLITE = {
    "INTEGER": "bigint",
    "unsigned big int": "bigint",
    "INT2": "bigint",
    "CHARINT": "bigint",
    "VARCHAR(20)": "text",
    "nchar(5)": "text",
    "CLOB": "text",
    "REAL": "double precision",
    "double precision": "double precision",
    "FLOAT": "double precision",
}
NOT_CARRIED = {
    "mysql": ["float(7,2)", "double(7,2)", "geometry", "datetime /* mariadb-5.3 */"],
    "sqlite": ["", "NUMERIC", "DECIMAL", "DECIMAL(16,2)", "DECIMAL(2,3)", "ANY"],
}


@pytest.mark.parametrize(
    ("dialect", "types"), [("mysql", FROM_MYSQL), ("sqlite", FROM_SQLITE)]
)
def test_types_hold_what_theirs_hold(dialect, types):
    found = {
        type_: carried_as(Column("c", type_), dialect, "postgresql") for type_ in types
    }
    assert {type_: as_.type for type_, as_ in found.items() if as_} == types
    for type_ in NOT_CARRIED[dialect]:
        assert carried_as(Column("c", type_), dialect, "postgresql") is None, type_


COMPARED = [
    ("postgresql", "bigint", None, "whole"),
    ("postgresql", "numeric(20,0)", None, "whole"),
    ("postgresql", "numeric(20,1)", None, None),
    ("postgresql", "numeric", None, None),
    ("postgresql", "character varying(3)", None, "text"),
    ("postgresql", "text", '"C"', None),
    ("postgresql", "text[]", None, None),
    ("postgresql", "character(3)", None, None),
    ("postgresql", "boolean", None, None),
    ("mysql", "year(4)", None, None),  # 99 is 1999 there
    ("mysql", "int(11)", None, "whole"),
    ("mysql", "enum('a')", "utf8mb4_bin", None),
    ("mysql", "char(3)", "latin1_swedish_ci", "text"),
    ("mysql", "char(3)", "utf8mb4_nopad_bin", None),
    ("sqlite", "INT", None, "whole"),
    ("sqlite", "BOOLEAN", None, None),
]


@pytest.mark.parametrize(("dialect", "type_", "collation", "kind"), COMPARED)
def test_some_columns_are_compared_alike_everywhere(dialect, type_, collation, kind):
    assert compared_kind(Column("c", type_, collation), dialect) == kind


ORDERS, LEADS = Table(None, "orders"), Table(None, "leads")
COLUMNS = {
    "mysql": (
        Column("id", "int(11)"),
        Column("cust", "bigint(20) unsigned"),
        Column("note", "varchar(20)", "utf8mb4_general_ci"),
        Column("made", "point"),
        Column('odd`"name', "int(11)"),
    ),
    "sqlite": (
        Column("id", "INTEGER"),
        Column("cust", "INT"),
        Column("note", "TEXT", "NOCASE"),
        Column("made", "ANY"),
        Column('odd`"name', "INT"),
    ),
    "cased": (Column("id", "integer"), Column("Id", "integer")),
}


def planned(where, other="mysql", shards=1, shown="l.id", dialect="postgresql"):
    speaks = "postgresql" if other == "cased" else other
    mine = TableInfo((Column("id", "integer"), Column("qty", "integer")), ("id",))
    its = TableInfo(COLUMNS[other], ("id",))
    catalog = Catalog({"shop": {ORDERS: mine}, "crm": {LEADS: its}})
    place = Whole("crm") if shards == 1 else Sharded("crm", "cust", ShardFunction())
    cluster = Cluster(
        {"shop": Place(dialect), "crm": Place(speaks, shards)},
        {ORDERS: Whole("shop"), LEADS: place, Table("s", "leads"): place},
    )
    return plan(
        f"SELECT {shown} FROM orders o JOIN leads l ON l.id = o.id WHERE {where}",
        dialect,
        catalog,
        cluster,
    )


def leads_of(made):
    assert isinstance(made, GroupsPlan), made
    return next(each for each in made.fragments if each.database == "crm")


CONDITIONS = [
    ("l.id = 5", "routedb_t.`id` = 5"),
    ("5 < l.id", "5 < routedb_t.`id`"),
    ("l.id >= -5", "routedb_t.`id` >= -5"),
    ("l.id <> %s", "routedb_t.`id` <> %s"),
    ("l.id <= %(n)s", "routedb_t.`id` <= %(n)s"),
    ("l.cust IN (1, %s, -3)", "routedb_t.`cust` IN (1, %s, -3)"),
    (
        "cust = 5 AND note = 'x'",
        "routedb_t.`cust` = 5 AND routedb_t.`note` = 'x'",
    ),
    ("(l.id > 1) AND (o.qty = 4)", "routedb_t.`id` > 1"),
    ('l."odd`""name" = 1', 'routedb_t.`odd``"name` = 1'),
]
KEPT_ABOVE = [
    "l.note = 'é'",
    "l.note = 'it''s'",
    "l.note <> 'x'",
    "l.note = upper('x')",
    "l.note LIKE 'x'",
    "l.note > %s",
    "l.id = '5'",
    "l.id = 5.5",
    "l.id > 1e3",
    "l.id = NULL",
    "l.id IS NULL",
    "l.id = 1 OR l.id = 2",
    "NOT l.id = 1",
    "l.id NOT IN (1, 2)",
    "l.id BETWEEN 1 AND 2",
    "l.id = l.cust",
    "l.id + 1 = 2",
    "l.id IN (SELECT 1)",
    "l.id IN (1, '2')",
    "l.id = o.id",
    "abs(l.id) = 1",
    "l.id = 9223372036854775808",
]


@pytest.mark.parametrize(("where", "written"), CONDITIONS)
def test_whole_numbers_are_compared_there(where, written):
    made = planned(where)
    fragment = leads_of(made)
    sql = fragment.text.sql
    assert sql.split(" FROM ")[1] == f"`leads` AS routedb_t WHERE {written}"
    if not made.carried:
        return
    key = "n" if "%(n)s" in where else 0
    value: object
    for value in (1, -1, 2**62):
        assert made.fits({key: value})
    others: tuple[object, ...] = ("1", True, 1.0, None, 2**63, -(2**63))
    for value in others:
        assert not made.fits({key: value})
    assert not made.fits({})
    assert " WHERE " not in leads_of(made.otherwise).text.sql
    assert made.otherwise.fits({key: "1"})


@pytest.mark.parametrize("where", KEPT_ABOVE)
def test_other_conditions_are_kept_above(where):
    for other in ("mysql", "sqlite"):
        made = planned(where, other)
        assert "WHERE" not in leads_of(made).text.sql
        assert not made.carried
        assert where in made.remainder.text.sql


def test_names_are_quoted_as_the_engine_does_and_sqlite_shows_what_is_no_number():
    made = planned("l.id = 5 AND l.note = 'x'", "sqlite")
    column = 'routedb_t."id"'
    assert leads_of(made).text.sql == (
        f'SELECT {column}, routedb_t."note" FROM main."leads" AS routedb_t WHERE '
        f"({column} = 5 OR typeof({column}) NOT IN ('integer', 'null')) AND "
        '(routedb_t."note" = \'x\' OR typeof(routedb_t."note") NOT IN '
        "('text', 'null'))"
    )


TEXTS = [
    ("l.note = %s", "routedb_t.`note` = %s"),
    ("'a b' = l.note", "'a b' = routedb_t.`note`"),
    ("l.note IN ('x', %(n)s)", "routedb_t.`note` IN ('x', %(n)s)"),
]


@pytest.mark.parametrize(("where", "written"), TEXTS)
def test_texts_that_are_equal_are_looked_for_there(where, written):
    made = planned(where)
    sql = leads_of(made).text.sql
    assert sql.split(" FROM ")[1] == f"`leads` AS routedb_t WHERE {written}"
    if not made.carried:
        return
    key = "n" if "%(n)s" in where else 0
    value: object
    for value in ("", "it's", "a\\"):
        assert made.fits({key: value})
    for value in ("é", 1, None, b"x", "\0"):
        assert not made.fits({key: value})
    assert " WHERE " not in leads_of(made.otherwise).text.sql


def test_mysql_takes_no_notice_of_blanks_at_the_end():
    sql = leads_of(planned("l.note IN ('x', %s)", "sqlite", dialect="mysql")).text.sql
    name = 'routedb_t."note"'
    assert sql.endswith(
        f" WHERE (rtrim({name}) IN (rtrim('x'), rtrim(%s)) OR "
        f"typeof({name}) NOT IN ('text', 'null'))"
    )


def test_texts_of_other_dialects_say_nothing_of_rows_of_another_engine():
    for dialect in ("mysql", "sqlite"):
        other = "mysql" if dialect == "sqlite" else "sqlite"
        made = planned("o.id = l.id AND l.note = l.note", other, dialect=dialect)
        assert {side.kind for side in leads_of(made).sideways} == {"whole"}


@pytest.mark.parametrize("collation", ["utf8mb4_nopad_bin", "utf8mb4_0900_ai_ci"])
def test_blanks_that_may_matter_are_left_to_the_text(collation, monkeypatch):
    odd = (*COLUMNS["mysql"][:2], Column("note", "char(20)", collation))
    monkeypatch.setitem(COLUMNS, "mysql", odd)
    assert "WHERE" not in leads_of(planned("l.note = 'x'")).text.sql


NARROWED = [
    ("mysql", "o.id = l.id", "routedb_t.`id`", "whole", ""),
    (
        "sqlite",
        "o.id = l.id",
        'routedb_t."id"',
        "whole",
        " OR typeof(routedb_t.\"id\") NOT IN ('integer', 'null')",
    ),
]


@pytest.mark.parametrize(("other", "where", "column", "kind", "more"), NARROWED)
def test_rows_of_one_engine_say_which_of_another_matter(
    other, where, column, kind, more
):
    made = planned(where, other)
    sides = set(leads_of(made).sideways)
    assert {(side.column, side.kind, side.more) for side in sides} == {
        (column, kind, more)
    }
    (orders,) = (each for each in made.fragments if each.database == "shop")
    assert {(s.column, s.kind, s.more) for s in orders.sideways} == {("o.id", kind, "")}


def test_relations_have_types_of_the_texts_engine_and_no_key():
    made = planned("l.note = 'x'", shown="l.id, l.cust")
    (relation,) = (each for each in made.remainder.relations if len(each.columns) > 2)
    assert relation.columns == (
        Column("id", "integer"),
        Column("cust", "numeric(20)"),
        Column("note", "text"),
    )
    assert relation.primary_key == ()
    assert leads_of(made).columns == COLUMNS["mysql"][:3]


def test_a_number_of_the_key_tells_the_shard():
    for where, count in (("l.cust = 5", 1), ("l.cust > 5", 4), ("l.cust = '5'", 4)):
        fragment = leads_of(planned(where, shards=4))
        assert fragment.spread is Spread.EVERY
        assert len(fragment.groups(None, 4)) == count


REFUSED = [
    ({"shown": "l.made"}, "type of another dialect", "column made of leads in crm"),
    ({"shown": "*"}, "type of another dialect", "mysql's type point"),
    ({"shown": "*", "other": "sqlite"}, "type of another dialect", "type ANY"),
    ({"other": "cased", "dialect": "mysql"}, "another dialect", "are one to mysql"),
]


@pytest.mark.parametrize(("how", "construct", "reason"), REFUSED)
def test_what_is_not_certain_is_refused_by_name(how, construct, reason):
    made = planned("o.qty = 1", **how)
    assert isinstance(made, Refusal)
    assert made.construct == construct
    assert reason in made.reason


def test_a_schema_of_the_texts_is_refused():
    made = planned("EXISTS (SELECT 1 FROM s.leads)")
    assert isinstance(made, Refusal)
    assert "schemas" in made.reason
