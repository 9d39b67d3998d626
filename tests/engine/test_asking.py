"""Whatever is asked of a server goes through `Link.ask`; what is no verdict ends it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import routedb
from routedb.adapters import fake
from routedb.adapters.base import AUTOCOMMIT, TxMode
from routedb.engine.consistency.catch_up import ask
from tests.support.fake_rig import farm
from tests.support.inject import TimeLimit

ENGINE = Path(routedb.__file__).parent / "engine"
# What sends nothing, or is settled by who calls it (commit, rollback).
ASKS_NOTHING = {"abandon", "cancel", "close", "cursor", "end", "fault", "interrupt"}
ASKS_NOTHING |= {"backend_id", "forget_lexical_mode"}


def test_nobody_calls_an_adapter_past_the_link():
    called = re.compile(r"adapter\.(\w+)\((?:link|slot)\.raw").findall
    files = [path for path in ENGINE.rglob("*.py") if path.name != "link.py"]
    found = {name for path in files for name in called(path.read_text("utf-8"))}
    assert found - ASKS_NOTHING - {"is_alive"} == set()


QUESTIONS = {
    "probe": lambda link: link.probe(),
    "run": lambda link: link.run("SELECT 1"),
    "begin": lambda link: link.begin(AUTOCOMMIT),
    "set_mode": lambda link: link.set_mode(TxMode(read_only=True)),
    "ask_setting": lambda link: link.ask_setting("a"),
    "is_idle": lambda link: link.is_idle(),
    "volatility": lambda link: link.volatility("f", None),
    "reset": lambda link: link.reset(True),
}


@pytest.mark.parametrize("kind", [KeyboardInterrupt, TimeLimit])
@pytest.mark.parametrize("name", QUESTIONS)
def test_what_is_no_verdict_ends_the_link(name, kind, monkeypatch):
    def interrupted(*args):
        raise kind

    with farm(pool={"max": 2}) as rig:
        connection = rig.connect()
        connection.cursor().execute("SELECT a FROM t")
        [link] = connection.session.links
        raw = link.raw
        monkeypatch.setattr(fake.FakeAdapter, name, interrupted)
        with pytest.raises(kind):
            QUESTIONS[name](link)
        assert raw.closed
        assert not list(connection.session.links)


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_verdict_does_not(name, monkeypatch):
    def refused(*args):
        raise fake.OperationalError("no")

    with farm(pool={"max": 2}) as rig:
        connection = rig.connect()
        connection.cursor().execute("SELECT a FROM t")
        [link] = connection.session.links
        monkeypatch.setattr(fake.FakeAdapter, name, refused)
        with pytest.raises(fake.OperationalError):
            QUESTIONS[name](link)
        assert list(connection.session.links) == [link]
        assert not link.raw.closed


def test_a_time_limit_comes_out_of_a_question_and_an_error_does_not(monkeypatch):
    with farm() as rig:
        connection = rig.connect()
        connection.cursor().execute("SELECT a FROM t")
        links = connection.session.links
        [link] = links
        rig.servers[link.node.name].fail("probe")
        assert ask(links, link) is None

        def interrupted(*args):
            raise TimeLimit

        monkeypatch.setattr(fake.FakeAdapter, "probe", interrupted)
        with pytest.raises(TimeLimit):
            ask(links, link)
        assert list(links) == []
