"""COPY … FROM STDIN into a table that is dealt over shards, or that is whole on each.

The program's file is read a piece at a time, its lines are dealt by the text of the
key, and go on in blocks, each a COPY of its own on its shard: no more is kept than a
block of each. What looks at the table at the end of a statement must see all rows: for
a table with that the lines of each shard are kept in a file until all have come. All of
it is one transaction.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from io import BytesIO
from re import compile as pattern
from tempfile import TemporaryFile
from typing import IO, Any

from routedb import errors
from routedb.engine.links.link import Link
from routedb.engine.run import multi_shard
from routedb.engine.run.attempt import Attempt, run_on
from routedb.engine.run.executor import decide_part_asking
from routedb.engine.run.merged_result import MergedResult
from routedb.engine.run.recovery import judge
from routedb.engine.session import Session
from routedb.engine.shared.error_texts import note_on
from routedb.engine.virtual_cursor import VirtualCursor
from routedb.merge import postgresql_load
from routedb.merge.catalogs import Catalogs
from routedb.merge.copy_lines import Line, Missing, lines_of, reader_of
from routedb.merge.placements import cluster_of
from routedb.merge.putting import show_dealt
from routedb.merge.refused import NotMerged
from routedb.merge.stored_keys import text_reader
from routedb.planner import Copied, CopiedIn, Refusal, Sharded, take_copy_in
from routedb.routing import Reason
from routedb.routing.destination import Destination
from routedb.routing.plan import ParsedText
from routedb.sharding.keys.shard_functions import locator
from routedb.sharding.keys.value_terms import ShardKey
from routedb.sql.scanner.identifiers import fold_column, quote_identifier, quote_path

BLOCK = 262_144  # bytes of the lines of a shard that go on together
_PIECE = 65_536  # bytes, or characters, of the file at once
_WHY = "the lines of a file are dealt to their shards"
_LINE = pattern(r"COPY .*, line (\d+)").search
Copy = Callable[[Any, str | bytes, Any], object]


def parts_in(text: ParsedText) -> CopiedIn | None:
    """Return the parts of a COPY from the client, the `text`; None for another
    statement. Raises NotMerged."""
    statement = text.plan.statement
    is_one = statement.parts == 1 and statement.hints is None
    if statement.verb != "COPY" or not is_one or text.plan.dialect != "postgresql":
        return None
    parts = take_copy_in(text.source)
    if isinstance(parts, Refusal):
        raise NotMerged(parts.reason)
    return parts


class _Lines:
    """Lines on their way to a shard, and the numbers that they have in the file."""

    def __init__(self, header: bytes, store: IO[bytes]) -> None:
        self._store = store
        self._store.write(header)
        self._above = header.count(b"\n")  # lines of the header
        self._numbers = array("Q")
        self._lengths = array("L")

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return self._store.tell()

    def add(self, line: Line) -> None:
        """Take one more."""
        self._store.write(line.data)
        self._numbers.append(line.number)
        self._lengths.append(line.data.count(b"\n"))

    def opened(self) -> IO[bytes]:
        """Return what they are read from."""
        self._store.seek(0)
        return self._store

    def number_of(self, place: int) -> int | None:
        """Return the number in the file of line `place` of what is sent, from 1."""
        left = place - self._above
        for number, length in zip(self._numbers, self._lengths, strict=True):
            if left <= length:
                return number + max(left - 1, 0)
            left -= length
        return None


class CopyingIn:
    """A COPY under way in `session`: the `text`, of these `parts`; `copy` does it, and
    `cursor` shows what comes of it. `catalogs` know the columns."""

    def __init__(
        self,
        session: Session,
        cursor: VirtualCursor,
        text: ParsedText,
        parts: CopiedIn,
        copy: Copy,
        catalogs: Catalogs,
    ) -> None:
        self._session, self._cursor, self._text = session, cursor, text
        self._copy, self._form = copy, parts.format
        self._place = _place(session, text)
        self._database = session.core.config.databases[self._place.database]
        (self._table,) = text.plan.statement.writes
        if self._form.name == "binary":
            raise NotMerged("a binary file is not divided")
        self._sql, self._shards_of = self._understood(parts, catalogs)
        self._merged = MergedResult(cursor.arraysize)
        self._written: dict[int, Attempt] = {}

    def run(self, file: Any) -> None:
        """Copy the lines of `file`. Raises NotMerged, ShardError for a line whose shard
        is not certain, and what the servers say."""

        def work() -> None:
            with ExitStack() as stack:
                self._deal(_pieces(file), stack)
            self._merged.finish()
            attempts = [self._written[number] for number in sorted(self._written)]
            self._cursor.unbind_fetch()
            show_dealt(self._session, self._cursor, self._text, self._text, attempts,
                       self._merged, _WHY)  # fmt: skip

        multi_shard.in_transaction(self._session, work)

    # -- the lines ---------------------------------------------------------------------

    def _deal(self, pieces: Iterator[bytes], stack: ExitStack) -> None:
        lines = lines_of(pieces, self._form)
        header = next(lines).data if self._form.has_header else b""
        keeps_all = self._keeps_all()
        waiting: dict[int, _Lines] = {}

        def begun(number: int) -> _Lines:
            if not keeps_all:
                return _Lines(header, BytesIO())
            return _Lines(header, stack.enter_context(TemporaryFile()))

        for line in lines:
            for number in self._shards_of(line):
                if number not in waiting:
                    waiting[number] = begun(number)
                waiting[number].add(line)
                if not keeps_all and waiting[number].size > BLOCK:
                    self._send(number, waiting.pop(number))
        if not (waiting or self._written):  # for its errors
            waiting[0] = begun(0)
        for number in sorted(waiting):
            self._send(number, waiting[number])

    def _send(self, number: int, lines: _Lines) -> None:
        attempt, link = self._reached(number)
        raw = self._cursor.make_part_cursor(link)

        def call(raw: Any) -> None:
            self._copy(raw, self._sql, lines.opened())

        try:
            run_on(self._session, link, call, raw)
            if isinstance(self._place, Sharded) or number == 0:
                self._merged.add(raw)
        except Exception as exc:
            found = _LINE(str(exc))
            at = None if found is None else lines.number_of(int(found[1]))
            if at is not None:
                note_on(exc, f"line {at} of the file, for shard {number}")
            judge(attempt, link, exc)
            raise
        finally:
            with suppress(Exception):  # the driver's own classes
                raw.close()

    def _reached(self, number: int) -> tuple[Attempt, Link]:
        plan, shard = self._text.plan, (Reason.SHARD_KEY, _WHY)
        place = Destination(self._database, (number,), shard, None, False)
        decided = decide_part_asking(self._session, plan, place)
        multi_shard.check_home(self._session, plan, decided)
        attempt = Attempt(self._session, plan, decided, is_one_of_several=True)
        self._written[number] = attempt
        link = attempt.reach()
        if link.raw.encoding not in ("UTF8", "UNICODE"):
            raise NotMerged(f"the link to {link.node.name} is not in UTF8")
        return attempt, link

    def _keeps_all(self) -> bool:
        attempt, link = self._reached(0)
        self._written.clear()
        try:
            return postgresql_load.is_looked_at(
                link.run, quote_path(self._table, "postgresql")
            )
        except Exception as exc:
            judge(attempt, link, exc)
            raise

    # -- what is known of the table ----------------------------------------------------

    def _understood(
        self, parts: CopiedIn, catalogs: Catalogs
    ) -> tuple[str, Callable[[Line], tuple[int, ...]]]:
        """Return the text with the names of its columns, and what tells the shards of a
        line. Raises NotMerged."""
        place, shards = self._place, len(self._database.groups)
        answer = catalogs.target(self._session, place.database, self._table)
        if answer is None or answer.info.is_view:
            raise NotMerged(f"{self._table} is no table")
        every = [c for c in answer.info.columns if c.name not in answer.computed]
        sql, names = parts.sql, parts.columns
        if names is None:
            names = tuple(column.name for column in every)
            listed = ", ".join(quote_identifier(each, "postgresql") for each in names)
            at = parts.listed_at
            sql = f"{sql[:at]} ({listed}){sql[at:]}"
        if isinstance(place, Copied):
            all_of_them = tuple(range(shards))
            return sql, lambda line: all_of_them
        key = fold_column(place.key, "postgresql", is_quoted=True)
        if key not in names:
            raise NotMerged(f"it gives no value for the shard key {place.key}")
        (column,) = (each for each in every if each.name == key)
        shard_key = ShardKey(
            str(self._table), place.key, place.function, locator(place.function)
        )
        locate = text_reader(shard_key, shards, column)
        read = reader_of(parts.format, names.index(key))
        return sql, lambda line: (_located(line, read, locate),)


def _located(
    line: Line,
    read: Callable[[bytes], str | None],
    locate: Callable[[str | None], int],
) -> int:
    try:
        return locate(read(line.data))
    except Missing:
        return 0  # the server has the words for it
    except errors.ShardError as exc:
        raise errors.ShardError(f"line {line.number} of the file: {exc}") from None


def _place(session: Session, text: ParsedText) -> Sharded | Copied:
    cluster = cluster_of(session, text.plan)
    places = list(cluster.tables.values())
    if len(places) != 1 or not isinstance(places[0], Sharded | Copied):
        raise NotMerged("its table is not dealt over shards")
    if cluster.databases[places[0].database].dialect != text.plan.dialect:
        raise NotMerged("its table is on another engine")
    return places[0]


def _pieces(file: Any) -> Iterator[bytes]:
    """Yield what `file` has, piece by piece. Raises TypeError for what is no file."""
    while piece := file.read(_PIECE):
        if not isinstance(piece, str | bytes | bytearray | memoryview):
            raise TypeError(f"read() returned {type(piece).__name__}, not str or bytes")
        yield piece.encode() if isinstance(piece, str) else bytes(piece)
