"""What is registered on a connection, on its links to other databases.

`register_type` and its kin note a caster under the numbers (OIDs) of its types, which
they have asked of the default database. Types of the users' own have other numbers in
another database, and what has such a number there may be something else. So links to
other databases, and other shards, have a dict of casters of their own, which is made
again when something was registered since: each number is that of the type of the same
name. What has no such type there stays text, as for a type nobody has registered.

Casters that are registered for the whole process have numbers of the default database
too, as far as that knows them.

The names are asked once for a runtime, and again after each definition that passes
through it. A type that is not there is looked for again a little later.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from math import inf
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from psycopg2 import _psycopg
from psycopg2 import extensions as ext

from routedb import errors
from routedb.adapters.postgresql.psycopg2 import ask
from routedb.adapters.postgresql.type_names import (
    FIRST_OF_USERS,
    TypeName,
    names_of,
    numbers_of,
)
from routedb.config.model import NodeConfig
from routedb.engine.links.link import Link
from routedb.engine.session import Session
from routedb.engine.shared.core import Core

# What C looks up last, for all connections of the process.
_OF_PROCESS: dict[int, Any] = _psycopg.string_types
_AGAIN_S = 5.0  # until a type that is not there is looked for again
_HOME_AGAIN_S = 30.0  # in the default database, which is asked on another connection


class Registered(Protocol):
    """The virtual connection, as far as it is needed here."""

    session: Session
    string_types: dict[int, Any]

    @property
    def home_group(self) -> int:
        """The group that has given the numbers in `string_types`."""


class _Known:
    """What the databases of one runtime have said, until something is defined."""

    def __init__(self) -> None:
        self.names: dict[int, TypeName] = {}  # in the default database
        self.absent: dict[int, float] = {}  # not there; until when that is believed
        self.numbers: dict[int, dict[TypeName, int]] = {}  # by group
        self.version = -1


_known: WeakKeyDictionary[Core, _Known] = WeakKeyDictionary()


def _known_of(core: Core) -> _Known:
    known = _known.setdefault(core, _Known())
    if known.version != core.catalog.version:
        known = _known[core] = _Known()
        known.version = core.catalog.version
    return known


class ForeignCasters:
    """The casters of the links of one connection to `group`, which is not the default
    database's."""

    def __init__(self, group: int) -> None:
        self._group = group
        self.casters: dict[int, Any] = {}  # that of every such link
        # What they were made of.
        self._seen: dict[int, Any] = {}
        self._ids: tuple[int, ...] = ()  # casters of one number are equal to psycopg2
        self._of_process: dict[int, Any] = {}
        self._count = -1
        self._version = -1
        self._again_at = inf

    def renew(self, connection: Registered, link: Link) -> None:
        """Have what is registered on `connection` by now, before a statement runs on
        `link`. Raises what the driver raises when names must be asked."""
        own = connection.string_types
        core = connection.session.core
        if self._is_current(own, core):
            return
        own = dict(own)
        of_process = {
            number: caster
            for number, caster in dict(_OF_PROCESS).items()
            if number >= FIRST_OF_USERS
        }
        count, version = len(_OF_PROCESS), core.catalog.version
        places = self._places(connection, link, {*own, *of_process})
        made = _placed(own, places)
        for number, caster in _placed(of_process, places).items():
            made.setdefault(number, caster)
        for number in of_process.keys() & _known_of(core).names.keys():
            made.setdefault(number, ext.UNICODE)  # as nobody has registered it
        self.casters.update(made)
        for number in self.casters.keys() - made.keys():
            self.casters.pop(number, None)
        self._seen, self._ids = own, tuple(map(id, own.values()))
        self._of_process, self._count, self._version = of_process, count, version
        users = {n for n in (*own, *of_process) if n >= FIRST_OF_USERS}
        is_all = users <= places.keys()
        self._again_at = inf if is_all else core.clock() + _AGAIN_S

    def for_cursor(
        self, connection: Registered, link: Link, own: dict[int, Any] | None
    ) -> dict[int, Any] | None:
        """Return what a raw cursor on `link` is to have, of a virtual one of
        `connection` that has casters of its `own`. Raises as `renew` does."""
        if not own:
            return None
        own = dict(own)
        return _placed(own, self._places(connection, link, own))

    def _is_current(self, own: dict[int, Any], core: Core) -> bool:
        if own or self._seen:
            is_same = own.keys() == self._seen.keys()
            if not is_same or tuple(map(id, own.values())) != self._ids:
                return False
        if len(_OF_PROCESS) != self._count:
            return False
        there = _OF_PROCESS.get
        if any(there(n) is not each for n, each in self._of_process.items()):
            return False
        if self._version != core.catalog.version:
            return False
        return self._again_at == inf or core.clock() < self._again_at

    def _places(
        self, connection: Registered, link: Link, numbers: Collection[int]
    ) -> dict[int, int]:
        """Return the number that each of the types with these `numbers`, in the default
        database, has in the one of `link`, as far as it is there."""
        users = [number for number in numbers if number >= FIRST_OF_USERS]
        if not users:
            return {}
        known = _known_of(connection.session.core)
        _learn_names(known, connection, users)
        there = known.numbers.setdefault(self._group, {})
        names = {n: known.names[n] for n in users if n in known.names}
        missing = {*names.values()} - there.keys()
        if missing and not link.is_failed():
            there.update(_ask_link(link, partial(numbers_of, names=missing)))
        return {n: there[name] for n, name in names.items() if name in there}


def _placed(casters: Mapping[int, Any], places: Mapping[int, int]) -> dict[int, Any]:
    return {
        places.get(number, number): caster
        for number, caster in casters.items()
        if number < FIRST_OF_USERS or number in places
    }


def _learn_names(
    known: _Known, connection: Registered, numbers: Collection[int]
) -> None:
    """Ask the default database what these types are called there."""
    core = connection.session.core
    now = core.clock()
    missing = [n for n in numbers if n not in known.names]
    missing = [n for n in missing if known.absent.get(n, -inf) <= now]
    if not missing:
        return
    found = _ask_home(connection, partial(names_of, numbers=missing))
    known.names.update(found)
    for number in missing:
        if number not in found:
            known.absent[number] = now + _HOME_AGAIN_S


def _ask_home(connection: Registered, question: Callable[..., Any]) -> Any:
    """Ask the default database: in the transaction, if that is there, for it may have
    made the type; else on a connection for just that."""
    session = connection.session
    branch = session.transaction.branches.get(connection.home_group)
    if branch is not None and not branch.is_failed():
        return _ask_link(branch, question)
    core, failed = session.core, None
    for node in _nodes(core, connection.home_group):
        adapter, raw = core.adapter(node), None
        try:
            raw = core.open_raw(node, adapter.connect)
            return question(partial(ask, raw))
        except Exception as exc:
            failed = adapter.adopt(exc)
            if not isinstance(failed, errors.Error):
                raise
        finally:
            if raw is not None:
                adapter.close(raw)
    assert failed is not None  # a group has nodes
    raise failed


def _nodes(core: Core, group: int) -> Iterator[NodeConfig]:
    """Yield the nodes of a group, its writer first."""
    view = core.topology.groups[group]
    there = sorted(view.nodes, key=lambda node: node.id != view.writer)
    for node in there:
        yield core.nodes[node.id]


def _ask_link(link: Link, question: Callable[..., Any]) -> Any:
    said = link.ask(lambda raw: question(partial(ask, raw)))
    if not (link.raw.autocommit or link.is_idle()):
        link.pending_begin = None  # psycopg2 has begun it with the question
    return said
