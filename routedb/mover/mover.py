"""One mover at work: its sessions, its pairs, and the steps up to `verified`.

Each step looks at what is there and does what is missing, so that any of them may be
cut short and begun again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import replace

from routedb import errors
from routedb.config.model import ClusterConfig
from routedb.mover import catalogs, chunks, own_definitions
from routedb.mover.copier import Copier
from routedb.mover.drain import BATCH, Drain
from routedb.mover.ends import End, Stream, streams
from routedb.mover.locking import made_patiently
from routedb.mover.parallel import copied_together, opened, threads_for
from routedb.mover.progress import Progress
from routedb.mover.sessions import Session
from routedb.mover.settling import Settling
from routedb.mover.settling_verifier import SettlingVerifier
from routedb.mover.state import Move, Moves
from routedb.mover.throttle import Throttle
from routedb.mover.verifier import Verifier
from routedb.moving import ddl, triggers
from routedb.moving.definitions import Table, fingerprint
from routedb.moving.pace import Pace
from routedb.moving.pairs import Pair, pair_of
from routedb.moving.phases import Phase, Step
from routedb.moving.refusals import refusals
from routedb.moving.script import Script, script_of
from routedb.moving.spelling import name

_DRAIN_S = 1.0  # between two looks at the journal while copying
_NOTED_S = 2.0  # between two notes of how far the journal is applied


class Mover:
    """Works on `move`, a row of `moves`; `tell` is told of each step, and may raise."""

    def __init__(
        self,
        config: ClusterConfig,
        moves: Moves,
        move: Move,
        tell: Callable[[Progress], None],
    ) -> None:
        self._config = config
        self._drained_at = time.monotonic()
        self.moves = moves
        self.move = move
        self.tell = tell
        self.source = End(config, move.source, move.rules(config, False), move.token)
        self.target = End(config, move.target, move.rules(config, True), move.token)
        self._tables: list[Table] | None = None

    def close(self) -> None:
        """Close what it has open, but for the lock."""
        self.source.close()
        self.target.close()

    @property
    def tables(self) -> list[Table]:
        """What is moved, as the source's catalog has it."""
        if self._tables is None:
            listed = list(self.move.tables)
            self._tables = catalogs.tables_of(self.source.first, listed)
        return self._tables

    @property
    def pairs(self) -> list[Pair]:
        """The streams to the target."""
        own: dict[str, Table] = {}
        if self.move.definitions:
            listed = list(self.move.tables)
            found = catalogs.tables_of(self.target.first, listed)
            own = {table.name: table for table in found}
        engine = self.target.engine
        return [
            pair_of(t, engine, self.move.marker(t.name), own.get(t.name))
            for t in self.tables
        ]

    @property
    def script(self) -> Script | None:
        """The user's own definitions of the tables at the target."""
        said = self.move.definitions
        return script_of(said, self.target.engine) if said else None

    @property
    def streams(self) -> list[Stream]:
        """The streams to the target, of each of the source's groups."""
        return streams(self.pairs, self.source, self.target)

    @property
    def settling(self) -> Settling | None:
        """What moves rows between the shards of their tables; None where the tables
        themselves are moved."""
        if self.move.source != self.move.target:
            return None
        home = self.moves.session
        return Settling(self.move, self.source, self.pairs, home, self.tell)

    def step(self, step: Step, **changes: object) -> None:
        """Write the phase after `step`, with other `changes` of the row."""
        self.tell(Progress(f"before: {step.value}"))
        self.move = self.moves.step(self.move, step, **changes)
        self.tell(Progress(step.value))

    def start(self, pace: Pace) -> None:
        """Do what is left up to `verified`, copying at this `pace`. Raises
        OperationalError where both sides differ."""
        if self.move.phase is Phase.PLANNED:
            self._make_target()
            if self.settling is not None:
                self.settling.make()
            self._make_journals()
            self.step(
                Step.TRIGGERS_MADE,
                fingerprints={t.name: fingerprint(t) for t in self.tables},
            )
        if self.move.phase is Phase.JOURNALING:
            for session in self.target.sessions:
                chunks.make(session)
            if self.settling is not None:
                self.settling.announce()
            self.step(Step.COPY_BEGUN)
        if self.move.phase is Phase.COPYING:
            self._copy(pace)
            self.step(Step.ALL_COPIED)
        if self.move.phase is Phase.FOLLOWING:
            self._make_indexes()
            self.follow()
            self.verify()

    def _make_target(self) -> None:
        script = self.script
        wrong = refusals(self.tables, self.target.engine, script is not None)
        if wrong:
            raise errors.NotSupportedError("; ".join(wrong))
        for session in self.target.sessions:
            if script is not None:
                own_definitions.make(session, self.move.name, script, self.tables)
                self.tell(Progress("tables made"))
                continue
            for table in self.tables:
                if catalogs.table_of(session, table.name) is None:
                    session.run(ddl.create_text(table, session.engine))
                    for text in ddl.comment_texts(table, session.engine):
                        session.run(text)
                    self.tell(Progress("table made", table.name))

    def _make_journals(self) -> None:
        for session in self.source.sessions:
            for pair in self.pairs:
                texts = triggers.journal_texts(pair, self.move.token)
                made_patiently(session, texts)
                self.tell(Progress("journal made", pair.name))

    def _copy(self, pace: Pace) -> None:
        rows = {table.name: table.rows for table in self.tables}
        throttle = Throttle(pace, self._config, self.source, self._wait_for)
        with closing(throttle):
            for stream in self.streams:
                called, before = stream.pair.name, throttle.bytes
                for count in self._chunks(stream, pace, throttle):
                    size = throttle.bytes - before
                    told = Progress("chunk copied", called, count, rows[called], size)
                    self.tell(told)
                    self._drain_now_and_then()

    def _chunks(self, stream: Stream, pace: Pace, throttle: Throttle) -> Iterator[int]:
        """Copy what is left of `stream`; yield how many rows there are."""
        tick = self._drain_now_and_then
        copier = Copier(stream, self.move.name)
        copied = copier.copied()
        threads = threads_for(stream, pace.threads)
        while not copied.is_all and (threads == 1 or copied.gap is not None):
            throttle.wait(tick)
            copied = copier.copy_one(copied, pace.rows)
            throttle.spent(*copier.last_copied)
            yield copied.rows
        if not copied.is_all:
            with ExitStack() as stack:
                others = opened(stream, self.move.name, threads, stack)
                yield from copied_together(
                    copier, others, copied, pace.rows, throttle, tick
                )

    def _wait_for(self, said: str) -> None:
        """Note what the copy waits for, where `status` reads it."""
        self.move = self.moves.write(replace(self.move, waiting=said))
        self.tell(Progress(f"waiting: {said}" if said else "going on"))

    def _drain_now_and_then(self) -> None:
        if time.monotonic() - self._drained_at > _DRAIN_S:
            self._drain_all()
            self._drained_at = time.monotonic()

    def copied(self, stream: Stream) -> chunks.Copied:
        """Return how far `stream` is copied."""
        return chunks.copied(stream.target, self.move.name, stream.label)

    def _drain_all(self, batch: int = BATCH) -> int:
        self.check_source()
        count = 0
        for stream in self.streams:
            count += stream_drain(stream).once(self.copied(stream), batch)
            self.tell(Progress("journal drained", stream.pair.name, count))
        return count

    def check_source(self) -> None:
        """Raise OperationalError where a moved table has changed, or its triggers are
        gone: after that the journal does not have all."""
        self.moves.check()
        for session in self.source.sessions:
            check_source(session, self.move.fingerprints, self.pairs)

    def _make_indexes(self) -> None:
        for session in self.target.sessions:
            for table in self.tables:
                self._make_indexes_at(session, table)

    def _make_indexes_at(self, session: Session, table: Table) -> None:
        engine = session.engine
        known = catalogs.table_of(session, table.name)
        assert known is not None
        there = {index.name for index in known.indexes}
        if self.script is not None:
            own_definitions.make_indexes(session, self.move.name, self.script)
            self.tell(Progress("indexes made"))
        else:
            for called, text in ddl.index_texts(table, engine):
                if called not in there:
                    session.run(text)
                    self.tell(Progress("index made", table.name))
        word = "ANALYZE TABLE" if engine == "mysql" else "ANALYZE"
        session.run(f"{word} {name(engine, table.name)}")

    def follow(self) -> None:
        """Apply the journal until no more is in it than comes while that is done."""
        began = self.moves.check()
        while self._drain_all() >= BATCH:
            began = self.moves.check()
        self.note_applied(began)

    def note_applied(self, at: float) -> None:
        """Note, where `status` reads it, that what was written before `at` is applied,
        by the clock of `Moves.check`."""
        if at - self.move.applied_at > _NOTED_S:
            self.move = self.moves.write(replace(self.move, applied_at=at))

    def verify(self) -> None:
        """Compare both sides, and note what was found. Raises OperationalError where
        they differ."""
        self.check_source()
        found: list[str] = []
        for pair in self.pairs:
            drains = [stream_drain(each) for each in self.streams if each.pair == pair]
            made = Verifier if self.settling is None else SettlingVerifier
            verifier = made(pair, self.source, self.target, drains)
            found += verifier.differences() + verifier.misplaced()
            self.tell(Progress("compared", pair.name))
        if not found:
            self.step(Step.COMPARED, differences=())
            return
        if self.move.phase is Phase.VERIFIED:
            self.step(Step.DIFFERENCE_FOUND, differences=tuple(found))
        raise errors.OperationalError(
            f"{len(found)} differences: {'; '.join(found[:10])}"
        )


def stream_drain(stream: Stream) -> Drain:
    """Return what applies the journal of `stream`."""
    return Drain(stream.pair, stream.source, stream.target)


def check_source(session: Session, known: Mapping[str, str], pairs: list[Pair]) -> None:
    """Raise OperationalError where a table of `pairs` at `session` is not what it was,
    by the `known` fingerprints, or notes nothing any more."""
    for pair in pairs:
        table = catalogs.shape_of(session, pair.name)
        if table is None:
            raise errors.OperationalError(f"the table {pair.name} is gone")
        if fingerprint(table) != known.get(pair.name):
            raise errors.OperationalError(
                f"the table {pair.name} has been altered since the move began: what "
                "was written meanwhile may be lost. `routedb move abort`, and begin "
                "again"
            )
        if not _notes(session, pair):
            raise errors.OperationalError(
                f"the triggers of {pair.name} are gone or disabled: what was written "
                "meanwhile is lost to the move. `routedb move abort`, and begin again"
            )


def _notes(session: Session, pair: Pair) -> bool:
    marker = f"routedb_note_{pair.marker}"
    if session.engine == "postgresql":
        quoted = name("postgresql", pair.name).replace("'", "''")
        ((count,),) = session.run(
            f"SELECT count(*) FROM pg_trigger WHERE tgrelid = '{quoted}'::regclass "
            f"AND tgname IN ('{marker}', '{marker}_t') AND tgenabled = 'A'"
        )
        return bool(count == 2)
    table = pair.name.replace("'", "''")
    if session.engine == "sqlite":
        names = [f"routedb_{what}_{pair.marker}_" for what in ("note", "before")]
        listed = ", ".join(f"'{each}'" for each in names)
        ((count,),) = session.run(
            "SELECT count(*) FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = "
            f"'{table}' AND rtrim(name, 'abcdefghijklmnopqrstuvwxyz') IN ({listed})"
        )
        return bool(count == (5 if pair.uniques else 3))
    ((count,),) = session.run(
        "SELECT count(*) FROM information_schema.triggers WHERE "
        f"event_object_schema = DATABASE() AND event_object_table = '{table}' "
        f"AND LEFT(trigger_name, {len(marker) + 1}) = '{marker}_'"
    )
    return bool(count == 3)
