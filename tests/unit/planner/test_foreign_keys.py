"""Foreign keys that are taken out of definitions."""

from __future__ import annotations

import pytest

from routedb.planner import ForeignKey, KeysTaken, Refusal, take_keys
from routedb.sql import Table

FAR = ForeignKey(("far_id",), Table(None, "far"), ("id",))
TAKEN = [
    (
        "CREATE TABLE t (id int PRIMARY KEY, far_id int NOT NULL REFERENCES far (id) "
        "ON DELETE SET NULL ON UPDATE NO ACTION DEFERRABLE INITIALLY DEFERRED UNIQUE);",
        "CREATE TABLE t (id int PRIMARY KEY, far_id int NOT NULL UNIQUE);",
        FAR,
    ),
    (
        "create table if not exists s.t (far_id int constraint k references far(id), "
        "near_id int references near (id)) WITH (fillfactor = 70)",
        "create table if not exists s.t (far_id int, near_id int references near (id))"
        " WITH (fillfactor = 70)",
        FAR,
    ),
    (
        "CREATE TABLE t (a numeric(3, 2), b int, CHECK (a > 1), "
        "CONSTRAINT k FOREIGN KEY (a, b) REFERENCES s.far MATCH FULL ON DELETE RESTRICT"
        ")",
        "CREATE TABLE t (a numeric(3, 2), b int, CHECK (a > 1))",
        ForeignKey(("a", "b"), Table("s", "far"), ()),
    ),
    (
        'CREATE TABLE t ("a" int, FOREIGN KEY ("a") REFERENCES "far" ("b"), c int)',
        'CREATE TABLE t ("a" int, c int)',
        ForeignKey(("a",), Table(None, "far"), ("b",)),
    ),
    (
        'CREATE TABLE t (a int, "B ""b" int, FOREIGN KEY ("B ""b") REFERENCES '
        '"Far"."far" ("Id"))',
        'CREATE TABLE t (a int, "B ""b" int)',
        ForeignKey(('B "b',), Table("Far", "far"), ("Id",)),
    ),
    (
        "ALTER TABLE ONLY t ADD CONSTRAINT k FOREIGN KEY (far_id) REFERENCES far(id) "
        "NOT VALID",
        None,
        FAR,
    ),
    (
        "ALTER TABLE t ADD COLUMN far_id int REFERENCES far(id) NOT NULL, DROP x",
        "ALTER TABLE t ADD COLUMN far_id int NOT NULL, DROP x",
        FAR,
    ),
    (
        "ALTER TABLE t ADD FOREIGN KEY (far_id) REFERENCES far(id), ADD y int",
        "ALTER TABLE t ADD y int",
        FAR,
    ),
]


def _is_far(table: Table) -> bool:
    return table.name == "far"


@pytest.mark.parametrize(("source", "left", "key"), TAKEN)
def test_a_key_to_elsewhere_is_cut_out(source, left, key):
    assert take_keys(source, "postgresql", _is_far) == KeysTaken(left, (key,))


def test_what_stays_is_as_it_was_written():
    source = "CREATE TABLE t ( a int DEFAULT 1 /* , */, b text REFERENCES near)"
    taken = take_keys(source, "sqlite", _is_far)
    assert isinstance(taken, KeysTaken)
    assert taken.keys == ()
    assert "a int DEFAULT 1" in str(taken.text)


NOT_UNDERSTOOD = [
    "CREATE TABLE t (a int REFERENCES far(id) REFERENCES near(id))",
    "CREATE TABLE t (a int REFERENCES U&'far'(id))",
    "CREATE TABLE t (FOREIGN KEY (a) REFERENCES far(id))",
    "CREATE TABLE t (a int, FOREIGN KEY (a) REFERENCES far(id) WHATEVER)",
    "CREATE TABLE t OF u",
    "CREATE VIEW v AS SELECT 1",
]


@pytest.mark.parametrize("source", NOT_UNDERSTOOD)
def test_what_is_not_understood_is_refused(source):
    taken = take_keys(source, "postgresql", lambda table: True)
    assert isinstance(taken, Refusal)
