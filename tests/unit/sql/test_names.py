"""Words that are keywords somewhere are tables, columns and aliases elsewhere.

Each word of PostgreSQL's list stands in every place where a name may; what its parser
does not take is left out. SQLite has another opinion on some of them.
"""

from __future__ import annotations

import pytest
from pglast import keywords, parser

from benchmarks.corpora.postgresql_judge import judge
from routedb.sql import Kind, classify

from .seen import seen

MODELS = (
    "SELECT * FROM {0}",
    "SELECT * FROM {0} t, b",
    "SELECT * FROM a JOIN {0} ON true, b",
    "SELECT * FROM s.{0}, {0}.b",
    "SELECT x INTO {0}",
    "SELECT x INTO {0} FROM b",
    "SELECT x INTO {0}.y FROM b WHERE z",
    "SELECT x INTO TEMP {0} FROM b",
    "SELECT x INTO UNLOGGED TABLE {0} FROM b",
    "(SELECT x INTO {0} WHERE true ORDER BY 1)",
    "SELECT x INTO {0} FROM b UNION SELECT y FROM c",
    "ALTER SEQUENCE {0} OWNED BY {0}.{0}",
    "ALTER EXTENSION {0} ADD TABLE {0}",
    "SELECT * FROM a AS {0} (x), b",
    "SELECT {0}, x AS {0}, a.{0} FROM a, b",
    "SELECT x FROM a WHERE {0} = (SELECT y FROM b) GROUP BY {0} ORDER BY {0}",
    "WITH c AS (SELECT {0} FROM a) SELECT {0}.x FROM c {0}",
    "INSERT INTO {0} (x) SELECT y FROM b",
    "UPDATE {0} SET x = 1",
    "UPDATE a SET {0} = 1 FROM {0}",
    "DELETE FROM {0} USING b",
    "TRUNCATE b, {0} CASCADE",
    "DROP TABLE b, {0}",
    "DROP VIEW IF EXISTS {0} RESTRICT",
    "ALTER TABLE {0} ADD COLUMN {0} int",
    "ALTER TABLE IF EXISTS {0} RENAME TO b",
    "ALTER TABLE ONLY ({0}) ADD FOREIGN KEY ({0}) REFERENCES {0} ({0})",
    "ALTER TABLE b ADD COLUMN {0} int, DROP COLUMN {0}, INHERIT {0}",
    "ALTER TABLE b ATTACH PARTITION {0} DEFAULT",
    "COMMENT ON TABLE {0} IS 'x'",
    "COMMENT ON COLUMN {0}.{0} IS 'x'",
    "COMMENT ON CONSTRAINT {0} ON {0} IS 'x'",
    "LOCK {0}, ONLY ({0}) IN SHARE MODE",
    "VACUUM {0} ({0}), b",
    "ANALYZE {0} ({0}), ONLY (b)",
    "CLUSTER {0} USING {0}",
    "REINDEX TABLE {0}",
    "REFRESH MATERIALIZED VIEW CONCURRENTLY {0}",
    "CREATE TABLE {0} ({0} int REFERENCES {0}, LIKE {0}) INHERITS ({0}, c)",
    "CREATE TABLE {0} PARTITION OF {0} DEFAULT",
    "CREATE VIEW {0} ({0}) AS SELECT {0} FROM {0}, b",
    "CREATE INDEX {0} ON ONLY {0} USING {0} ({0})",
    "CREATE TRIGGER {0} BEFORE UPDATE OF {0} ON {0} EXECUTE FUNCTION {0} ()",
    "CREATE RULE {0} AS ON INSERT TO {0} DO INSTEAD INSERT INTO {0} VALUES (1)",
    "CREATE POLICY {0} ON {0} USING ({0} = (SELECT {0} FROM b))",
    "CREATE PUBLICATION {0} FOR TABLE {0}, ONLY ({0}) ({0}) WHERE ({0} = 1), c",
    "CREATE SCHEMA {0} CREATE VIEW {0} AS SELECT 1 FROM {0} GRANT ALL ON {0} TO {0}",
    "DROP SCHEMA IF EXISTS {0}, b CASCADE",
    "GRANT SELECT ({0}) ON {0}, b TO {0}",
    "COPY {0} ({0}) FROM STDIN WHERE {0} = 1",
    "DELETE FROM ONLY ({0}) WHERE {0} = 1",
    "MERGE INTO ONLY ({0}) USING {0} {0} ON true WHEN MATCHED THEN DELETE",
    "SELECT * FROM ONLY ({0}) {0}, b",
    "WITH {0} AS (SELECT * FROM {0}) INSERT INTO {0} SELECT * FROM {0}",
    "SELECT sum({0}) OVER {0} FROM b WINDOW {0} AS (ORDER BY (SELECT {0} FROM c))",
    "PREPARE {0} AS SELECT * FROM {0}",
    "DECLARE {0} CURSOR FOR SELECT * FROM {0}",
)


@pytest.mark.parametrize("model", MODELS)
def test_a_keyword_is_a_name_where_postgresql_takes_it_for_one(model):
    judged = 0
    for word in sorted(keywords.UNRESERVED_KEYWORDS | keywords.COL_NAME_KEYWORDS):
        sql = model.format(word)
        try:
            (tree,) = parser.parse_sql(sql)
        except parser.ParseError:
            continue
        judged += 1
        verdict = judge(tree.stmt, frozenset())
        statement = classify(sql)
        assert frozenset(map(tuple, statement.tables)) == verdict.tables, sql
        assert (statement.read_only or bool(statement.asks)) == verdict.is_read, sql
        assert statement.kind is not Kind.UNKNOWN, (sql, statement.reason)
    assert judged > 200


@pytest.mark.parametrize(
    ("sql", "dialect", "expected"),
    [
        ("SELECT * FROM user u, b", "mysql", "plain read: user, b"),
        ("UPDATE user SET x = 1", "mysql", "write: +user"),
        ("SELECT 1 FROM DUAL", "mysql", "plain read"),
        ("SELECT * FROM 1st, offset", "mysql", "plain read: 1st, offset"),
        (
            "SELECT * FROM user, offset o, window",
            "sqlite",
            "plain read: user, offset, window",
        ),
        ("SELECT * FROM current_user", "postgresql", "plain read"),
        ("UPDATE ignore SET x = 1", "postgresql", "write: +ignore"),
        ("UPDATE IGNORE a SET x = 1", "mysql", "write: +a"),
    ],
)
def test_what_is_a_name_depends_on_the_dialect(sql, dialect, expected):
    assert seen(sql, dialect) == expected
