"""Threads that share a connection: what one has written or seen, the other's choice of
a node does not lose, at whatever moment it comes."""

from __future__ import annotations

import threading
import zlib
from collections import deque
from contextlib import nullcontext, suppress
from itertools import count

import pytest

import routedb
from tests.support.fake_rig import farm, node_of
from tests.support.interleave import Interruption
from tests.support.later import in_turn, later

READ = "SELECT a FROM t"
LONG = "SELECT a FROM t /* routedb: consistency=session */"
LOCAL = "SELECT * FROM pg_stat_activity, t"
EXECUTE = "EXECUTE p"
WRITE = "INSERT INTO t VALUES (1)"


class World:
    """A rig whose writer goes on with every write, and what each thread has seen."""

    def __init__(self, rig):
        self.rig = rig
        self.lock = threading.RLock()  # what happens on servers happens at once
        self.places = dict.fromkeys(rig.servers, 100)
        self.floors = {}  # by thread
        self.set()
        rig.look()
        for name, server in rig.servers.items():
            server.log = Log(self, name)
        self.connection = rig.connect()

    def set(self, **places):
        """Put servers there. A probe, which takes no lock, is told of the writer's
        place before it is shown, and of a replica's after."""
        with self.lock:
            for name, place in (places or self.places).items():
                if name == "w":
                    self.rig.at(w=place)
                self.places[name] = place
                self.rig.at(**{name: place})

    def catch_up(self, *names):
        """Let replicas replay all there is."""
        with self.lock:
            self.set(**dict.fromkeys(names, self.places["w"]))

    def arrived(self, name, text):
        """Note what a thread has written, or is shown."""
        me = threading.get_ident()
        with self.lock:
            if text == WRITE:
                elsewhere(self)
            elif text not in (READ, LONG, LOCAL, EXECUTE):
                return
            place, floor = self.places[name], self.floors.get(me, 0)
            assert place >= floor, f"at {floor}, then {place} on {name}"
            self.floors[me] = place


class Log(deque):
    def __init__(self, world, name):
        super().__init__(maxlen=1000)
        self.world, self.name = world, name

    def append(self, entry):
        super().append(entry)
        self.world.arrived(self.name, entry.text)


def run(world, *steps):
    """Do what one thread does, with a cursor of its own."""
    cursor = world.connection.cursor()
    for step in steps:
        if callable(step):
            step(world)
        else:
            # What was prepared on a replica may be behind what was seen: then it says.
            may_fail = step == EXECUTE
            with suppress(routedb.OperationalError) if may_fail else nullcontext():
                cursor.execute(step)


def look(world):
    world.rig.look()


def replay(*names):
    def step(world):
        world.catch_up(*names)
        world.rig.look()

    return step


def elsewhere(world):
    """Somebody writes, another process say."""
    with world.lock:
        world.set(w=world.places["w"] + 1)


BEFORE = {
    "nothing": (),
    "stays": (READ, READ),
    "a new picture": (READ, look),
    "held by all": (READ, WRITE, replay("r1", "r2")),
    "held by one": (READ, WRITE, replay("r1")),
    "held, not known": (READ, WRITE, lambda w: w.catch_up("r1", "r2")),
    "asked": (READ, WRITE, replay("r1", "r2"), WRITE, lambda w: w.catch_up("r1", "r2")),
    "held by none": (READ, WRITE, READ),
    "one ahead": (elsewhere, replay("r1"), READ),
    "prepared": ("BEGIN READ ONLY", READ, "PREPARE p AS SELECT a FROM t", "COMMIT"),
}
OUTER = {"read": READ, "long read": LONG, "local read": LOCAL, "write": WRITE}
INNER = {
    "write": (WRITE,),
    "write, read": (WRITE, READ),
    "read": (READ,),
    "write, replayed": (WRITE, READ, replay("r1"), READ, READ),
    "another's": (elsewhere, READ, replay("r1"), READ, READ),
    "read, another's": (READ, elsewhere),
}
AFTER = (READ, LONG, look, READ, READ)


@pytest.mark.parametrize("every", [37, *later([1])])
@pytest.mark.parametrize(("before", "inner"), in_turn(BEFORE, INNER))
@pytest.mark.parametrize("outer", OUTER)
def test_whatever_comes_between(before, outer, inner, every):
    check(every, BEFORE[before], (OUTER[outer],), INNER[inner], AFTER)


@pytest.mark.parametrize("inner", INNER)
def test_what_is_prepared_on_a_replica(inner):
    check(7, BEFORE["prepared"], (EXECUTE,), INNER[inner], AFTER)


def check(every, before, outer, inner, later):
    """Try every moment, or every so many, from another one on in each case."""
    first = zlib.crc32(repr((outer, len(before), len(inner))).encode()) % min(every, 12)
    moments = count(1 + first, every)
    while is_interrupted(next(moments), before, outer, inner, later):
        pass
    assert next(moments) > 1 + first + every  # one struck


def is_interrupted(at, before, outer, inner, later):
    """Tell whether there was such a moment."""
    with farm() as rig:
        world = World(rig)
        run(world, *before)
        between = Interruption(
            at, lambda: run(world, *inner), lambda: run(world, *later)
        )
        has_come = between.run(lambda: run(world, *outer))
        run(world, *AFTER)
    return has_come


@pytest.mark.parametrize("before", ["stays", "a new picture", "held by all"])
def test_what_another_thread_asks_for_holds_at_once(before):
    def enter(world):
        world.block = world.connection.using(consistency="strong")
        world.block.__enter__()

    def ask(world):
        cursor = world.connection.cursor()
        cursor.execute(READ)
        world.block.__exit__(None, None, None)
        assert node_of(cursor) == "w"

    check(3, BEFORE[before], (READ,), (enter,), (ask,))


@pytest.mark.parametrize("before", ["stays", "a new picture", "held by all"])
def test_what_another_thread_sets_is_set_at_once(before):
    setting = "SET search_path = other"

    def ask(world):
        cursor = world.connection.cursor()
        cursor.execute(READ)
        texts = [entry.text for entry in world.rig.servers[node_of(cursor)].log]
        assert setting in texts
        assert texts[-1] == READ

    check(3, BEFORE[before], (READ,), (setting,), (ask,))


@pytest.mark.parametrize("sql", [READ, LONG])
def test_what_came_over_a_link_that_is_dropped_counts(sql):
    """Another thread finds the link dead between an answer and the note of it."""
    with farm() as rig:
        world = World(rig)
        connection = world.connection
        session = connection.session
        cursor = connection.cursor()
        for node in (2, 1):
            rig.core.loads[:] = [0, 5, 5]
            rig.core.loads[node] = 0
            world.rig.look()
            cursor.execute(LONG)
            assert cursor.node.id == node
        rig.look()
        rig.core.wake_monitor = lambda: None  # the monitor takes its time
        elsewhere(world)
        world.catch_up("r1")  # nobody knows

        class Dropping(Log):
            def append(self, entry):
                super().append(entry)
                session.links.drop(session.open[1])

        rig.r1.log = Dropping(world, "r1")
        cursor.execute(sql)
        assert cursor.node.id == 1
        rig.r1.log = Log(world, "r1")
        rig.core.loads[:] = [0, 5, 0]
        cursor.execute(READ)
