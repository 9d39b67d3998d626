"""The faults: how each is made, on the line or with the servers themselves."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import NamedTuple

from tests.live.failover.matrix.cell import Cell
from tests.live.failover.matrix.table import Fault
from tests.support.servers import Database, Server

AWAY_S = 0.7  # a server that is restarted

Strike = Callable[[Cell, Database], None]


class Made(NamedTuple):
    """How a fault is made on the line of one client, and undone: where nobody has to,
    the connection must be usable at once."""

    strike: Strike
    heal: Strike | None = None


def _kill(cell: Cell, database: Database) -> None:
    cell.victim.refuse()
    cell.victim.cut()


def _accept(cell: Cell, database: Database) -> None:
    cell.victim.accept()


def _stop(cell: Cell, database: Database) -> None:
    """The kernel goes on accepting, and nothing is ever answered."""
    cell.victim.blackhole()


def _vanish(cell: Cell, database: Database) -> None:
    cell.victim.vanish()


def _return(cell: Cell, database: Database) -> None:
    """What was swallowed stays so."""
    cell.victim.cut()
    cell.victim.accept()


def _reset(cell: Cell, database: Database) -> None:
    cell.victim.cut()


def _refuse(cell: Cell, database: Database) -> None:
    cell.victim.refuse()
    if cell.moment.name.startswith("BEFORE_") and cell.stop is not None:
        cell.stop.cut()  # it was not accepted yet
    elif cell.stop is not None:
        cell.stop.release()


def _restart(cell: Cell, database: Database) -> None:
    _kill(cell, database)
    _later(cell.victim.accept)


def _start_slowly(cell: Cell, database: Database) -> None:
    cell.victim.start_slowly()
    cell.victim.cut()
    _later(cell.victim.accept)


def _promote(cell: Cell, database: Database) -> None:
    """The writer goes, and behind the replica's address stands a writer."""
    cell.wires["writer"].refuse()
    cell.wires["writer"].cut()
    _turn(cell, "replica1", database.cluster.nodes[0])


def _demote(cell: Cell, database: Database) -> None:
    """The two change places."""
    _turn(cell, "writer", database.cluster.nodes[1])
    _turn(cell, "replica1", database.cluster.nodes[0])


def _mistake(cell: Cell, database: Database) -> None:
    """Where the writer was a replica comes back."""
    _turn(cell, "writer", database.cluster.nodes[1])
    cell.victim.cut()


def _correct(cell: Cell, database: Database) -> None:
    _turn(cell, "writer", database.cluster.nodes[0])


def _turn(cell: Cell, name: str, server: Server) -> None:
    cell.wires[name].lead_to(server.host, server.port)
    cell.wires[name].cut()


def _later(call: Callable[[], object]) -> None:
    timer = threading.Timer(AWAY_S, call)
    timer.daemon = True
    timer.start()


ON_THE_LINE: dict[Fault, Made] = {
    Fault.KILL: Made(_kill, _accept),
    Fault.STOP: Made(_stop, _accept),
    Fault.RESET: Made(_reset),
    Fault.BLACKHOLE: Made(_vanish, _return),
    Fault.REFUSED: Made(_refuse, _accept),
    Fault.SLOW_START: Made(_start_slowly),
    Fault.RESTART: Made(_restart),
    Fault.PROMOTE: Made(_promote),
    Fault.DEMOTE: Made(_demote),
    Fault.WRONG_ROLE: Made(_mistake, _correct),
}


class Real(NamedTuple):
    """How a fault is made with a server itself, and undone; as in `Made`."""

    strike: Callable[[Database, Server], None]
    heal: Callable[[Server], None] | None = None
    is_silent: bool = False  # it goes on later, and does then what it was sent


def _promote_another(database: Database, server: Server) -> None:
    server.kill()
    database.cluster.replicas[0].promote()


WITH_SERVERS: dict[Fault, Real] = {
    Fault.KILL: Real(lambda _, server: server.kill(), lambda server: server.start()),
    Fault.STOP: Real(
        lambda _, server: server.pause(), lambda server: server.resume(), is_silent=True
    ),
    Fault.RESTART: Real(lambda _, server: server.restart()),
    Fault.PROMOTE: Real(_promote_another),
}
