"""Compares both ends of a pair by its own texts, which are not the copier's.

All rows fall into buckets by their keys; each end adds up its rows' digests by bucket.
Rows of the buckets that differ are compared one by one. While others write, that finds
rows which are on their way, so what differs is looked at again once the journal is
drained: it is a difference when the journal does not have its key either.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Context, Decimal
from hashlib import md5
from typing import Any

from routedb.mover.chunks import Copied
from routedb.mover.drain import Drain
from routedb.mover.ends import End
from routedb.mover.sessions import Session
from routedb.moving import canonical, keys, texts
from routedb.moving.pairs import Pair
from routedb.moving.spelling import name
from routedb.moving.types import Kind

_MOST_KEYS = 500
_ROUNDS = 200
_MOST_SHOWN = 100
_ALL_DIGITS = Context(prec=2_000)
_ALL = Copied(1, 0, None, True)

Rows = dict[str, tuple[keys.Key, str]]  # digest of the key: the key, digest of the row


class Verifier:
    """Compares `pair` at the groups of `source` with those of `target`; `drains` are
    those of its streams."""

    def __init__(
        self, pair: Pair, source: End, target: End, drains: Sequence[Drain]
    ) -> None:
        self._pair = pair
        self._ends = (source.sessions, False), (target.sessions, True)
        self._drains = drains
        self._spreading = target.spreading(pair)

    def differences(self) -> list[str]:
        """Return what differs, in words, a line for each row; up to a hundred."""
        self._drain()
        sums = [self._sums(*end) for end in self._ends]
        buckets = [
            bucket
            for bucket in sorted(sums[0].keys() | sums[1].keys())
            if sums[0].get(bucket) != sums[1].get(bucket)
        ]
        found: dict[keys.Key, str] = {}
        for place in range(0, len(buckets), _MOST_KEYS):
            some = buckets[place : place + _MOST_KEYS]
            rows = [
                self._rows(end, self._in_buckets(end[1], some)) for end in self._ends
            ]
            found.update(_unlike(rows[0], rows[1]))
        return self._settled(set(found))

    def misplaced(self) -> list[str]:
        """Return which rows of the target are on another shard than their keys say, in
        words."""
        sessions, _ = self._ends[1]
        said: list[str] = []
        for shard, session in enumerate(sessions):
            said += self._strangers(session, shard)
        return said[:_MOST_SHOWN]

    def _strangers(self, session: Session, shard: int) -> list[str]:
        """Return what is at `shard`, and is not to be there."""
        if self._spreading is None:
            return []
        pair = keys_alone(self._pair).turned()  # as rows of the target
        spreading = self._spreading.for_pair(pair)
        said: list[str] = []

        def look(block: bytes) -> None:
            for right, rows in spreading.split(block):
                if right != shard and len(said) < _MOST_SHOWN:
                    key = ", ".join(texts.key_of(pair, rows.split(b"\n")[0]))
                    said.append(
                        f"{pair.name}: the row {key} is on shard {shard}, not {right}"
                    )

        table = name(session.engine, pair.name)
        session.lines(f"SELECT {texts.line(pair)} FROM {table}", look, pair)
        return said

    def _drain(self) -> None:
        for drain in self._drains:
            drain.empty(_ALL)

    def recheck(self, suspects: Iterable[keys.Key]) -> list[str]:
        """Return which of these keys, `suspects`, differ, in words."""
        return self._settled(set(suspects))

    def _settled(self, suspects: set[keys.Key]) -> list[str]:
        """Look at `suspects` again until each is equal or certainly differs."""
        said: list[str] = []
        for _ in range(_ROUNDS):
            if not suspects:
                break
            self._drain()
            target, source = self._by_keys(suspects, 1), self._by_keys(suspects, 0)
            noted = set().union(*(drain.noted() for drain in self._drains))
            unlike = _unlike(source, target)
            certain = sorted(unlike.keys() - noted)
            named = self._pair.name
            said += [
                f"{named}: the row {', '.join(key)} {unlike[key]} at the target"
                for key in certain[: _MOST_SHOWN - len(said)]
            ]
            suspects = unlike.keys() & noted
        return said

    def _sums(
        self, sessions: Sequence[Session], at_target: bool
    ) -> dict[str, tuple[int, int]]:
        sums: dict[str, tuple[int, int]] = {}
        for session in sessions:
            for bucket, found in self._sums_at(session, at_target).items():
                count, total = sums.get(bucket, (0, 0))
                sums[bucket] = (count + found[0], total + found[1])
        return sums

    def _sums_at(self, session: Session, at_target: bool) -> dict[str, tuple[int, int]]:
        pair = self._pair
        table = name(session.engine, pair.name)
        bucket = canonical.bucket(pair, at_target)
        digest = canonical.row_digest(pair, at_target)
        extra = canonical.floats(pair, at_target)
        if extra:
            counted = f"{table} WHERE {self._counted(at_target)}"
            return _summed_here(pair, session, counted, [bucket, digest, *extra])
        total = canonical.sum_of_digests(session.engine, digest)
        rows = session.run(
            f"SELECT {bucket}, count(*), {total} FROM {table} "
            f"WHERE {self._counted(at_target)} GROUP BY 1"
        )
        return {row[0]: (int(row[1]), int(row[2])) for row in rows}

    def _counted(self, at_target: bool) -> str:
        """Return the condition for the rows of one end, `at_target` or not, that are
        to be the same at the other."""
        return "TRUE"

    def _in_buckets(self, at_target: bool, buckets: Sequence[str]) -> str:
        listed = ", ".join(f"'{bucket}'" for bucket in buckets)
        return f"{canonical.bucket(self._pair, at_target)} IN ({listed})"

    def _by_keys(self, wanted: set[keys.Key], place: int) -> Rows:
        end = self._ends[place]
        listed = sorted(wanted)
        found: Rows = {}
        for start in range(0, len(listed), _MOST_KEYS):
            some = keys.among(self._pair, listed[start : start + _MOST_KEYS], end[1])
            found.update(self._rows(end, some))
        return found

    def _rows(self, end: tuple[Sequence[Session], bool], where: str) -> Rows:
        found: Rows = {}
        for session in end[0]:
            found.update(self._rows_at(session, end[1], where))
        return found

    def _rows_at(self, session: Session, at_target: bool, where: str) -> Rows:
        pair = self._pair
        seen = pair.turned() if at_target else pair
        columns = [name(session.engine, each) for each in pair.key]
        selected = [
            canonical.key_digest(pair, at_target),
            canonical.row_digest(pair, at_target),
            *texts.key_texts(seen, columns),
            *canonical.floats(pair, at_target),
        ]
        size = len(columns)
        return {
            row[0]: (
                tuple(str(each) for each in row[2 : 2 + size]),
                _with_floats(pair, row[1], row[2 + size :]),
            )
            for row in session.run(
                f"SELECT {', '.join(selected)} FROM {name(session.engine, pair.name)} "
                f"WHERE {where} AND {self._counted(at_target)}"
            )
        }


def keys_alone(pair: Pair) -> Pair:
    """Return `pair` without the columns that are not of its key."""
    return replace(pair, fields=pair.key_fields)


def _summed_here(
    pair: Pair, session: Session, table: str, columns: list[str]
) -> dict[str, tuple[int, int]]:
    sums: dict[str, tuple[int, int]] = {}
    for bucket, digest, *extra in session.run(
        f"SELECT {', '.join(columns)} FROM {table}"
    ):
        count, total = sums.get(bucket, (0, 0))
        number = int(_with_floats(pair, digest, extra)[:15], 16)
        sums[bucket] = (count + 1, total + number)
    return sums


def _with_floats(pair: Pair, digest: str, extra: Sequence[Any]) -> str:
    if not extra:
        return digest
    numbers = [
        _number(field.kind, each)
        for field, each in zip(canonical.apart(pair), extra, strict=True)
    ]
    return md5(f"{digest} {numbers!r}".encode()).hexdigest()


def _number(kind: Kind, value: Any) -> object:
    if value is None:
        return None
    if kind not in (Kind.DECIMAL, Kind.JSON):
        return float(value)
    said = value.decode() if isinstance(value, bytes) else str(value)
    if kind is Kind.JSON:
        return _plain(json.loads(said, parse_float=Decimal, parse_int=Decimal))
    return Decimal(said).normalize(_ALL_DIGITS) or Decimal(0)  # a zero has no sign


def _plain(value: Any) -> object:
    """Return a value of JSON in the one form that its kind has."""
    if isinstance(value, dict):
        return sorted((key, _plain(each)) for key, each in value.items())
    if isinstance(value, list):
        return tuple(map(_plain, value))
    if isinstance(value, Decimal):
        return value.normalize(_ALL_DIGITS) or Decimal(0)
    return value


def _unlike(source: Rows, target: Rows) -> dict[keys.Key, str]:
    """Return the keys that differ, in the words of the source where it has them, and
    what is wrong with each."""
    found: dict[keys.Key, str] = {}
    for each in source.keys() | target.keys():
        if each not in target:
            found[source[each][0]] = "is missing"
        elif each not in source:
            found[target[each][0]] = "is too much"
        elif source[each][1] != target[each][1]:
            found[source[each][0]] = "differs"
    return found
