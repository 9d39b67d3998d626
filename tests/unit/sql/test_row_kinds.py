"""Rows that are passed over by a pattern of those before, and those that are not."""

from __future__ import annotations

import pytest

from routedb.sql import Classifier, scan
from routedb.sql.scanner import long_text
from routedb.sql.scanner.row_kinds import RowKinds

from .seen import line
from .test_distinct_rows import TABLE, by_rows, rows

# A row, others of its kind, and some that are of another.
ALIKE = {
    ("postgresql", "(1, f('a'))"): (
        ["(22, f('it''s'))", "(3.5, f(NULL))", "(-1, f(2))", "(NULL, f(E'\\''))"],
        ["(1, g('a'))", "(1, f(a))", "(1, f('a' 'b'))", "(1, f('a'), 2)", "(1, f())"],
    ),
    ("postgresql", "(DATE '2024-01-01', x)"): (
        ["(DATE '', x)", "(DATE 'a\\', x)"],
        ["(DATE 'a', 'x')", "(DATE NULL, x)", "(DATE E'a', x)", "(TIME 'a', x)"],
    ),
    ("postgresql", "(E'a\\n', now())"): (
        ["(E'it\\'s', now())", "('a\\', now())", "(5, now())", "(e'', now())"],
        ["(E'a\\', now())", "(E'a', now(1))", "(Ea, now())", "(NOW'a', now())"],
    ),
    ("postgresql", "($$a$$::text, 1)"): (
        ["($$it's$$::text, 2)", "($$$$::text, NULL)"],
        ["($a$x$a$::text, 1)", "($$a$b$$::text, 1)", "($$a$$::json, 1)"],
    ),
    ("postgresql", "(1, f(2)) /* a */ "): (
        ["(1, f(2)) /* it's */ ", "(3, f('')) /**/ "],
        ["(1, f(2)) /* /* */ ", "(1, f(2)) /* routedb: a */ ", "(1, f(2)) /*+ a */ "],
    ),
    ("postgresql", "(1, f(2)) /* a/b */ "): (
        ["(1, f(2)) /* it's */ ", "(3, f('')) /* / // */ "],
        ["(1, f(2)) /* /* */ ", "(1, f(2)) /* ** */ ", "(1, f(2)) /*! a */ "],
    ),
    ("mysql", "(1, _utf8mb4'a')"): (
        ["(0x1F, _utf8mb4'it\\'s')", "(\"a\", _utf8mb4'')", "('\\\\', _utf8mb4'a')"],
        ['(1, _utf8mb4"a")', "(1, _latin1'a')", "(1, _utf8mb4'a\\')"],
    ),
    ("mysql", "(f(1), @a := 2)"): (
        ["(f('x'), @a := 2)", "(f(-3), @a := 22)"],
        ["(f(1), @b := 2)", "(f(1), @a := x)", "(f(1), @a := 2 )"],
    ),
    ("mysql", "(f(1), 'a') -- x\n"): (
        ["(f(2), 'b') -- it's\n", "(f(2), 'b') -- \n"],
        ["(f(1), 'a') --x\n", "(f(1), 'a') -- routedb: a\n", "(f(1), 'a') # x\n"],
    ),
    ("sqlite", "(?1, abs(:a))"): (
        ["(?22, abs(:b1))", "(?, abs('\\'))", "(x'1F', abs(NULL))"],
        ["(?1, abs(a))", "(@1, abs(:a))", "(?1, sum(:a))", "(N'a', abs(1))"],
    ),
    ("sqlite", '("a", f(1))'): (
        ['("a", f(2.5e3))'],
        ['("b", f(1))', "('a', f(1))", "([a], f(1))"],
    ),
}


@pytest.mark.parametrize(("dialect", "row"), ALIKE)
def test_rows_are_of_a_kind_when_nothing_but_literals_differs(dialect, row):
    like, unlike = ALIKE[dialect, row]
    kinds = RowKinds(dialect)
    kinds.learn(f", {row}")
    text = "".join(f", {other}" for other in (row, *like, row, *like))
    assert kinds.pass_over(f"{text})", 0) == len(text)
    for other in unlike:
        text = f", {row}, {other}, {row}"
        assert kinds.pass_over(text, 0) == len(f", {row}"), other


@pytest.mark.parametrize(("row", "dialect"), TABLE)
def test_a_kind_is_passed_over_whatever_is_in_its_rows(row, dialect):
    text = "".join(f",\n{each}" for each in rows(row, 60))
    kinds = RowKinds(dialect)
    for each in rows(row, 4):  # as many as differ in where they are quoted
        kinds.learn(f",\n{each}")
    assert kinds.pass_over(text, 0) == len(text)


ODD = {
    "((SELECT max(x) FROM secret), 'a')": "write: +t, secret",
    "(nextval('s'), 'a')": "write: +t; session variable",
    "(1, (VALUES (2)))": "write: +t",
    "(hidden(1), 'a')": "write: +t",
    "(1, 'a''b' COLLATE x)": "write: +t",
    "(CASE WHEN EXISTS (TABLE secret) THEN 1 END, 'a')": "write: +t, secret",
}


@pytest.mark.parametrize("row", ["(#, f('@@'))", "(#, E'it\\'s @@')", "(#, '@@'::x)"])
@pytest.mark.parametrize("odd", ODD)
def test_the_run_goes_on_behind_a_row_of_no_kind(row, odd):
    many = rows(row, 3_000)
    many[1_000:1_000] = [odd]
    many[2_500:2_500] = [odd, odd]
    classifier = Classifier("postgresql")
    cut = classifier.scan(f"INSERT INTO t (a, b) VALUES {', '.join(many)}")
    assert not cut.is_whole
    assert len(cut.shape) < 600
    assert line(classifier.statement(cut)) == ODD[odd]


def test_a_hint_between_rows_is_heard():
    many = ", ".join(rows("(#, f('@@'))", 2_000))
    sql = f"INSERT INTO t VALUES {many} /* routedb: role=writer */, {many}"
    classifier = Classifier("postgresql")
    hints = classifier.statement(classifier.scan(sql)).hints
    assert hints is not None
    assert hints.role == "writer"


def test_a_second_row_is_kept_for_texts_whose_brackets_do_not_match():
    many = ", ".join(rows("(ARRAY[#, 2], ARRAY['@@', 'b']::text[])", 60, 5))
    head = "INSERT INTO s.t SELECT * FROM (VALUES (1); DELETE FROM a"
    sql = f"{head}; INSERT INTO t VALUES (2), {many}) AS v, u"
    classifier = Classifier("postgresql")
    with by_rows():
        cut = classifier.scan(sql)
    assert not cut.is_whole
    whole = classifier.statement(scan(sql, "postgresql"))
    assert set(whole.tables) <= set(classifier.statement(cut).tables)


def test_rows_that_are_all_of_other_kinds_are_read():
    many = [f"(f{n}(1), (SELECT x FROM t{n}))" for n in range(1_500)]
    classifier = Classifier("postgresql")
    cut = classifier.scan(f"INSERT INTO t VALUES {', '.join(many)}")
    assert len(classifier.statement(cut).tables) == 1_501


@pytest.mark.parametrize("dialect", ["postgresql", "mysql", "sqlite"])
def test_what_never_ends_takes_no_long_time(dialect):
    for row in ("(f(1), 'a", "(f(" + "1" * 3_000, "(f(1), '" + "''" * 1_000):
        text = "INSERT INTO t VALUES " + "(f(1), 'a'), " * 3_000 + row
        assert long_text.shorten(text, dialect) is not None


def test_many_forms_in_many_columns_are_not_tried_with_one_another():
    """A row of no kind behind them took twice as long with each column."""
    forms = ("'a'", r"'a\n'", r"'it\'s'", "'it''s'", r"'c:\\'", "NULL", "'abc'")
    many = [f"(f(1), {', '.join([form] * 40)}, 1)" for form in forms] * 30
    odd = f"(f(1), {', '.join([forms[0]] * 40)}, x)"
    text = f"INSERT INTO t VALUES {', '.join((*many, odd, *many))}"
    for dialect in ("postgresql", "mysql", "sqlite"):
        assert long_text.shorten(text, dialect) is not None
