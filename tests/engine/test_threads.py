"""Threads that share a connection: what one has written or seen, the other's choice of
a node does not lose, at whatever moment it comes."""

from __future__ import annotations

import threading
import zlib
from collections import deque
from itertools import count

import pytest

from tests.engine.interleave import Interruption
from tests.engine.rig import farm

READ = "SELECT a FROM t"
LONG = "SELECT a FROM t /* routedb: consistency=session */"
WRITE = "INSERT INTO t VALUES (1)"


class World:
    """A rig whose writer goes on with every write, and what each thread has seen."""

    def __init__(self, rig):
        self.rig = rig
        self.places = dict.fromkeys(rig.servers, 100)
        self.floors = {}  # by thread
        self.set()
        rig.look()
        for name, server in rig.servers.items():
            server.log = Log(self, name)
        self.connection = rig.connect()

    def set(self, **places):
        """Put servers there."""
        self.places.update(places)
        self.rig.at(**self.places)

    def catch_up(self, *names):
        """Let replicas replay all there is."""
        self.set(**dict.fromkeys(names, self.places["w"]))

    def arrived(self, name, text):
        """Note what a thread has written, or is shown."""
        me = threading.get_ident()
        if text == WRITE:
            self.set(w=self.places["w"] + 1)
        elif text not in (READ, LONG):
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
            cursor.execute(step)


def look(world):
    world.rig.look()


def replay(*names):
    def step(world):
        world.catch_up(*names)
        world.rig.look()

    return step


def elsewhere(world):
    """Another process writes."""
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
}
OUTER = {
    "read": (READ,),
    "long read": (LONG,),
    "write": (WRITE,),
}
INNER = {
    "write": (WRITE, READ),
    "read": (READ,),
    "write, replayed": (WRITE, READ, replay("r1"), READ, READ),
    "another's": (elsewhere, READ, replay("r1"), READ, READ),
}
AFTER = (READ, LONG, look, READ, READ)


@pytest.mark.parametrize("every", [7, pytest.param(1, marks=pytest.mark.long)])
@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("outer", OUTER)
@pytest.mark.parametrize("inner", INNER)
def test_whatever_comes_between(before, outer, inner, every):
    """At every moment, or at every seventh, from another one on in each case."""
    first = zlib.crc32(f"{before} {outer} {inner}".encode()) % every
    moments = count(1 + first, every)
    while _interrupted(next(moments), BEFORE[before], OUTER[outer], INNER[inner]):
        pass
    assert next(moments) > 2 * every


def _interrupted(at, before, outer, inner):
    """Tell whether there was such a moment."""
    with farm() as rig:
        world = World(rig)
        run(world, *before)
        between = Interruption(at, lambda: run(world, *inner, *AFTER))
        has_come = between.run(lambda: run(world, *outer))
        run(world, *AFTER)
    return has_come
