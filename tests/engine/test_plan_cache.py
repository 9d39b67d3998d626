"""A shape is classified once, in the dialect that its hint asks for."""

from __future__ import annotations

import pytest

from routedb import errors
from routedb.config import load
from routedb.engine.plans.plan_cache import PlanCache
from routedb.routing import Rules
from routedb.sql.scanner.patterns import MYSQL_ANSI

CONFIG = {
    "default": "main",
    "databases": {
        "main": {"nodes": ["postgresql://a/x"]},
        "crm": {"nodes": ["mysql://b/y"]},
    },
}


def plans(**top):
    config = load({**CONFIG, **top}, {}, environ={}, read_file=str)
    return PlanCache(config, Rules(config), None)


def test_texts_of_one_shape_share_a_plan():
    known = plans()
    one, other = (known.learn(f"SELECT x FROM t WHERE y = {n}") for n in (1, 2))
    assert other.plan is one.plan
    assert other.scan.literals == ("2",)


def test_lists_of_any_length_share_a_plan():
    known = plans()
    texts = [f"SELECT x FROM t WHERE y IN ({', '.join('1' * n)})" for n in (1, 2, 900)]
    assert len({known.learn(text).plan for text in texts}) == 1


def test_tagged_texts_share_a_plan_and_are_not_kept():
    known = plans()
    known.learn("SELECT x FROM t")
    texts = [f"/* a */ SELECT x FROM t /* trace='{n}' */" for n in range(5000)]
    assert len({known.learn(text).plan for text in texts}) == 1
    assert list(known.by_text) == ["SELECT x FROM t"]


def test_a_tagged_text_that_comes_again_is_kept():
    known = plans()
    text = "SELECT x FROM t -- page 1"
    known.learn(text)
    known.learn(text)
    assert text in known.by_text


def test_a_hint_has_its_database_read_the_text():
    """What begins a comment in PostgreSQL are two signs of a number in MySQL."""
    known = plans()
    text = "/* routedb: database=crm */ SELECT y --{}\nFROM `t`"
    one, other = (known.learn(text.format(n)) for n in (1, 2))
    assert (one.plan.dialect, one.scan.dialect) == ("mysql", MYSQL_ANSI)
    assert other.plan is one.plan
    assert other.scan.literals == ("2",)


def test_a_plan_found_by_its_hint_is_kept_for_the_first_dialect_too(monkeypatch):
    known = plans()
    text = "/* routedb: database=crm */ SELECT x FROM t WHERE y = {}"
    one = known.learn(text.format(1))
    for classifier in known._classifiers.values():
        monkeypatch.setattr(classifier, "statement", None)  # a call would fail
    other = known.learn(text.format(2))
    assert other.plan is one.plan


FOUND_BY_SHAPE = {
    "other literals": ("SELECT x FROM t WHERE y = 1", "SELECT x FROM t WHERE y = 22"),
    "other spaces": ("SELECT x FROM t", "SELECT x\n    FROM\tt\n"),
    "a comment behind": ("SELECT x FROM t", "SELECT x FROM t /* id=1 */"),
    "a comment before": ("SELECT x FROM t", "/* id=1 */\nSELECT x FROM t"),
    "a line behind": ("SELECT x FROM t", "SELECT x FROM t -- id=1"),
    "a line before": ("SELECT x FROM t", "-- id=1\nSELECT x FROM t"),
    "a comment within": ("SELECT x FROM t", "SELECT /* id=1 */ x FROM t"),
    "a longer list": (
        "SELECT x FROM t WHERE y IN (1)",
        "SELECT x FROM t WHERE y IN (1, 2, 3, 4)",
    ),
    "texts in a list": (
        "SELECT x FROM t WHERE y IN (1)",
        "SELECT x FROM t WHERE y IN ('a', 'b''c')",
    ),
    "more rows": (
        "INSERT INTO t (x) VALUES (1)",
        "INSERT INTO t (x) VALUES (1), (2), (3)",
    ),
    "a long text": (
        "INSERT INTO t (x) VALUES (1)",
        f"INSERT INTO t (x) VALUES {', '.join(f'({n})' for n in range(2000))}",
    ),
    "letters beyond ASCII": (
        "SELECT x FROM t WHERE y = 'a' AND z = 'é'",
        "SELECT x FROM t WHERE y = 'b' AND z = 'ü'",
    ),
}


@pytest.mark.parametrize(("one", "other"), FOUND_BY_SHAPE.values(), ids=FOUND_BY_SHAPE)
def test_a_text_is_found_by_its_shape(one, other):
    known = plans()
    known.mode = known.mode._replace(lexis="postgresql")
    plan = known.learn(one).plan
    assert known.learn(other).plan is plan
    assert (known.found, known.missed) == (1, 1)


def test_literals_are_those_of_the_text_itself():
    known = plans()
    texts = [f"SELECT x FROM t WHERE y IN ({n}, {n + 1}) -- '3'" for n in range(9)]
    for number, text in enumerate(map(known.learn, texts)):
        assert text.scan.literals == (str(number), str(number + 1))
        assert text.scan.counted == "SELECT x FROM t WHERE y IN (0, 0)"


@pytest.mark.parametrize(
    "text", ["SELECT 'a\0b'", "SELECT a\0", "\0", "/*\0*/ SELECT 1"]
)
def test_a_nul_is_refused_whatever_is_known(text):
    known = plans()
    known.learn("SELECT '' ")
    known.learn("SELECT 1")
    with pytest.raises(errors.ProgrammingError, match="NUL"):
        known.learn(text)


def test_shapes_are_bounded_and_texts_do_not_keep_those_that_went():
    known = plans(max_shapes=50)
    for number in range(200):
        known.learn(f"SELECT x{number} FROM t")
        assert len(known._plans) <= 50
    assert 40 <= len(known.by_text) <= 50
    assert {text.plan for text in known.by_text.values()} <= {*known._plans.values()}


def test_a_shape_in_use_stays():
    known = plans(max_shapes=50)
    first = known.learn("SELECT x FROM t")
    for number in range(400):
        first.plan.to_writer().hits[0] += 1  # as the hot path counts
        known.learn(f"SELECT x{number} FROM t")
    assert known.learn("SELECT x FROM t").plan is first.plan
    assert "SELECT x FROM t" in known.by_text


# Texts of one mask that are not of one shape, and those that look like them.
NEVER_BY_MASK = [
    ("SET autocommit = 0", "SET autocommit = 1"),
    ("SELECT $$a 1$$", "SELECT $$a 2$$"),
    ('SELECT "a 1" FROM t', 'SELECT "a 2" FROM t'),
    ("SELECT a -- b 1\nFROM t", "SELECT a -- b 2\nFROM t"),
    ("SELECT a /* b 1 */ FROM t", "SELECT a /* b 2 */ FROM t"),
    ("SELECT 1; SET autocommit = 0", "SELECT 1; SET autocommit = 1"),
    (
        "SELECT a FROM t /* routedb: shard=1 */",
        "SELECT a FROM t /* routedb: shard=2 */",
    ),
    ("PREPARE TRANSACTION 'a'", "PREPARE TRANSACTION 'b'"),
    ("SELECT U&\"!0061\" UESCAPE '!'", "SELECT U&\"!0061\" UESCAPE '?'"),
    ("SELECT E'a\\'b', 'c'", "SELECT E'a', 'c'"),
]


@pytest.mark.parametrize("texts", NEVER_BY_MASK)
def test_what_takes_a_scan_is_never_found_by_its_mask(texts):
    known = plans()
    for text in texts * 3:
        known.learn(text)
        assert known.find(text) is None


def test_a_text_is_found_by_its_mask():
    known = plans()
    assert known.find("SELECT x FROM t WHERE y = 1") is None
    texts = [f"SELECT x FROM t WHERE y = {n} -- {n}" for n in range(9)]
    one, other = known.learn(texts[0]), known.learn(texts[1])
    found = known.find(texts[2])
    assert found.plan is one.plan is other.plan
    assert (found.source, found.scan.literals) == (texts[2], ("2",))
    assert [known.find(text).plan for text in texts] == [one.plan] * 9
    for doubtful in ("\0", "\\", "é"):
        assert known.find(f"SELECT x FROM t WHERE y = '{doubtful}'") is None
    known.supersede()
    assert known.find(texts[2]) is None


def test_masks_go_with_their_plans():
    known = plans(max_shapes=50)
    for number in range(120):
        for literal in range(3):
            text = f"SELECT x{number} FROM t WHERE y = {literal}"
            (known.find(text) or known.learn(text)).plan.to_writer().hits[0] += 1
    assert 0 < len(known._by_mask) <= 50
    assert {*known._by_mask.values()} <= {*known._plans.values()}


def test_masks_are_bounded(monkeypatch):
    monkeypatch.setattr("routedb.engine.plans.plan_cache.MOST_MASKS", 16)
    known = plans()
    for depth in range(2, 60):
        known.learn(f"SELECT x{' ' * depth} FROM t WHERE y = 5")
        assert len(known._by_mask) <= 16
    assert known.find(f"SELECT x{' ' * 59} FROM t WHERE y = 6") is not None
