"""What a connection holds is free once nobody has it, without the garbage collector."""

from __future__ import annotations

import ast
import gc
import weakref
from functools import partial
from pathlib import Path

import pytest

import routedb
from routedb.engine.shared.let_go import lets_go
from routedb.errors import Fault
from tests.support.fake_rig import farm

HOME = Path(routedb.__file__).parent


@pytest.fixture(autouse=True)
def collecting_nothing():
    gc.disable()
    yield
    gc.enable()


class Thing:
    """Something that a frame holds."""


class Failed(Exception):
    """An error that can be referred to weakly."""


def raised(step):
    """Have `step` raise what it is given; return what lives on of it."""
    held, exc = Thing(), Failed()
    known = weakref.ref(held), weakref.ref(exc)
    try:
        try:
            raise exc
        except Failed as own:
            del exc
            step(own, held)
    except Failed:
        del held
    return [each for each in known if each() is not None]


def test_a_step_that_lets_go_keeps_nothing():
    @lets_go
    def step(exc, held):
        raise exc

    assert raised(step) == []


def test_steps_within_steps_keep_nothing():
    @lets_go
    def inner(exc, held):
        raise exc

    @lets_go
    def outer(exc, held):
        inner(exc, held)

    assert raised(outer) == []


def test_without_it_the_frame_keeps_all():
    def step(exc, held):
        raise exc

    assert len(raised(step)) == 2


STATEMENTS = {
    "a read": (True, "SELECT a FROM t"),
    "a write": (True, "INSERT INTO t VALUES (1)"),
    "many": (True, "executemany"),
    "a read in a transaction": (False, "SELECT a FROM t"),
    "a write in a transaction": (False, "INSERT INTO t VALUES (1)"),
    "many in a transaction": (False, "executemany"),
    "begin": (True, "BEGIN"),
    "a setting": (True, "SET a = 1"),
}


def run(cursor, text):
    if text == "executemany":
        cursor.executemany("INSERT INTO t VALUES (%s)", [(1,), (2,)])
    else:
        cursor.execute(text)


MOMENTS = ["execute", "commit", "rollback"]


def came_of(act):
    """Return what came out of an act, known weakly."""
    try:
        act()
    except Exception as exc:
        return weakref.ref(exc)
    return lambda: None


def left(name, moment, fault, is_known):
    """Return what lives on of a connection whose statement has failed."""
    autocommit, text = STATEMENTS[name]
    with farm() as rig:
        connection = rig.connect(autocommit)
        cursor = connection.cursor()
        if is_known:
            run(cursor, text)
            connection.rollback()
        rig.everywhere(moment, fault)
        known = [
            came_of(partial(run, cursor, text)),
            came_of(connection.commit),
            came_of(connection.rollback),
            weakref.ref(connection.session),
        ]
        del cursor, connection
        return [each() for each in known if each() is not None]


@pytest.mark.parametrize("name", STATEMENTS)
def test_an_error_keeps_no_connection(name):
    for number, fault in enumerate(Fault):
        for moment in MOMENTS:
            assert left(name, moment, fault, bool(number % 2)) == [], (moment, fault)


def kept(function):
    """Return the names by which a frame of a function keeps what it raises."""
    arguments = function.args
    names = {each.arg for each in (*arguments.args, *arguments.kwonlyargs)}
    for each in ast.walk(function):
        targets = each.targets if isinstance(each, ast.Assign) else []
        names |= {name.id for name in targets if isinstance(name, ast.Name)}
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
            names.add(each.target.id)
    raises = [each.exc for each in ast.walk(function) if isinstance(each, ast.Raise)]
    return names & {each.id for each in raises if isinstance(each, ast.Name)}


def test_whoever_raises_what_it_has_lets_it_go():
    wrong = []
    for path in sorted((HOME / "engine").rglob("*.py")):
        for each in ast.walk(ast.parse(path.read_text())):
            if isinstance(each, ast.FunctionDef) and kept(each):
                marks = [ast.unparse(mark) for mark in each.decorator_list]
                wrong += [] if "lets_go" in marks else [f"{path.name}: {each.name}"]
    assert wrong == []


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ("raise exc", {"exc"}),
        ("error = E()\n raise error", {"error"}),
        ("error: E = E()\n raise error from exc", {"error"}),
        ("raise E()", set()),
        ("raise E", set()),
        ("try: g()\n except E as own: raise own", set()),
    ],
)
def test_names_of_what_is_raised(body, names):
    [function] = ast.parse(f"def f(exc):\n {body}").body
    assert kept(function) == names
