"""Statements that the suites of others have, and that few programs do."""

from __future__ import annotations

import pytest

from routedb.sql import SessionEffect, TxEffect, classify
from routedb.sql.session_objects import ObjectKind

_FROM = "FROM SERVER x INTO"
IMPORTS = {
    f"IMPORT FOREIGN SCHEMA s {_FROM} l": [],
    f"IMPORT FOREIGN SCHEMA s LIMIT TO (a) {_FROM} l": ["l.a"],
    f"IMPORT FOREIGN SCHEMA s LIMIT TO (a, b) {_FROM} l": ["l.a", "l.b"],
    f'import foreign schema s limit to ("A b", c) {_FROM} "L"': ["L.A b", "L.c"],
    f'IMPORT FOREIGN SCHEMA "limit" LIMIT TO (a) {_FROM} public': ["public.a"],
    f"IMPORT FOREIGN SCHEMA s EXCEPT (a, b) {_FROM} l": [],
    f"IMPORT FOREIGN SCHEMA s LIMIT TO (a) {_FROM} l OPTIONS (o 'into')": ["l.a"],
    f"IMPORT FOREIGN SCHEMA s LIMIT TO (into_x) {_FROM} l": ["l.into_x"],
    f"IMPORT FOREIGN SCHEMA s {_FROM} l OPTIONS (a 'b', c 'd')": [],
    f"IMPORT /* x */ FOREIGN SCHEMA s LIMIT TO (a) -- y\n{_FROM} l": ["l.a"],
    "IMPORT FOREIGN SCHEMA s LIMIT TO (a) FROM SERVER into_s INTO l": ["l.a"],
}


@pytest.mark.parametrize(("sql", "tables"), IMPORTS.items(), ids=IMPORTS)
def test_an_import_writes_the_tables_it_is_limited_to(sql, tables):
    statement = classify(sql)
    assert statement.kind == "ddl"
    assert sorted(map(str, statement.writes)) == tables
    assert set(statement.writes) == set(statement.tables)


REINDEXES = {
    "REINDEX DATABASE": [],
    "REINDEX SYSTEM": [],
    "REINDEX DATABASE d": [],
    "REINDEX SYSTEM CONCURRENTLY": [],
    "REINDEX DATABASE CONCURRENTLY d": [],
    "REINDEX (VERBOSE, TABLESPACE t) DATABASE": [],
    "REINDEX (CONCURRENTLY) SCHEMA s": [],
    "REINDEX SCHEMA CONCURRENTLY s": [],
    "REINDEX INDEX i": [],
    "REINDEX INDEX CONCURRENTLY s.i": [],
    "REINDEX TABLE database": ["database"],
    "REINDEX TABLE CONCURRENTLY system": ["system"],
    "REINDEX (VERBOSE) TABLE s.index": ["s.index"],
    "REINDEX TABLE a": ["a"],
}


@pytest.mark.parametrize(("sql", "tables"), REINDEXES.items(), ids=REINDEXES)
def test_only_reindex_table_names_a_table(sql, tables):
    assert list(map(str, classify(sql).tables)) == tables


COLLATIONS = {
    "SELECT collation for (x) FROM a": ["a"],
    "SELECT COLLATION FOR ('x'), y FROM a": ["a"],
    "SELECT * FROM collation for ('x') c": [],
    "SELECT * FROM a, collation for ('x'::text) col, b": ["a", "b"],
    "SELECT * FROM coalesce(1, 2) c, COLLATION FOR (a) x, localtimestamp(3) t": [],
    "SELECT * FROM a JOIN LATERAL collation for (a.x) c ON true": ["a"],
    "SELECT * FROM ROWS FROM (collation for ('x'), lower('y')) r, a": ["a"],
    "SELECT x FROM a WHERE collation for (x) = 'C'": ["a"],
    "SELECT x FROM a ORDER BY collation for (x), y": ["a"],
    "SELECT collation for ((SELECT x FROM b)) FROM a": ["a", "b"],
    "CREATE VIEW v AS SELECT * FROM collation for ('x') c, a": ["a", "v"],
}


@pytest.mark.parametrize(("sql", "tables"), COLLATIONS.items(), ids=COLLATIONS)
def test_collation_for_is_a_function(sql, tables):
    statement = classify(sql)
    assert sorted(map(str, statement.tables)) == tables
    assert statement.kind in ("read", "ddl")
    assert statement.read_only == (statement.kind == "read")


BACKUPS = {
    "BACKUP STAGE START": "holds",
    "BACKUP STAGE FLUSH": "holds",
    "backup stage block_ddl": "holds",
    "BACKUP STAGE BLOCK_COMMIT": "holds",
    "BACKUP STAGE END": "frees",
    "backup stage end": "frees",
    "BACKUP LOCK t": "holds",
    "BACKUP LOCK d.t": "holds",
    "BACKUP LOCK `a b`": "holds",
    "BACKUP UNLOCK": "frees",
    "/* x */ BACKUP UNLOCK -- y": "frees",
}


@pytest.mark.parametrize(("sql", "what"), BACKUPS.items(), ids=BACKUPS)
def test_mariadbs_backup_locks_of_the_session(sql, what):
    statement = classify(sql, "mysql")
    assert statement.kind == "lock"
    assert not statement.read_only
    assert SessionEffect.LOCK in statement.session
    assert [step.effect for step in statement.tx] == [TxEffect.COMMIT]
    assert [one.kind for one in getattr(statement, what)] == [ObjectKind.TABLE_LOCK]


def test_a_backup_lock_names_its_table():
    (table,) = classify("BACKUP LOCK d.t", "mysql").tables
    assert str(table) == "d.t"


@pytest.mark.parametrize("name", ["array_sort", "array_reverse"])
def test_a_name_that_older_databases_use_for_their_own_is_asked_about(name):
    statement = classify(f"SELECT {name}(array_agg(x)) FROM a")
    assert [str(function) for function in statement.asks] == [name]
    assert not statement.read_only


SIGNED = {
    "SET timezone=+1": "timezone",
    "SET timezone=-1": "timezone",
    "SET timezone = -1": "timezone",
    "SET timezone TO -1": "timezone",
    "SET SESSION timezone=-7": "timezone",
    "SET LOCAL extra_float_digits=+3": "extra_float_digits",
    "SET geqo_seed=-.5": "geqo_seed",
    "SET a.b=-1, +2": "a.b",
    "set statement_timeout=+1000": "statement_timeout",
    "SET log_min_duration_statement/**/=-1": "log_min_duration_statement",
    "SET x=-1e3": "x",
}


@pytest.mark.parametrize(("sql", "setting"), SIGNED.items(), ids=SIGNED)
def test_a_setting_may_have_a_sign(sql, setting):
    statement = classify(sql)
    assert statement.kind == "session"
    assert statement.settings == (setting,)


_TYPES = (
    "(int)",
    "(varchar(20))",
    "(int, character(3))",
    "(int[], smallint[], numeric(5,2)[], numeric)",
    "(s.own_type(1, 2), bit varying (3))",
    "(timestamp(3) with time zone, interval day to second(2))",
    "(double precision)",
    '("T"(1))',
    "(int, unknown)",
    "(char(1)[3])",
    "",
)


@pytest.mark.parametrize("types", _TYPES)
def test_a_prepared_statement_may_say_its_types(types):
    statement = classify(f"PREPARE p {types} AS INSERT INTO a SELECT $1 FROM b")
    assert statement.kind == "write"
    assert list(map(str, statement.tables)) == ["a", "b"]


VACUUMS = {
    "VACUUM": [],
    "VACUUM main": [],
    'VACUUM "main"': [],
    "VACUUM INTO 'f'": [],
    "VACUUM INTO ?": [],
    "VACUUM main INTO 'f'": [],
    "VACUUM temp INTO 'a' || ?": [],
    "VACUUM INTO (SELECT name FROM a)": ["a"],
    "VACUUM main INTO (SELECT name FROM a)": ["a"],
    "vacuum into (select x from main.a, b limit 1) || 'f'": ["b", "main.a"],
    "EXPLAIN VACUUM INTO (SELECT name FROM a)": ["a"],
}


@pytest.mark.parametrize(("sql", "tables"), VACUUMS.items(), ids=VACUUMS)
def test_sqlites_vacuum_names_a_file(sql, tables):
    statement = classify(sql, "sqlite")
    assert sorted(map(str, statement.tables)) == tables
    assert statement.kind == ("explain" if sql.startswith("EX") else "ddl")


@pytest.mark.parametrize("name", ["p", "`p q`", "P1", "prepare", "`drop`"])
@pytest.mark.parametrize("verb", ["DEALLOCATE PREPARE", "DROP PREPARE", "drop prepare"])
def test_mysql_has_two_words_that_end_a_prepared_statement(verb, name):
    statement = classify(f"{verb} {name}", "mysql")
    assert statement.kind == "session"
    assert [str(one) for one in statement.frees] == [
        f"prepared statement {name.strip('`')}"
    ]


@pytest.mark.parametrize("topic", ["'contents'", "'%'", "contents", '"data types"'])
def test_mysqls_help_is_a_read_of_no_table(topic):
    statement = classify(f"HELP {topic}", "mysql")
    assert statement.read_only
    assert statement.tables == ()
