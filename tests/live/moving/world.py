"""Two databases, a table that is moved from one to the other, and who writes to it."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from routedb import move
from routedb.mover.sessions import Session, writer_of
from routedb.runtime import read_config
from tests.support.servers import Database

if TYPE_CHECKING:
    from typing_extensions import Self

DIRECTIONS = ("pg-pg", "my-pg", "pg-my", "my-my")


class File:
    """A file of SQLite, as tests know a server's database."""

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self.writer_dsn = f"sqlite:///{path}"
        self.cluster = self.writer = self  # for who opens connections by them

    def execute(self, sql: str, parameters: Any = ()) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.name, isolation_level=None)) as raw:
            return raw.execute(sql.replace("%s", "?"), parameters).fetchall()

    def connect(self, name: str) -> Any:
        raw = sqlite3.connect(name, isolation_level=None, check_same_thread=False)
        return _Raw(raw)


class _Raw:
    """A connection whose cursors take %s, and end with a block."""

    def __init__(self, raw: sqlite3.Connection) -> None:
        self._raw = raw
        self.close = raw.close

    @contextmanager
    def cursor(self) -> Iterator[Any]:
        yield self

    def execute(self, sql: str, parameters: Any = ()) -> Any:
        return self._raw.execute(sql.replace("%s", "?"), parameters)


class World(NamedTuple):
    """A configuration of the databases `old` and `new`; `new` is the default one."""

    config: dict[str, Any]
    old: Database | File
    new: Database | File

    def start(self, **more: Any) -> move.Move:
        return move.start(self.config, "m", more.pop("tables", ["t*"]), "new", **more)

    def phase(self) -> str:
        return move.status(self.config, "m")[0].phase

    def rows(self, where: str, table: str = "t") -> list[tuple[Any, ...]]:
        """All rows of a table, as texts that are alike in both engines."""
        database = {"old": self.old, "new": self.new}[where]
        rows = database.execute(f"SELECT * FROM {table} ORDER BY 1")
        return [tuple(row) for row in rows]

    def session(self, where: str) -> Session:
        return Session(writer_of(read_config(self.config, {}), where))


def config_of(old: Database | File, new: Database | File) -> dict[str, Any]:
    home = "old" if isinstance(new, File) else "new"
    return {
        "default": "new",
        "state": home,
        "databases": {
            "new": {"nodes": [new.writer_dsn]},
            "old": {"nodes": [old.writer_dsn]},
        },
        "tables": {"t*": "old"},
    }


class Threads:
    """What each of `runs` does in a thread of its own while a block runs: until
    `_is_over`."""

    def __init__(self, *runs: Callable[[], None]) -> None:
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=run, daemon=True) for run in runs]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()


class Writers(Threads):
    """Plain drivers' clients that count rows up, insert and delete, and know which of
    their writes were acknowledged; the test's own oracle."""

    def __init__(
        self, database: Database | File, count: int = 2, first: int = 1000
    ) -> None:
        self.database = database
        self.acknowledged: dict[int, int] = {}
        self.unsure: set[int] = set()
        self.fenced = 0
        super().__init__(*(partial(self._write, first * (n + 1)) for n in range(count)))

    def _write(self, first: int) -> None:
        raw = self.database.cluster.writer.connect(self.database.name)
        value, key = 0, first
        while not self._is_over.wait(0.002):
            value += 1
            key = first + value % 40
            try:
                self._one(raw, key, value)
            except Exception as exc:
                if "moved" not in str(exc):
                    self.unsure.add(key)
                self.fenced += 1
        with suppress(Exception):
            raw.close()

    def _one(self, raw: Any, key: int, value: int) -> None:
        with raw.cursor() as cursor:
            if value % 7 == 0:
                cursor.execute("DELETE FROM t WHERE id = %s", (key,))
                self.acknowledged.pop(key, None)
            elif key in self.acknowledged:
                cursor.execute("UPDATE t SET v = %s WHERE id = %s", (value, key))
                self.acknowledged[key] = value
            else:
                cursor.execute("INSERT INTO t (id, v) VALUES (%s, %s)", (key, value))
                self.acknowledged[key] = value
