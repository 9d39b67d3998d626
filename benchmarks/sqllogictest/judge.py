"""Asks both, the one database and the groups, and compares."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import routedb
from benchmarks.sqllogictest.records import Record, written
from benchmarks.sqllogictest.worlds import World

_REFUSALS = (routedb.ShardError, routedb.CrossDatabaseError)
_NAMES = re.compile(r"\b(column|table|database|function) \S+|\d+|'[^']*'|\"[^\"]*\"")
_STRUNG = re.compile(r"\bgroup_concat\b", re.IGNORECASE).search


@dataclass
class Score:
    """What was found of one file, or of all."""

    right: int = 0
    several: int = 0  # of the right ones, over several groups
    failing: int = 0  # of the right ones, an error in both
    unlike: int = 0  # right, and yet not what the suite says: another version's answer
    wrong: list[tuple[str, Any, Any]] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    refused_text: dict[str, str] = field(default_factory=dict)  # an example of each
    ours_s: float = 0.0
    plain_s: float = 0.0

    @property
    def queries(self) -> int:
        return self.right + len(self.wrong) + self.refused.total()

    @property
    def ratio(self) -> float:
        """How many times as long the groups take."""
        return self.ours_s / self.plain_s if self.plain_s else 0.0

    def add(self, other: Score) -> None:
        """Count what `other` has."""
        for name in ("right", "several", "failing", "unlike", "ours_s", "plain_s"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.wrong += other.wrong
        self.refused += other.refused
        self.refused_text = {**other.refused_text, **self.refused_text}


@dataclass
class _Answer:
    names: tuple[str, ...] = ()
    rows: Sequence[Any] = ()
    error: str = ""
    seconds: float = 0.0
    is_merged: bool = False


def judge(records: Iterable[Record], world: World, limit: int | None) -> Score:
    """Run the records of a file; of its queries about `limit`, taken evenly."""
    score = Score()
    found = list(records)
    queries = sum(record.is_query for record in found)
    step = max(1, queries // limit) if limit else 1
    seen = 0
    for record in found:
        if not record.is_query:
            world.run(record.sql)
            continue
        seen += 1
        if seen % step == 0:
            _compare(record, world, score, seen // step % 2 == 0)
    return score


def _compare(record: Record, world: World, score: Score, is_ours_first: bool) -> None:
    routed = world.routed  # deals the rows
    try:
        if is_ours_first:
            ours, plain = _ask(routed, record.sql), _ask(world.one, record.sql)
        else:
            plain, ours = _ask(world.one, record.sql), _ask(routed, record.sql)
    except _REFUSALS as exc:
        if _ask(world.one, record.sql).error:
            return  # nothing is lost
        why = _NAMES.sub(r"\1 …", str(exc).rpartition(" either: ")[2].split("\n")[0])
        score.refused[why] += 1
        score.refused_text.setdefault(why, record.sql)
        return
    score.ours_s += ours.seconds
    score.plain_s += plain.seconds
    if not _is_same(ours, plain, record):
        score.wrong.append((record.sql, ours, plain))
        return
    score.right += 1
    score.several += ours.is_merged
    score.failing += bool(ours.error)
    if record.answer and not ours.error:
        score.unlike += written(ours.rows, record) != record.answer


def _ask(connection: Any, sql: str) -> _Answer:
    cursor = connection.cursor()
    start = time.perf_counter()
    try:
        cursor.execute(sql)
        rows = cursor.fetchall()
    except _REFUSALS:
        raise
    except Exception as exc:  # the driver's
        return _Answer(error=type(exc).__name__, seconds=time.perf_counter() - start)
    seconds = time.perf_counter() - start
    names = tuple(column[0] for column in cursor.description)
    route = getattr(cursor, "route", None)
    reasons = () if route is None else route.reasons
    is_merged = any(reason is routedb.Reason.SEVERAL_GROUPS for reason, _ in reasons)
    return _Answer(names, rows, "", seconds, is_merged)


def _is_same(ours: _Answer, plain: _Answer, record: Record) -> bool:
    """Compare values, types, names, errors; the order where the file looks at it."""
    if ours.error or plain.error:
        return ours.error == plain.error
    if ours.names != plain.names:
        return False
    mine, its = _typed(ours.rows), _typed(plain.rows)
    if _STRUNG(record.sql):
        mine, its = _in_pieces(mine), _in_pieces(its)
    if record.sort == "nosort" and "ORDER BY" in record.sql.upper():
        return mine == its
    return Counter(mine) == Counter(its)


def _in_pieces(rows: Sequence[Any]) -> list[Any]:
    """Return rows with texts as their pieces in order: in which order an aggregate
    strings values together is nobody's to say where the text does not."""
    return [
        tuple((t, str(sorted(re.split("[,:]", v))) if t is str else v) for t, v in row)
        for row in rows
    ]


def _typed(rows: Sequence[Any]) -> list[tuple[Any, ...]]:
    return [tuple((type(value), value) for value in row) for row in rows]
