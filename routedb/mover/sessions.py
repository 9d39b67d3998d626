"""The mover's own connections: what it sets in them, and rows as lines through them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Any

from routedb import adapters, errors
from routedb.adapters.base import Adapter, Raw
from routedb.config.mask import mask
from routedb.config.model import ClusterConfig, GroupConfig, NodeConfig
from routedb.moving import sqlite_values, texts
from routedb.moving.keys import Key
from routedb.moving.pairs import Pair
from routedb.moving.spelling import name, names, string
from routedb.moving.sqlite_triggers import door_name
from routedb.moving.triggers import SETTING, VARIABLE
from routedb.topology.snapshot import Role

_CONNECT_S = 10.0
_ROWS = {
    "postgresql": "routedb.mover.postgresql_rows",  # imports a driver
    "mysql": "routedb.mover.mysql_rows",
    "sqlite": "routedb.mover.sqlite_rows",
}
_POSTGRESQL = (
    "SET TimeZone = 'UTC'",
    "SET DateStyle = 'ISO, YMD'",
    "SET IntervalStyle = 'postgres'",
    "SET bytea_output = 'hex'",
    "SET extra_float_digits = 1",
    "SET standard_conforming_strings = on",
    "SET statement_timeout = 0",
    "SET client_encoding = 'UTF8'",
)
_MYSQL = (
    "SET time_zone = '+00:00'",
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,"
    "NO_ENGINE_SUBSTITUTION'",
    "SET foreign_key_checks = 0",
    "SET SESSION group_concat_max_len = 1048576",
    "SET SESSION innodb_lock_wait_timeout = 50",
)
_SQLITE = ("PRAGMA foreign_keys = OFF", "PRAGMA busy_timeout = 10000")
_SETTINGS = {"postgresql": _POSTGRESQL, "mysql": _MYSQL, "sqlite": _SQLITE}
# Without it a DELETE in the journal that looks at all of it locks its end, too, where
# everybody else inserts. A binary log of statements refuses what is written so.
_NO_GAP_LOCKS = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"


class Session:
    """One connection to `node`, in autocommit mode, as the mover wants it; `token` is
    what opens its fences."""

    def __init__(self, node: NodeConfig, token: str = "") -> None:
        if node.engine not in _ROWS:
            raise errors.NotSupportedError(
                f"moving tables from or to {node.engine} is not there yet"
            )
        self.node = node
        self.engine = node.engine
        self.adapter: Adapter = adapters.load(node.engine)
        try:
            self.raw: Raw = self.adapter.connect(node, _CONNECT_S)
        except Exception as exc:
            self.adapter.adopt(exc)
            raise
        self._rows: Any = import_module(_ROWS[node.engine])
        self._token = token
        if self.engine == "sqlite":
            self._rows.prepare(self.raw)
        for text in _SETTINGS[self.engine]:
            self.run(text)
        if self.engine == "mysql" and self.run("SELECT @@binlog_format") != [
            ("STATEMENT",)
        ]:
            self.run(_NO_GAP_LOCKS)
        if token and self.engine == "postgresql":
            self.run(f"SET {SETTING} = {string('postgresql', token)}")
        elif token and self.engine == "mysql":
            self.run(f"SET {VARIABLE} = {string('mysql', token)}")

    @property
    def parts(self) -> list[Session]:
        """Itself: as a target it is one (see `ends.Spread`)."""
        return [self]

    def again(self) -> Session:
        """Open another one like this."""
        return Session(self.node, self._token)

    def concerned(self, noted: set[Key]) -> set[Key]:
        """Return those of the `noted` keys whose rows may be here: all."""
        return noted

    def run(self, text: str) -> list[tuple[Any, ...]]:
        """Run a `text`; return its rows. Raises what the driver raises, as routedb's
        class too."""
        try:
            return self.adapter.run(self.raw, text)
        except Exception as exc:
            self.adapter.adopt(exc)
            raise

    def run_if_there(self, text: str) -> list[tuple[Any, ...]] | None:
        """Run a `text` as `run` does; return None where its table is not there."""
        try:
            return self.run(text)
        except errors.ProgrammingError:
            return None
        except errors.OperationalError as exc:
            if self.engine == "sqlite" and "no such table" in str(exc):
                return None
            raise

    def try_run(self, text: str) -> bool:
        """Run a `text` that may fail; tell whether it did not."""
        try:
            self.run(text)
        except errors.DatabaseError:
            return False
        return True

    @contextmanager
    def transaction(self, begin: str = "BEGIN") -> Iterator[None]:
        """Have the block be one transaction, begun by the text `begin`; what it writes
        to SQLite goes through the door, if there is one."""
        is_sqlite = self.engine == "sqlite" and begin == "BEGIN"
        self.run("BEGIN IMMEDIATE" if is_sqlite else begin)
        try:
            has_door = is_sqlite and self.open_door(True)
            yield
            if has_door:
                self.open_door(False)
        except BaseException:
            with suppress(Exception):
                self.run("ROLLBACK")
            raise
        self.run("COMMIT")

    def open_door(self, is_open: bool) -> bool:
        """Have the door of SQLite's triggers be open, or not, in this transaction; tell
        whether there is one."""
        door = name("sqlite", door_name(self._token))
        there = string("sqlite", door_name(self._token))
        if not self.run(f"SELECT 1 FROM sqlite_schema WHERE name = {there}"):
            return False
        text = f"INSERT INTO {door} VALUES (1)" if is_open else f"DELETE FROM {door}"
        self.run(text)
        return True

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Have all reads of the block see one moment."""
        if self.engine == "postgresql":
            begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
        elif self.engine == "sqlite":
            begin = "BEGIN DEFERRED"
        else:
            self.run("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            begin = "START TRANSACTION WITH CONSISTENT SNAPSHOT"
        with self.transaction(begin):
            yield

    def lines(self, select: str, sink: Callable[[bytes], object], pair: Pair) -> None:
        """Give the rows of `select`, all of `pair`'s fields, to `sink`, in blocks of
        whole lines."""
        is_sqlite = self.engine == "sqlite"
        spell = (sqlite_values.line_maker(pair),) if is_sqlite else ()
        try:
            self._rows.read(self.raw, select, sink, *spell)
        except Exception as exc:
            self.adapter.adopt(exc)
            raise

    def read_binary(self, select: str, sink: Callable[[bytes], object]) -> None:
        """Give the rows of `select` to `sink`, in PostgreSQL's own form."""
        try:
            self._rows.read_binary(self.raw, select, sink)
        except Exception as exc:
            self.adapter.adopt(exc)
            raise

    def fill_binary(self, pair: Pair, blocks: Iterable[bytes]) -> int:
        """Insert `blocks` of what `read_binary` gives into the target of `pair`; return
        the number of rows."""
        table = name(self.engine, pair.name)
        columns = names(self.engine, [field.name for field in pair.fields])
        try:
            return int(self._rows.write_binary(self.raw, table, columns, blocks))
        except Exception as exc:
            self.adapter.adopt(exc)
            raise

    def fill(
        self,
        pair: Pair,
        blocks: Iterable[bytes],
        maker: Callable[[bytes], Any],
    ) -> None:
        """Insert `blocks` of lines into the target of `pair`; `maker` is that of
        `maker_of`. Raises DataError that names the row, or what the
        driver raises."""
        table = name(self.engine, pair.name)
        columns = names(self.engine, [field.name for field in pair.fields])
        try:
            self._rows.write(self.raw, table, columns, blocks, maker)
        except Exception as exc:
            self.adapter.adopt(exc)
            row = getattr(exc, "routedb_row", None)
            if row is None or isinstance(exc, errors.IntegrityError):
                raise
            said = str(exc).split("CONTEXT")[0].strip()
            shown = ", ".join(texts.key_of(pair, row))
            raise errors.DataError(
                f"{pair.name}: the target refuses the row {shown}: {said}"
            ) from exc

    def close(self) -> None:
        """Close. Never raises."""
        self.adapter.close(self.raw)


def maker_of(pair: Pair) -> Callable[[bytes], Any]:
    """Return what makes of lines what the target of `pair` takes, where it does not
    take them as they are."""
    if pair.to_engine == "sqlite":
        return sqlite_values.rows_maker(pair)
    return texts.values_maker(pair)


def writer_of(config: ClusterConfig, database: str) -> NodeConfig:
    """Return the node that is the writer of `database`, or of its first shard. Raises
    ConfigError, or OperationalError when none answers as one."""
    return _writer(_groups(config, database)[0])


def writers_of(config: ClusterConfig, database: str) -> list[NodeConfig]:
    """Return the writer of each group of `database`. Raises ConfigError, or
    OperationalError when none of a group's nodes answers as one."""
    return [_writer(group) for group in _groups(config, database)]


def _groups(config: ClusterConfig, database: str) -> Sequence[GroupConfig]:
    found = config.databases.get(database)
    if found is None:
        raise errors.ConfigError(f"there is no database {database!r}")
    return found.groups


def home_of(config: ClusterConfig) -> NodeConfig:
    """Return the writer of the home database, which has the state of moves. Raises
    NotSupportedError where there is none that a mover could work with."""
    home = config.home
    if home is None:
        raise errors.NotSupportedError(
            "a move needs a home database, which is not sharded: name one by `state`"
        )
    node = _writer(home)
    if node.engine not in _ROWS or node.engine == "sqlite":
        raise errors.NotSupportedError(
            f"the home database of a move cannot be {node.name}, of {node.engine}: no "
            "mover can hold a lock there. Name another one by `state`"
        )
    return node


def _writer(group: GroupConfig) -> NodeConfig:
    said = []
    for node in group.nodes:
        adapter = adapters.load(node.engine)
        try:
            raw = adapter.connect(node, _CONNECT_S)
        except Exception as exc:
            said.append(f"{node.name}: {mask(str(exc)).strip()}")
            continue
        try:
            if adapter.probe(raw).role is Role.WRITER:
                return node
            said.append(f"{node.name}: is a replica")
        finally:
            adapter.close(raw)
    raise errors.OperationalError(
        f"{group.database}: no node answers as writer: {'; '.join(said)}"
    )
