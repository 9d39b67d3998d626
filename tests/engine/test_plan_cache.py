"""A shape is classified once, in the dialect that its hint asks for."""

from __future__ import annotations

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


def plans():
    config = load(CONFIG, {}, environ={}, read_file=str)
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
