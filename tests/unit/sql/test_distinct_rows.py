"""Rows of any literals are left out of a long text, and what is no literal is seen."""

from __future__ import annotations

import dataclasses
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routedb.sql import Classifier, scan
from routedb.sql.scanner import long_text
from routedb.sql.scanner.distinct_rows import Rows

ROWS = 200
ALL = ("postgresql", "mysql", "sqlite")
PG, MY, LITE = (ALL[:1], ALL[1:2], ALL[2:])

# In each row `#` is a number and `@@` a word, others each time.
KINDS = (
    ("(#, DATE '2024-01-1#', '@@')", PG + MY),
    ("(#, TIMESTAMP '2024-01-0# 10:00:00', '@@')", PG + MY),
    ("(#, TIMESTAMP WITH TIME ZONE '2024-01-01 10:00+0#')", PG),
    ("(#, timestamptz'2024-01-01 10:0#:00', NULL)", PG),
    ("(#, INTERVAL '# days', INTERVAL '1' DAY)", PG + MY),
    ("('2024-01-01' + INTERVAL # DAY, #)", MY),
    ("(_binary'@@', _utf8mb4 '@@', #)", MY),
    ("(0xDEADBEEF#, 0x0#abc, x'ff0#')", MY + LITE),
    ("(X'0#ff', '@@', NULL)", ALL),
    ("('\\xdeadbeef#'::bytea, '@@')", PG),
    ("(now(), #)", PG + MY),
    ("(CURRENT_TIMESTAMP, '@@', DEFAULT)", ALL),
    ("(f(#), g('@@', #), '@@')", ALL),
    ("(abs(#), my.fn2('@@'), h())", PG + MY),
    ("(ARRAY[#, 2], ARRAY['@@', 'b']::text[])", PG),
    ("('{#,2}'::int[], '{a,b}'::text[])", PG),
    ("('2024-01-0#'::date, #::numeric(10, 2), '@@'::varchar(#))", PG),
    ("('@@'::pg_catalog.text, '@@'::my.mood, '@@'::\"Mood\")", PG),
    ("(CAST('#' AS date), CAST(# AS int))", ALL),
    ("(-#, +#.5, #e5, #.5E-3, .5)", ALL),
    ("(true, FALSE, Null, default, #)", ALL),
    ("(%s, %(a#)s, %(b#)s)", ALL),
    ("($#, $#)", PG),
    ("(?, ?)", MY + LITE),
    ("(?#, :a#, @p#)", LITE),
    ("('{\"a\": [#, \"it''s\"]}', N'@@', n'@@')", PG + MY),
    ("(U&'\\0041@@', b'010#', B'1')", PG),
    ("(E'it\\'s @@\\n', e'\\\\', '@@')", PG),
    ('(#, "it\'s @@", \'say "@@"\')', MY),
    ('(#, "@@", "a\\"b")', MY),
    ("(#, 'it\\'s @@', 'c:\\\\')", MY),
    ("(#, 'c:\\@@', '\\')", PG + LITE),
    ("(#, 'äöü € @@ # ; -- /* $ [ `')", ALL),
    ("(#, $$it's @@$$)", PG),
    ("((#), ('@@', #))", ALL),
    ("(#, '@@') /* c */", ALL),
    ("(# + 1, -# * 2, '@@' || 'b')", PG + LITE),
    ("(ST_GeomFromText('POINT(# #)', 4326), POINT(#, #))", PG + MY),
)
HEADS = (
    "INSERT INTO s.t (a, b, c) VALUES {rows}",
    "INSERT INTO s.t SELECT * FROM (VALUES {rows}) AS v (a, b, c), u",
    "UPDATE t SET x = v.x FROM (VALUES {rows}) AS v (a, b, c) WHERE t.a = v.a",
    "SELECT * FROM t WHERE (a, b, c) IN ({rows}) AND d = 1",
    "/* a='b' */ INSERT INTO t VALUES {rows} -- it's",
    "INSERT INTO t VALUES {rows} ON CONFLICT (a) DO UPDATE SET (b, c) = (1, f(2))",
)
TABLE = [(row, dialect) for row, dialects in KINDS for dialect in dialects]


def rows(row, number=ROWS, start=0):
    words = ("abc", "it is", "x1y2", "", "a), (b", "1, 2")
    return [
        row.replace("#", str(start + 7 * n)).replace("@@", words[n % len(words)])
        for n in range(number)
    ]


def by_rows(size=0):
    """Have runs of `size` characters read by their kinds of rows."""
    return patch.object(long_text, "_LONG_RUN", size)


def known(statement):
    """What is known of a statement, whatever the order of it."""
    values = dataclasses.asdict(statement)
    return {
        name: sorted(map(repr, value)) if isinstance(value, (tuple, list)) else value
        for name, value in values.items()
        if name not in ("reason", "parts")
    }


def both(sql, dialect):
    cut = Classifier(dialect).scan(sql)
    return (
        cut,
        known(Classifier(dialect).statement(cut)),
        known(Classifier(dialect).statement(scan(sql, dialect))),
    )


@pytest.mark.parametrize(
    ("row", "dialect", "head"),
    [(*each, HEADS[n % len(HEADS)]) for n, each in enumerate(TABLE)],
)
def test_rows_of_a_kind_are_one(row, dialect, head):
    sql = head.replace("{rows}", ", ".join(rows(row)))
    cut, short, whole = both(sql, dialect)
    assert short == whole
    assert not cut.is_whole
    assert len(cut.shape) < 400


@pytest.mark.parametrize(
    ("row", "dialect", "head"),
    [(*each, HEADS[(n + 3) % len(HEADS)]) for n, each in enumerate(TABLE)],
)
def test_rows_of_a_kind_are_one_in_a_longer_text(row, dialect, head):
    with by_rows():
        test_rows_of_a_kind_are_one(row, dialect, head)


@pytest.mark.parametrize(("row", "dialect"), TABLE)
def test_all_rows_are_left_out_but_some(row, dialect):
    text = ",\n".join(rows(row))
    kept = Rows(dialect, "(", ",\n")
    assert kept.take(text[: text.rindex(")") + 1])
    assert len(kept.text) < 300


@pytest.mark.parametrize("dialect", ALL)
def test_items_of_a_kind_are_one(dialect):
    for item in ("#", "'@@'", "-#.5", "NULL", "f(#)", "CAST(# AS int)", "X'0#'", "%s"):
        sql = f"SELECT * FROM t WHERE a IN ({', '.join(rows(item, 400))}) AND b = 1"
        cut, short, whole = both(sql, dialect)
        assert short == whole
        assert not cut.is_whole
        assert len(cut.shape) < 100


# What no row of literals has; each is one row, or more than one.
HIDDEN = (
    "(nextval('s'))",
    "(pg_advisory_lock(1))",
    "((SELECT max(x) FROM secret))",
    "((SELECT count(*) FROM 'secret'))",
    "(f1(1))",
    "(f2(1))",
    "(now1(1), f22())",
    "(0xf(1))",
    "(1, e(1))",
    "(1, x('a'))",
    "(1 %s (1))",
    "(%(a1)s (2))",
    "(5 %(nextval(1)))",
    "(5 %(a1(3))s)",
    "(NULLIF(f(1), 2), IFNULL(g(1), 2))",
    "(1, true(2), default(x), null(3))",
    "(@v := 1)",
    "(@'a b')",
    "(1); DELETE FROM secret; INSERT INTO t VALUES (2)",
    "(1)) AS v, secret, (VALUES (1)",
    "(1) ON CONFLICT DO NOTHING; SET ROLE x; INSERT INTO t VALUES (1)",
    "(1) -- '\n, (lastval()), ('a')",
    "(1) # '\n, (lastval()), ('a')",
    "(1) /* ' */, (lastval()) /* ' */",
    "(1) /*! , (lastval()) */",
    "(1) /* routedb: role=writer */",
    '("\'", lastval(), "\'")',
    "(`'`, lastval(), `'`)",
    "(['], lastval(), ['])",
    "('\\', lastval(), '\\')",
    "(E'\\', lastval(), \\'')",
    "(date'\\', lastval(), \\'')",
    "($$'$$, lastval(), $$'$$)",
    "($a$'$a$, lastval(), $a$'$a$)",
    "(a$$'$$, lastval(), '$$')",
    "('a' 'b', lastval())",
    "('a'\n'b', lastval())",
    "(lastval\n())",
    '("lastval"())',
    "(my.lastval())",
    "(CASE WHEN 1 THEN lastval() END)",
    "(1 FROM secret)",
    "\v(lastval())",
    "(\x03lastval())",
    "(lästval(1), lastval٣())",
)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_what_is_hidden_among_rows_is_seen(data):
    _hide(data)


@pytest.mark.long
@settings(max_examples=5000, deadline=None)
@given(st.data())
def test_what_is_hidden_among_rows_is_seen_again_and_again(data):
    _hide(data)


def _hide(data):
    """Let something else stand somewhere among rows of literals."""
    row, dialects = data.draw(st.sampled_from(KINDS))
    dialect = data.draw(st.sampled_from(dialects))
    head = data.draw(st.sampled_from(HEADS))
    before = data.draw(st.integers(0, 60))
    hidden = data.draw(st.lists(st.sampled_from(HIDDEN), min_size=1, max_size=3))
    joint = data.draw(st.sampled_from([", ", ",", ",\n", " ,  ", "\n, "]))
    other = data.draw(st.sampled_from([row, "(1, 'a')", "(1, 'it''s', 2.5e3)"]))
    among = [*rows(row, before), *hidden, *rows(other, 60, 5)]
    sql = head.replace("{rows}", joint.join(among))
    with by_rows(data.draw(st.sampled_from([0, 1_000_000]))):
        _, short, whole = both(sql, dialect)
    assert short == whole or _is_graver(short, whole)


def _is_graver(short, whole):
    """What no server takes, as a backslash outside strings, may be read in two ways:
    never as more harmless."""
    if whole["kind"] == "unknown":
        return not short["read_only"]
    if short["kind"] == "unknown":
        return True
    return short["read_only"] <= whole["read_only"] and all(
        set(value) <= set(short[name] or ())
        for name, value in whole.items()
        if isinstance(value, list)
    )


LETTERS = "aeExXnN0158_$.'\"`\\-/*#()[],;:%s?@ \nfé"


@settings(max_examples=80, deadline=None)
@given(
    st.text(LETTERS, max_size=14),
    st.sampled_from(
        ["(1, 'a')", "(f(1), 'a')", "(0x1F, E'a', 1e5)", '(1, "a")', "(f(1), E'a\\'')"]
    ),
    st.sampled_from(ALL),
    st.sampled_from([0, 1_000_000]),
)
def test_whatever_stands_in_a_row_is_not_passed_over(odd, row, dialect, size):
    many = ", ".join([row] * 60)
    sql = f"SELECT * FROM (VALUES {many}, ({odd}), {many}, (g9(1), 2)) v, u"
    with by_rows(size):
        _, short, whole = both(sql, dialect)
    assert short == whole or _is_graver(short, whole)
