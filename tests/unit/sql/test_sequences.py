"""MariaDB's reads that write: what draws from a sequence, or may."""

from __future__ import annotations

import pytest

from routedb.sql import classify

from .seen import seen

DRAWS = "write; session variable"
ASKS = "read; session variable"


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT s.`nextval`", DRAWS),
        ("SELECT `db`.`s`.`NextVal`, a.`id` FROM a", "write: a; session variable"),
        ("SELECT `s`.`currval`", ASKS),
        ("SELECT `nextval`, `a`.`x` FROM a", "plain read: a"),
        ("SELECT NEXT VALUE FOR s", DRAWS),
        ("SELECT NEXT VALUE FOR db.s", DRAWS),
        ("SELECT nextval(s)", DRAWS),
        ("SELECT setval(s, 1, true)", DRAWS),
        ("SELECT s.nextval", DRAWS),
        ("SELECT db.s.nextval", DRAWS),
        ("SELECT `s`.NEXTVAL AS n", DRAWS),
        ("SELECT 1 + s.nextval", DRAWS),
        ("SELECT if(1, s.nextval, 0)", DRAWS),
        ("SELECT PREVIOUS VALUE FOR s", ASKS),
        ("SELECT lastval(s)", ASKS),
        ("SELECT s.currval", ASKS),
        ("SELECT db.s.currval", ASKS),
        ("SELECT DEFAULT(x) FROM a", "read: a; session variable"),
        ("SELECT default(`x`) FROM a", "read: a; session variable"),
        ("SELECT DEFAULT(a.x) FROM a", "read: a; session variable"),
        ("SELECT y FROM a WHERE x = DEFAULT(x)", "read: a; session variable"),
        ("SELECT y FROM a ORDER BY DEFAULT(x)", "read: a; session variable"),
        ("SELECT * FROM (SELECT DEFAULT(x) FROM a) q", "read: a; session variable"),
        ("TABLE a", "plain read: a"),
        ("SELECT nextval FROM a", "plain read: a"),
        ("INSERT INTO a VALUES (DEFAULT)", "write: +a"),
        ("SELECT (s.nextval)", DRAWS),
        ("DO s.nextval", DRAWS),
        ("SELECT x FROM a JOIN b ON a.id = s.nextval", "write: a, b; session variable"),
    ],
)
def test_what_draws_is_no_plain_read(sql, expected):
    assert seen(sql, "mysql") == expected


@pytest.mark.parametrize("dialect", ["postgresql", "sqlite"])
def test_elsewhere_they_are_columns(dialect):
    assert classify("SELECT a.nextval, a.currval FROM a", dialect).read_only
