"""Applies the journal: the rows of the keys that it has are read again, and written.

One transaction at the target deletes the rows of a batch of keys and inserts them as
they are now, so that two rows may exchange values that are unique. Journal and rows are
read in one snapshot. Only then are just those entries of the journal deleted: one that
was applied and not deleted is applied again, which changes nothing.

Keys that are not copied yet are left in the journal: a row applied before its chunk was
read might be overwritten by what the chunk has read before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext

from routedb import errors
from routedb.mover.chunks import Copied
from routedb.mover.ends import Target
from routedb.mover.sessions import Session, maker_of
from routedb.moving import keys, texts
from routedb.moving.pairs import Pair
from routedb.moving.spelling import name
from routedb.moving.triggers import journal_name

BATCH = 2_000
_MOST_KEYS = 500  # in one statement
_WIDER = 8
_TRIES = 12


class Drain:
    """Applies the journal of `pair`'s table at `source` to `target`.

    `is_locked`: `source` holds a lock under which nobody writes, and must stay in the
    transaction, or under the tables, that it has. `journal` is the session that reads
    and empties the journal then, where it is not `source`.
    """

    def __init__(
        self,
        pair: Pair,
        source: Session,
        target: Target,
        is_locked: bool = False,
        journal: Session | None = None,
    ) -> None:
        self._pair = pair
        self._source = source
        self._notes = journal or source
        self._target = target
        self._is_locked = is_locked
        self._maker = maker_of(pair)
        engine = pair.from_engine
        self._table = name(engine, pair.name)
        self._journal = name(engine, journal_name(pair))
        self._columns = [f"k{place}" for place in range(len(pair.key))]

    def size(self) -> int:
        """Return how many entries the journal has."""
        ((count,),) = self._notes.run(f"SELECT count(*) FROM {self._journal}")
        return int(count)

    def noted(self) -> set[keys.Key]:
        """Return the keys in the journal."""
        columns = ", ".join(texts.key_texts(self._pair, self._columns))
        rows = self._notes.run(f"SELECT {columns} FROM {self._journal}")
        return {tuple(str(each) for each in row) for row in rows}

    def empty(self, copied: Copied) -> int:
        """Apply what there is, of what is `copied`; return how many entries.

        Under a lock that is all. Else there is always more where others write: what was
        there at the beginning is applied by then.
        """
        enough = 1 if self._is_locked else BATCH
        count = found = self.once(copied)
        while found >= enough:
            found = self.once(copied)
            count += found
        return count

    def once(self, copied: Copied, batch: int = BATCH) -> int:
        """Apply up to `batch` entries of what is `copied`; return how many.

        Raises what the target raises: IntegrityError where no number of entries
        together leaves it as its constraints want it.
        """
        if copied.chunks == 0:
            return 0
        for attempt in range(_TRIES):
            ids, noted, rows = self._read(copied, batch)
            if not ids:
                return 0
            try:
                self._apply(noted, rows)
                break
            except errors.IntegrityError:
                # A row of this batch has what a row of the next one gives up.
                if attempt == _TRIES - 1:
                    raise
                batch *= _WIDER
        self._forget(ids)
        return len(ids)

    def _read(
        self, copied: Copied, batch: int
    ) -> tuple[list[int], set[keys.Key], list[bytes]]:
        pair = self._pair
        upto = keys.up_to(pair, copied.upto, journal=True)
        columns = texts.key_texts(pair, self._columns)
        blocks: list[bytes] = []
        with nullcontext() if self._is_locked else self._source.snapshot():
            found = self._notes.run(
                f"SELECT id, {', '.join(columns)} FROM {self._journal} "
                f"WHERE {upto} ORDER BY id LIMIT {batch}"
            )
            noted = {tuple(str(each) for each in row[1:]) for row in found}
            if not found:
                return [], noted, blocks
            for select in self._selects(found[-1][0], upto, sorted(noted)):
                self._source.lines(select, blocks.append, pair)
        return [row[0] for row in found], noted, blocks

    def _selects(
        self, last: int, upto: str, noted: Sequence[keys.Key]
    ) -> Iterator[str]:
        """Yield what reads the rows of the keys `noted`, up to the entry `last`: by the
        journal itself, where the session that reads the rows has it."""
        pair = self._pair
        line = f"SELECT {texts.line(pair, self._table)} FROM"
        if self._notes is not self._source:
            for place in range(0, len(noted), _MOST_KEYS):
                some = keys.among(pair, noted[place : place + _MOST_KEYS], False)
                yield f"{line} {self._table} WHERE {some}"
            return
        on = " AND ".join(
            f"{self._table}.{name(pair.from_engine, key)} = j.{column}"
            for key, column in zip(pair.key, self._columns, strict=True)
        )
        yield (
            f"{line} (SELECT DISTINCT {', '.join(self._columns)} FROM {self._journal} "
            f"WHERE id <= {last} AND {upto}) j JOIN {self._table} ON {on}"
        )

    def _apply(self, noted: set[keys.Key], blocks: Sequence[bytes]) -> None:
        pair = self._pair
        table = name(pair.to_engine, pair.name)
        # A key that only differs in case is the same at MariaDB, and two elsewhere.
        for block in blocks:
            noted.update(texts.key_of(pair, row) for row in block[:-1].split(b"\n"))
        listed = sorted(self._target.concerned(noted))
        if not listed:
            return
        with self._target.transaction():
            for place in range(0, len(listed), _MOST_KEYS):
                some = keys.among(pair, listed[place : place + _MOST_KEYS])
                self._target.run(f"DELETE FROM {table} WHERE {some}")
            if blocks:
                self._target.fill(pair, blocks, self._maker)

    def _forget(self, ids: Sequence[int]) -> None:
        # Numbers in a row are one range: a long list costs the server more.
        runs = list(_runs(ids))
        for place in range(0, len(runs), _MOST_KEYS):
            some = runs[place : place + _MOST_KEYS]
            alone = [str(first) for first, last in some if first == last]
            where = [f"id BETWEEN {a} AND {b}" for a, b in some if a != b]
            where += [f"id IN ({', '.join(alone)})"] if alone else []
            text = f"DELETE FROM {self._journal} WHERE {' OR '.join(where)}"
            self._notes.run(text)


def _runs(ids: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and the last of numbers that follow one another; `ids` go up."""
    first = last = ids[0]
    for each in ids[1:]:
        if each != last + 1:
            yield first, last
            first = each
        last = each
    yield first, last
