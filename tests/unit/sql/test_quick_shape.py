"""The quick way finds the shape that a scan does, or one that no text has."""

from __future__ import annotations

import random

import pytest

from routedb.sql import Classifier, LexicalMode, scan
from routedb.sql.lexical_mode import read_in
from routedb.sql.scanner.patterns import DIALECTS
from routedb.sql.scanner.quick_shape import masked, shape_of
from routedb.sql.scanner.shape import may_depend

ALL = DIALECTS
PG, MY, LITE = DIALECTS
MANY = ", ".join(map(str, range(50)))
STRINGS = ", ".join(f"'n{n}'" for n in range(50))
ROWS = ", ".join(f"({n}, 'n{n}', {n}.50, NULL, -1)" for n in range(40))

# Texts that take the quick way, and the shape of each.
QUICK = [
    (ALL, "SELECT a FROM t WHERE b = 5", "SELECT a FROM t WHERE b = 0"),
    (ALL, "SELECT a FROM t2 WHERE b1 = 1.50", "SELECT a FROM t2 WHERE b1 = 0"),
    (ALL, "select a from t where b = 'it''s'", "select a from t where b = ''"),
    (ALL, "SELECT a FROM t WHERE b = '''' ;", "SELECT a FROM t WHERE b = '' ;"),
    (ALL, "SELECT a FROM t WHERE b = ''", "SELECT a FROM t WHERE b = ''"),
    (ALL, "SELECT '-- a', '/* b */', '(1, 2)'", "SELECT '', '', ''"),
    (ALL, "SELECT a\n  FROM\tt\r\n WHERE b=5\n", "SELECT a FROM t WHERE b=0"),
    (ALL, "SELECT a FROM t /* id=7 */", "SELECT a FROM t"),
    (ALL, "SELECT a FROM t /* it's 'x */ -- id=7", "SELECT a FROM t"),
    (ALL, "/* id=7 */ /* it's */SELECT a FROM t -- x", "SELECT a FROM t"),
    (ALL, "-- id=7\n-- it's 8\nSELECT a FROM t", "SELECT a FROM t"),
    (ALL, "SELECT a FROM t WHERE b = 'x' -- it's 7\n", "SELECT a FROM t WHERE b = ''"),
    (ALL, "SELECT a FROM t WHERE b = 5/**/", "SELECT a FROM t WHERE b = 0"),
    (ALL, f"SELECT a FROM t WHERE b IN ({MANY})", "SELECT a FROM t WHERE b IN (0)"),
    (ALL, f"SELECT a FROM t WHERE b not in ({STRINGS}) AND c IN ({MANY}) LIMIT 5",
     "SELECT a FROM t WHERE b not in (0) AND c IN (0) LIMIT 0"),
    (ALL, "SELECT a FROM t WHERE b IN (1,2) AND c IN ('a','b')",
     "SELECT a FROM t WHERE b IN (0) AND c IN (0)"),
    (ALL, "SELECT a FROM t WHERE b IN (%s, %s, 1, NULL)",
     "SELECT a FROM t WHERE b IN (0)"),
    (ALL, f"INSERT INTO t (a, b, c, d, e) VALUES {ROWS}",
     "INSERT INTO t (a, b, c, d, e) VALUES (0)"),
    (ALL, "INSERT INTO t VALUES(1,'a'),(2,'b') ON CONFLICT (a) DO NOTHING",
     "INSERT INTO t VALUES(0) ON CONFLICT (a) DO NOTHING"),
    (ALL, "INSERT INTO t VALUES (%s, %s), (%s, %s) RETURNING a",
     "INSERT INTO t VALUES (0) RETURNING a"),
    (ALL, "UPDATE t SET a = f(1, 2) WHERE b = -3",
     "UPDATE t SET a = f(0, 0) WHERE b = -0"),
    ((PG, LITE), 'SELECT "t"."a" FROM "t" WHERE "t"."b2" = 7',
     'SELECT "t"."a" FROM "t" WHERE "t"."b2" = 0'),
    ((PG, LITE), "SELECT \"t\".\"a\"\n  FROM \"t\" WHERE b = 'he said \"no\"'",
     'SELECT "t"."a" FROM "t" WHERE b = \'\''),
    ((MY, LITE), "SELECT `t`.`a` FROM `t` WHERE `b` = 7",
     "SELECT `t`.`a` FROM `t` WHERE `b` = 0"),
    ((PG,), "SELECT a FROM t WHERE b = ANY (ARRAY[1, 2, 3])",
     "SELECT a FROM t WHERE b = ANY (ARRAY[0])"),
]  # fmt: skip


def quick_shape(sql: str, dialect: str) -> str | None:
    """Do as the cache of plans does."""
    mask = masked(sql, dialect)
    return None if mask is None else shape_of(mask, dialect)


@pytest.mark.parametrize(
    ("dialect", "sql", "shape"),
    [(each, *rest) for dialects, *rest in QUICK for each in dialects],
)
def test_plain_texts_need_no_scan(dialect, sql, shape):
    assert quick_shape(sql, dialect) == shape
    assert scan(sql, dialect).shape == shape


# Pairs that must not be one: what differs is no literal, or counts.
APART = [
    (ALL, 'SELECT "a 1" FROM t', 'SELECT "a 2" FROM t'),
    (ALL, "SELECT a FROM t1", "SELECT a FROM t2"),
    (ALL, "SET autocommit = 0", "SET autocommit = 1"),
    (ALL, "set  autocommit = 0", "set  autocommit = 1"),
    (ALL, "PRAGMA query_only = 1", "PRAGMA query_only = 0"),
    (ALL, "PREPARE TRANSACTION 'a'", "PREPARE TRANSACTION 'b'"),
    (ALL, "COMMIT PREPARED 'a'", "COMMIT PREPARED 'b'"),
    (ALL, "ROLLBACK PREPARED 'a'", "ROLLBACK PREPARED 'b'"),
    (ALL, "SELECT 1; SET autocommit = 0", "SELECT 1; SET autocommit = 1"),
    (ALL, "SELECT a FROM t /* routedb: role=writer */", "SELECT a FROM t"),
    (ALL, "SELECT a FROM t -- routedb: shard=1", "SELECT a FROM t -- routedb: shard=2"),
    (ALL, "/* routedb: key=1 */ SELECT a", "/* routedb: key=2 */ SELECT a"),
    (ALL, "SELECT f(1, 2)", "SELECT f(1)"),
    (ALL, "SELECT xin (1, 2)", "SELECT xin (1)"),
    (ALL, "SELECT a FROM t WHERE b IN (SELECT 1)", "SELECT a FROM t WHERE b IN (1)"),
    (ALL, "SELECT a FROM t WHERE b IN (f(1), 2)", "SELECT a FROM t WHERE b IN (1, 2)"),
    (ALL, "INSERT INTO t VALUES (1, now())", "INSERT INTO t VALUES (1, 2)"),
    (ALL, "SELECT 'a", "SELECT 'a'"),
    ((PG, MY), "SELECT a FROM t /* b", "SELECT a FROM t"),
    (ALL, "SELECT a -- ' \n FROM t -- '", "SELECT a"),
    (ALL, "SELECT 'a' -- 'b'\n, nextval('c')", "SELECT 'a'"),
    (ALL, "SELECT a /* ' */ FROM t, u /* ' */", "SELECT a"),
    (ALL, "SELECT '/*', a FROM t '*/'", "SELECT '"),
    ((PG,), "SELECT $$a /* b */$$", "SELECT $$a"),
    ((PG,), "SELECT $$'$$, a FROM t1 --'", "SELECT $$'$$, a FROM t2 --'"),
    ((PG,), "SELECT a /* b /* c */", "SELECT a"),
    (ALL, "SELECT a -- /* \n , b */", "SELECT a"),
    (ALL, "SELECT a -- /* -- \n */ -- c", "SELECT a"),
    (ALL, "SELECT a /* -- */, b -- */", "SELECT a"),
    ((PG,), "/* a /* b */ SELECT 1 */ SELECT 2", "SELECT 1 */ SELECT 2"),
    ((PG,), "SELECT 'a'\n'b'", "SELECT 'a' 'b'"),
    ((PG,), "SELECT U&\"d!0061\" UESCAPE '!'", "SELECT U&\"d!0061\" UESCAPE '?'"),
    ((PG,), "SELECT \"it's\" FROM a, 'c'", "SELECT \"it's\" FROM b, 'c'"),
    ((MY,), "SELECT 1 /*! FROM t */", "SELECT 1"),
    ((MY,), "SELECT 1 /*M!100100 FROM t */", "SELECT 1"),
    ((MY,), "/*!50000 UPDATE t SET a = 1; */ SELECT 1", "SELECT 1"),
    ((MY,), "SELECT a --5\n", "SELECT a"),
    ((MY,), "SELECT a - --5", "SELECT a -"),
    ((MY,), "SELECT a # '\n, nextval(b) # '", "SELECT a"),
    ((LITE,), "SELECT a FROM 't1'", "SELECT a FROM 't2'"),
    ((LITE,), "UPDATE 't1' SET a = 1", "UPDATE 't2' SET a = 1"),
    ((LITE,), "SELECT [a 1] FROM t", "SELECT [a 2] FROM t"),
    ((LITE,), "SELECT [it's], '[' FROM t", "SELECT [it's], '[' FROM u"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("dialect", "one", "other"),
    [(each, *rest) for dialects, *rest in APART for each in dialects],
)
def test_texts_that_differ_in_more_than_literals_are_apart(dialect, one, other):
    if dialect == MY and '"' in one:  # a string there
        assert may_depend(one, dialect)
        return
    shapes = {scan(text, dialect).shape for text in (one, other)}
    assert len(shapes) == 2
    for text in (one, other):
        check(text, dialect)


def is_plain(sql: str, dialect: str) -> bool:
    """Tell whether the quick way is tried, as the cache of plans does."""
    if not may_depend(sql, dialect):
        return True
    reading = read_in(LexicalMode(dialect), sql, dialect)
    return "\\" not in sql and reading is not None and reading.is_as_plain(dialect)


def check(sql: str, dialect: str) -> bool:
    """Check the quick shape of `sql` if there is one that may be found; tell that."""
    if not is_plain(sql, dialect):
        return False
    quick = quick_shape(sql, dialect)
    whole = scan(sql, dialect)
    if quick is None or quick == whole.shape:
        return quick is not None
    # No shape is a text that would itself have another one.
    assert scan(quick, dialect).shape != quick, (sql, quick, whole.shape)
    return False


PIECES = r"""
    select SELECT SET PRAGMA COMMIT PREPARED a t1 b2 x5 FROM 't' WHERE IN in VALUES
    values VALUE ARRAY[ [ ] ( ) , ; = - + . .. 0 1 23 4.5 1e5 .5 0x1F 'a' 'it''s' '' '
    " ` "a" "it's" `c` [d] $ $$ $1 $x$ E'x' B'1' U&'x' U&" N'' UESCAPE -- --5 # /* */
    /*+ /*! /*M! /**/ /*/ % %s ? NULL routedb: BEGIN END nextval( f( * / | > < ::
    date'1' autocommit é \ _ IN( DEFAULT INTO TRANSACTION
"""
WORDS = [
    *PIECES.split(),
    *["(1, 2, 3)", "('a', 'b')", "(%s, %s)", "(1,2)", "((1, 2), (3, 4))", "/* x */"],
    *["-- x\n", "/* routedb: role=writer */", "IN (1, 2)", "VALUES (1, 'a'), (2, 'b')"],
    *["\n", "\t", "\r", "\x1c", "  ", '"a b"', " IN (1), (2)"],
    *["'é'", "'\\'", r"'a\b'", r"'\\'", r"E'\''", '"é"', "'ü\u2028'", "'¥'"],
]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("seed", range(2))
def test_whatever_the_text(dialect, seed):
    rng = random.Random(seed)
    found = sum(check(made(rng), dialect) for _ in range(2_500))
    assert found > 50


@pytest.mark.long
@pytest.mark.parametrize("dialect", DIALECTS)
def test_whatever_the_text_for_long(dialect):
    rng = random.Random(11)
    assert sum(check(made(rng), dialect) for _ in range(100_000)) > 3_000


def made(rng: random.Random) -> str:
    gap = rng.choice(["", " ", " ", " ", "\n"])
    words = rng.choices(WORDS, k=rng.randint(1, 9))
    return gap.join(["SELECT " if rng.random() < 0.5 else "", *words])


@pytest.mark.parametrize("dialect", DIALECTS)
def test_one_shape_is_one_classification(dialect):
    """What is found by a shape is what a scan of the text itself would say."""
    classifier, rng = Classifier(dialect), random.Random(5)
    for _ in range(1_000):
        sql = made(rng)
        quick = quick_shape(sql, dialect) if is_plain(sql, dialect) else None
        if quick is not None and quick == scan(sql, dialect).shape:
            fresh = Classifier(dialect, max_shapes=0)
            known = classifier.statement(scan(quick, dialect)._replace(shape=quick))
            assert known == fresh.statement(scan(sql, dialect))


def test_long_lists_are_left_to_those_who_shorten():
    names = ", ".join(f"column{n}" for n in range(400))
    assert quick_shape(f"SELECT {names} FROM t WHERE a = 1", PG) is not None
    many = ", ".join(map(str, range(1_000)))
    assert quick_shape(f"SELECT a FROM t WHERE a IN ({many})", PG) is None
    assert quick_shape(f"SELECT {names * 40} FROM t", PG) is None
