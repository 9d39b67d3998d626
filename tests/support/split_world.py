"""One set of rows twice: in one SQLite database, and dealt over several; and a runner
that answers plans on the latter, to compare the answers.

`orders` and `items` are sharded four ways by `cust`, `visits` by `usr` with another
function, `regions` is a copy on every shard, `leads` and `stock` are whole in databases
of their own. `facts`, on the shards, and `deeds`, beside `leads`, have columns of more
types.
"""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from routedb.config.model import ShardFunction
from routedb.planner import (
    Catalog,
    Cluster,
    Column,
    Combine,
    Copied,
    GroupsPlan,
    Merge,
    Place,
    Placement,
    Refusal,
    Sharded,
    Slot,
    TableInfo,
    Whole,
    plan,
)
from routedb.sharding import shard_of
from routedb.sql import Table, to_qmark

SHARDS = 4
_HASH = ShardFunction("hash", "integer")
_MODULO = ShardFunction("modulo", "integer")


_MORE_TYPES = (
    "id INTEGER",
    "cust INTEGER",
    "day DATE",
    "seen DATETIME",
    "total DECIMAL(9,2)",
    "ok BOOLEAN",
    "raw BLOB",
    "note TEXT",
)


class Home(NamedTuple):
    """A table of the world: its columns, as DDL, and where it is."""

    columns: tuple[Column, ...]
    placement: Placement
    primary_key: tuple[str, ...] = ()


def _columns(*columns: str) -> tuple[Column, ...]:
    """Each is a name, a type, and perhaps a collation."""
    return tuple(Column(*column.split()) for column in columns)


WORLD = {
    "orders": Home(
        _columns(
            "id INTEGER",
            "cust INTEGER",
            "amount INTEGER",
            "price REAL",
            "note TEXT",
            "tag TEXT NOCASE",
        ),
        Sharded("shop", "cust", _HASH),
        ("id",),
    ),
    "items": Home(
        _columns("id INTEGER", "cust INTEGER", "qty INTEGER", "sku TEXT"),
        Sharded("shop", "cust", _HASH),
        ("id",),
    ),
    "visits": Home(
        _columns("id INTEGER", "usr INTEGER", "cust INTEGER", "page TEXT"),
        Sharded("shop", "usr", _MODULO),
        ("id",),
    ),
    "regions": Home(
        _columns("id INTEGER", "cust INTEGER", "name TEXT"), Copied("shop"), ("id",)
    ),
    "leads": Home(
        _columns("id INTEGER", "cust INTEGER", "score INTEGER", "src TEXT"),
        Whole("crm"),
        ("id",),
    ),
    "stock": Home(
        _columns("id INTEGER", "level INTEGER", "cost REAL", "sku TEXT"),
        Whole("erp"),
        ("id",),
    ),
    "facts": Home(_columns(*_MORE_TYPES), Sharded("shop", "cust", _HASH), ("id",)),
    "deeds": Home(_columns(*_MORE_TYPES), Whole("crm"), ("id",)),
}
TYPED = ("facts", "deeds")  # filled by a chance of their own
_PLACES = {
    "shop": Place("sqlite", SHARDS),
    "crm": Place("sqlite"),
    "erp": Place("sqlite"),
}


class Answer(NamedTuple):
    """What a statement showed: names and rows, or the class of its error."""

    names: tuple[str, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()
    error: str = ""


class SplitWorld:
    """The databases, with `rows` for each table made by a generator of chance."""

    def __init__(self, rng: Any, rows: int = 24, directory: Path | None = None) -> None:
        """Deal about so many `rows` a table; into files of a `directory`, if given,
        whose names `paths` has."""
        self.whole = _database()
        self.paths = {
            name: [
                ":memory:" if directory is None else f"{directory}/{name}{number}.db"
                for number in range(place.groups)
            ]
            for name, place in _PLACES.items()
        }
        self.groups = {
            name: [_database(path) for path in paths]
            for name, paths in self.paths.items()
        }
        made: list[Any] = []
        for name, home in WORLD.items():
            for database in self._holders(home):
                _create(database, name, home.columns, home.primary_key)
            chance = Random(repr(made)) if name in TYPED else rng
            for number in range(chance.randrange(rows) + 1):
                made.append(_row(chance, home.columns, number + 1, home.placement))
                self._add(name, home, made[-1])
        for database in sum(self.groups.values(), []):
            database.execute("COMMIT")
        infos = {
            name: TableInfo(home.columns, home.primary_key)
            for name, home in WORLD.items()
        }
        self.catalog = Catalog(
            {
                place: {
                    Table(None, name): infos[name]
                    for name, home in WORLD.items()
                    if home.placement.database == place
                }
                for place in _PLACES
            }
        )
        self.cluster = Cluster(
            _PLACES,
            {Table(None, name): home.placement for name, home in WORLD.items()},
        )

    def close(self) -> None:
        for database in (self.whole, *sum(self.groups.values(), [])):
            database.close()

    def plan(self, sql: str) -> GroupsPlan | Refusal:
        return plan(sql, "sqlite", self.catalog, self.cluster)

    def expected(self, sql: str, params: Any) -> Answer:
        """The answer of the one database."""
        return _answer(lambda: _query(self.whole, sql, params))

    @property
    def configuration(self) -> dict[str, Any]:
        """The same databases, for `routedb.connect`."""
        nodes = {
            name: [[f"sqlite:///{path}"] for path in paths]
            for name, paths in self.paths.items()
        }
        return {
            "default": "shop",
            "databases": {
                name: {"shards": groups} if len(groups) > 1 else {"nodes": groups[0]}
                for name, groups in nodes.items()
            },
            "tables": {name: _rule(home.placement) for name, home in WORLD.items()},
        }

    def answer(self, made: GroupsPlan, params: Any) -> Answer:
        """The answer by a plan."""
        if not made.fits(params):
            assert made.otherwise is not None
            made = made.otherwise
        return _answer(lambda: self._run(made, params))

    def _run(self, made: GroupsPlan, params: Any) -> Answer:
        if made.merge is Merge.WORK:
            return self._work(made, params)
        answers = self._fragment(made, 0, params)
        names = answers[0].names
        if made.merge is Merge.COMBINE:
            columns = zip(*(answer.rows[0] for answer in answers), strict=True)
            row = tuple(
                _combined(how, values)
                for how, values in zip(made.combine, columns, strict=True)
            )
            return Answer(names, (row,))
        rows = [row for answer in answers for row in answer.rows]
        for term in reversed(made.order):
            rows.sort(key=_order_key(term), reverse=term.is_descending)
        start = _bound(made.offset, params) or 0
        limit = _bound(made.limit, params)
        end = None if limit is None or limit < 0 else max(start, 0) + limit
        return Answer(names, tuple(rows[max(start, 0) : end]))

    def _work(self, made: GroupsPlan, params: Any) -> Answer:
        work = _database()
        try:
            assert made.remainder is not None
            loaded: list[list[Answer]] = []
            for number in range(len(made.fragments)):
                loaded.append(self._fragment(made, number, params, loaded))
            for relation in made.remainder.relations:
                _create(work, relation.name, relation.columns, relation.primary_key)
                for answer in loaded[relation.fragment]:
                    _insert(work, relation.name, answer.rows)
            text = made.remainder.text
            found = _query(work, text.sql, text.bind(params))
            return Answer(tuple(map(made.remainder.original, found.names)), found.rows)
        finally:
            work.close()

    def _fragment(
        self,
        made: GroupsPlan,
        number: int,
        params: Any,
        loaded: Sequence[list[Answer]] = (),
    ) -> list[Answer]:
        """The answers of the groups; narrowed by what has been `loaded` before."""
        fragment = made.fragments[number]
        databases = self.groups[fragment.database]
        numbers = fragment.groups(params, len(databases))
        if numbers is None:
            numbers = (number % len(databases),)
        text, bound = fragment.text, fragment.text.bind(params)
        known = [each for each in fragment.sideways if each.source < len(loaded)]
        if known:
            side = known[0]
            rows = [row for answer in loaded[side.source] for row in answer.rows]
            values = list({row[side.source_column] for row in rows} - {None})
            narrow = fragment.narrowed(side, list(map(_literal, values)))
            text = narrow.text
        return [_query(databases[each], text.sql, bound) for each in numbers]

    def _holders(self, home: Home) -> list[sqlite3.Connection]:
        return [self.whole, *self.groups[home.placement.database]]

    def _add(self, name: str, home: Home, row: tuple[Any, ...]) -> None:
        holders = self._holders(home)
        if isinstance(home.placement, Sharded):
            names = [column.name for column in home.columns]
            key = row[names.index(home.placement.key)]
            shard = shard_of(home.placement.function, key, SHARDS)
            holders = [self.whole, holders[1 + shard]]
        for database in holders:
            _insert(database, name, [row])


def _literal(value: Any) -> str:
    quoted = str(value).replace("'", "''")
    return f"'{quoted}'" if isinstance(value, str) else quoted


def _rule(placement: Placement) -> dict[str, Any]:
    rule: dict[str, Any] = {"database": placement.database}
    if isinstance(placement, Copied):
        return {**rule, "reference": True}
    if isinstance(placement, Sharded):
        function = placement.function
        return {
            **rule,
            "shard_key": placement.key,
            "function": function.name,
            "key_type": function.type,
        }
    return rule


def same(got: Answer, expected: Answer, order: tuple[int, ...] = ()) -> bool:
    """Tell whether answers are alike: values, types, names, errors, and the order of
    the columns in `order`."""
    if got.error or expected.error:
        return got.error == expected.error
    if got.names != expected.names:
        return False
    mine, its = _typed(got.rows), _typed(expected.rows)
    if Counter(mine) != Counter(its):
        return False
    return all(
        [row[number] for row in mine] == [row[number] for row in its]
        for number in order
    )


def is_right(world: Any, made: Any, got: Answer, expected: Answer) -> bool:
    """Tell whether `got` is the answer to the statement `made`, which the one database
    of `world` answers as `expected`, or would but for a fault of SQLite's.

    3.40.1 loses the rows of r in `SELECT * FROM (SELECT id FROM t WHERE id LIKE 'b%') x
    RIGHT JOIN r ON id = b`, and with FULL JOIN, where id is t's INTEGER PRIMARY KEY and
    no id fits; `r LEFT JOIN (…) x` has them. A plus, which means nothing, before the
    column keeps it from looking at the key.
    """
    if same(got, expected, made.order):
        return True
    plain = _LIKED_KEY.sub(r"+\1", made.sql)
    if plain == made.sql or not _BACKWARD(made.sql):
        return False
    answered = world.expected(plain, made.params)
    return same(got, answered._replace(names=expected.names), made.order)


_LIKED_KEY = re.compile(r"\b(\w+\.id (?:NOT )?LIKE )")
_BACKWARD = re.compile(r"\b(?:RIGHT|FULL) JOIN\b").search


def _typed(rows: tuple[tuple[Any, ...], ...]) -> list[tuple[Any, ...]]:
    return [
        tuple(
            (type(value).__name__, repr(value) if _is_mutable(value) else value)
            for value in row
        )
        for row in rows
    ]


def _is_mutable(value: Any) -> bool:
    return isinstance(value, list | dict)


def _database(path: str = "") -> sqlite3.Connection:
    database = sqlite3.connect(path or ":memory:", isolation_level=None)
    if path:  # filled in one transaction, and on no disk
        database.execute("PRAGMA synchronous = off")
        database.execute("BEGIN")
    return database


def _create(
    database: sqlite3.Connection,
    name: str,
    columns: tuple[Column, ...],
    primary_key: tuple[str, ...],
) -> None:
    lines = [
        f'"{column.name}" {column.type}'
        + (f" COLLATE {column.collation}" if column.collation else "")
        for column in columns
    ]
    if primary_key:
        lines.append(f"PRIMARY KEY ({', '.join(primary_key)})")
    database.execute(f'CREATE TABLE "{name}" ({", ".join(lines)})')


def _insert(database: sqlite3.Connection, name: str, rows: Any) -> None:
    if rows:
        marks = ", ".join("?" * len(rows[0]))
        database.executemany(f'INSERT INTO "{name}" VALUES ({marks})', rows)


def _query(database: sqlite3.Connection, sql: str, params: Any) -> Answer:
    if params is not None:
        sql, names = to_qmark(sql)
        if names is not None:
            params = [params[name] for name in names]
    cursor = database.execute(sql, params or ())
    rows = tuple(cursor.fetchall())
    return Answer(tuple(column[0] for column in cursor.description), rows)


def _answer(run: Any) -> Answer:
    try:
        return run()
    except sqlite3.Error as exc:
        return Answer(error=type(exc).__name__)


def _combined(how: Combine, values: tuple[Any, ...]) -> Any:
    known = [value for value in values if value is not None]
    if how is Combine.COUNT:
        return sum(known)
    if not known:
        return None
    if how is Combine.SUM:
        return sum(known)
    return min(known) if how is Combine.MIN else max(known)


def _order_key(term: Any) -> Any:
    # Turned round with the rest when descending.
    null_first = term.nulls_first != term.is_descending

    def key(row: tuple[Any, ...]) -> Any:
        value = row[term.column]
        if value is None:
            return (0 if null_first else 2, 0)
        return (1, value)

    return key


def _bound(value: Any, params: Any) -> Any:
    return value.value(params) if isinstance(value, Slot) else value


_MADE: dict[str, Any] = {
    "DATE": lambda rng: f"2024-0{rng.randrange(1, 4)}-{rng.randrange(1, 29):02}",
    "DATETIME": lambda rng: (
        f"2024-0{rng.randrange(1, 4)}-{rng.randrange(1, 29):02} "
        f"{rng.randrange(24):02}:{rng.choice(('00', '30'))}:00"
    ),
    "DECIMAL(9,2)": lambda rng: rng.randrange(-800, 3000, 25) / 100,
    "BOOLEAN": lambda rng: rng.randrange(2),
    "BLOB": lambda rng: rng.choice((b"", b"abc", b"a\x00\xff", b"\x80")),
}
_TEXTS = ("a", "b", "B", "bb", "", "x%", "1", "Zeta", "é")


def _row(
    rng: Any, columns: tuple[Column, ...], number: int, placement: Placement
) -> tuple[Any, ...]:
    key = placement.key if isinstance(placement, Sharded) else ""
    row: list[Any] = []
    for column in columns:
        if column.name == "id":
            row.append(number)
        elif column.name == key:
            row.append(rng.randrange(-2, 8))
        elif rng.random() < 0.2:  # noqa: PLR2004
            row.append(None)
        elif column.type == "INTEGER":
            row.append(rng.randrange(-2, 8))
        elif column.type == "REAL":
            row.append(rng.randrange(-8, 30) / 4)
        elif column.type in _MADE:
            row.append(_MADE[column.type](rng))
        else:
            row.append(rng.choice(_TEXTS))
    return tuple(row)
