"""The verbs from the switch on: what each does in which phase."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager

from routedb import errors
from routedb.mover import catalogs, chunks, own_definitions, placements
from routedb.mover.cutover import Cutover, Resettling
from routedb.mover.drain import BATCH
from routedb.mover.ends import End, Stream, streams
from routedb.mover.locking import made_patiently
from routedb.mover.mover import Mover, check_source, stream_drain
from routedb.mover.progress import Progress
from routedb.mover.sessions import Session
from routedb.mover.settling import Settling
from routedb.moving import ddl, triggers
from routedb.moving.definitions import ForeignKey, Table, fingerprint
from routedb.moving.pairs import Pair
from routedb.moving.phases import TABLE, Phase, Step
from routedb.moving.spelling import name
from routedb.moving.sqlite_triggers import door_name

_ALL = chunks.Copied(1, 0, None, True)
_PAUSE_S = 0.2
_AS_REPLICA = "SET session_replication_role = replica"
_MOST_NAME = 60


class Switching:
    """The end of a move, by `mover`."""

    def __init__(self, mover: Mover) -> None:
        self._mover = mover

    @property
    def _back(self) -> list[Pair]:
        """The pairs of the streams back."""
        return [pair.turned() for pair in self._mover.pairs]

    @property
    def _streams_back(self) -> list[Stream]:
        mover = self._mover
        return streams(self._back, mover.target, mover.source)

    @property
    def _names(self) -> list[Pair]:
        """The pairs to the target, for what only needs their names."""
        move, ends = self._mover.move, (self._mover.source, self._mover.target)
        engines = ends[0].engine, ends[1].engine
        return [
            Pair(table, *engines, (), (), move.marker(table)) for table in move.tables
        ]

    @property
    def _turned(self) -> list[Pair]:
        return [pair.turned() for pair in self._names]

    @property
    def _phase(self) -> Phase:
        return self._mover.move.phase

    def switch(self, has_reverse: bool) -> None:
        """Have the tables live at the target, with a stream back where it
        `has_reverse`."""
        mover = self._mover
        if self._phase in (Phase.REVERSED, Phase.SWITCHED):
            return
        if self._phase is Phase.VERIFIED:
            self._prepare_reverse(has_reverse)
            mover.step(
                Step.SWITCH_BEGUN,
                has_reverse=has_reverse,
                target_fingerprints=self._fingerprints(mover.target),
            )
        if self._phase is not Phase.CUTTING:
            raise self._wrong("switched")
        cutover = self._cutover(mover.streams, mover.source, mover.target)
        with self._fenced(cutover, Step.SWITCH_GIVEN_UP) as let_go:
            if mover.script is not None or self._foreign_keys():
                let_go()
            self._add_foreign_keys()
            cutover.flip()
        if mover.settling is not None:
            mover.settling.wait()  # or the stream back would come before all know
        self._drop_journals(mover.source, self._names)
        if mover.move.has_reverse:
            mover.step(Step.FLIPPED, applied_at=mover.moves.check())
        else:
            mover.step(Step.FLIPPED_FOR_GOOD)
        self._validate_foreign_keys()

    def undo(self) -> None:
        """Have the tables live at the source again."""
        mover = self._mover
        if self._phase is Phase.UNDONE:
            return
        if self._phase is Phase.REVERSED:
            mover.step(Step.UNDO_BEGUN)
        if self._phase is not Phase.UNDOING:
            raise self._wrong("undone")
        self._be_replica()
        cutover = self._cutover(self._streams_back, mover.target, mover.source)
        with self._fenced(cutover, Step.UNDO_GIVEN_UP) as let_go:
            self._drop_fences(let_go)
            cutover.flip()
        if mover.settling is not None:
            mover.settling.wait()
        mover.step(Step.FLIPPED_BACK)

    def serve(self, deadline: float | None) -> None:
        """Apply journals until `deadline`, on the monotonic clock, once at least."""
        mover = self._mover
        if self._phase in (Phase.FOLLOWING, Phase.VERIFIED):
            going, source = mover.streams, mover.source
        elif self._phase is Phase.REVERSED:
            self._be_replica()
            going, source = self._streams_back, mover.target
        else:
            raise self._wrong("followed")
        pairs = list(dict.fromkeys(stream.pair for stream in going))
        while True:
            began = mover.moves.check()
            for session in source.sessions:
                check_source(session, self._marks(source), pairs)
            counts = [stream_drain(stream).once(_ALL) for stream in going]
            count = sum(counts)
            mover.tell(Progress("journal drained", rows=count))
            if all(each < BATCH for each in counts):
                mover.note_applied(began)
            if deadline is not None and time.monotonic() >= deadline:
                return
            if not count:
                time.sleep(_PAUSE_S)

    def finish(self) -> None:
        """Drop the stream back, and rename the old tables."""
        mover = self._mover
        if self._phase is Phase.DONE:
            return
        if self._phase not in (Phase.REVERSED, Phase.SWITCHED):
            raise self._wrong("finished")
        self._drop_journals(mover.target, self._turned)
        for session in mover.target.sessions:
            self._drop_door(session)
        if mover.settling is not None:
            self._settle(mover.settling, is_back=False)
        else:
            for session in mover.source.sessions:
                self._rename(session)
        self._forget_chunks()
        mover.step(Step.CLEANED)

    def _settle(self, settling: Settling, is_back: bool) -> None:
        """Leave each row on one shard, and no trace of the other."""
        settling.make()  # where an earlier try has come to the end of this
        settling.delete(is_back)
        # All have known for long: and by rules without a guard nobody shows anything.
        self._drop_fences()
        for session in self._mover.target.sessions:
            for pair in self._turned:
                made_patiently(session, triggers.drop_fence_texts(pair))
        settling.forget(is_back)
        settling.drop()

    def _rename(self, session: Session) -> None:
        """Give the old tables other names at `session`."""
        engine = session.engine
        for table in self._mover.move.tables:
            old = f"routedb_old_{table}"[:_MOST_NAME]
            if catalogs.table_of(session, table) is not None:
                text = (
                    f"ALTER TABLE {name(engine, table)} RENAME TO {name(engine, old)}"
                )
                made_patiently(session, [text])
                self._mover.tell(Progress("renamed", table))

    def _forget_chunks(self) -> None:
        for session in self._mover.target.sessions:
            chunks.forget(session, self._mover.move.name)

    def abort(self) -> None:
        """Leave the source as before, and nothing at the target."""
        mover = self._mover
        if self._phase is Phase.ABORTED:
            return
        if (self._phase, Step.GIVEN_UP) not in TABLE:
            raise self._wrong("aborted")
        self._drop_journals(mover.source, self._names)
        self._drop_journals(mover.target, self._turned)
        if mover.settling is not None:
            self._settle(mover.settling, is_back=True)
        else:
            self._drop_fences()
            self._drop_copies()
        for session in (*mover.source.sessions, *mover.target.sessions):
            self._drop_door(session)
        placements.forget(mover.moves.session, mover.move.name, mover.move.placed)
        self._forget_chunks()
        mover.step(Step.GIVEN_UP)

    def _drop_copies(self) -> None:
        mover = self._mover
        for session in mover.target.sessions:
            for pair in reversed(self._names):
                quoted = name(session.engine, pair.name)
                cascade = " CASCADE" if session.engine == "postgresql" else ""
                session.run(f"DROP TABLE IF EXISTS {quoted}{cascade}")
                mover.tell(Progress("dropped", pair.name))

    def _cutover(self, going: list[Stream], source: End, target: End) -> Cutover:
        mover = self._mover
        is_there = source is mover.source
        places = mover.move.places if is_there else mover.move.old_places
        pairs = list(dict.fromkeys(stream.pair for stream in going))

        def check(locked: Session) -> None:
            mover.moves.check()
            check_source(locked, self._marks(source), pairs)

        made = Cutover if mover.settling is None else Resettling
        return made(
            going,
            self._as_at(source),
            (source, target),
            mover.moves.session,
            places,
            mover.move,
            check,
            mover.tell,
        )

    def _as_at(self, end: End) -> list[Table]:
        return catalogs.tables_of(end.first, list(self._mover.move.tables))

    @contextmanager
    def _fenced(
        self, cutover: Cutover, given_up: Step
    ) -> Iterator[Callable[[], object]]:
        """Lock, drain and fence for the block, as `Cutover.fenced` does; what fails
        before it leaves all as before."""
        with ExitStack() as stack:
            try:
                let_go = stack.enter_context(cutover.fenced())
            except errors.Error:
                cutover.give_up()
                self._mover.step(given_up)
                raise
            yield let_go

    def _marks(self, end: End) -> Mapping[str, str]:
        move = self._mover.move
        is_there = end is self._mover.source
        return move.fingerprints if is_there else move.target_fingerprints

    def _fingerprints(self, end: End) -> dict[str, str]:
        return {table.name: fingerprint(table) for table in self._as_at(end)}

    def _prepare_reverse(self, has_reverse: bool) -> None:
        """Have the target note keys, as long as only the mover writes there."""
        mover = self._mover
        if not has_reverse:
            self._drop_journals(mover.target, self._turned)
            return
        self._be_replica()
        for session in mover.target.sessions:
            for pair in self._back:
                texts = triggers.journal_texts(pair, mover.move.token)
                made_patiently(session, texts)
                mover.tell(Progress("reverse journal made", pair.name))

    def _be_replica(self) -> None:
        """Have the source take the stream back without its foreign keys and triggers
        acting: they have acted at the target. Raises NotSupportedError."""
        mover = self._mover
        acting = [
            table.name for table in mover.tables if table.foreign_keys or table.triggers
        ]
        if mover.source.engine != "postgresql":
            acting = [table.name for table in mover.tables if table.triggers]
        elif acting and all(s.try_run(_AS_REPLICA) for s in mover.source.sessions):
            acting = []
        if not acting:
            return
        why = (
            "its triggers would act again on what comes back"
            if mover.source.engine != "postgresql"
            else "its foreign keys and triggers would act on what comes back: GRANT "
            "SET ON PARAMETER session_replication_role to the mover's user"
        )
        raise errors.NotSupportedError(
            f"no stream back to {', '.join(acting)}: {why}, or switch with --no-reverse"
        )

    def _add_foreign_keys(self) -> None:
        mover = self._mover
        for session in mover.target.sessions:
            if mover.script is not None:
                own_definitions.make_foreign_keys(
                    session, mover.move.name, mover.script
                )
                mover.tell(Progress("foreign keys made"))
                continue
            for key, text in self._foreign_keys():
                known = catalogs.table_of(session, key.child)
                assert known is not None
                if key.name not in {each.name for each in known.foreign_keys}:
                    session.run(text)
                    mover.tell(Progress("foreign key made", key.child))

    def _validate_foreign_keys(self) -> None:
        if self._mover.target.engine == "postgresql":
            for session in self._mover.target.sessions:
                tables = self._mover.move.tables
                for text in own_definitions.unvalidated(session, tables):
                    made_patiently(session, [text])

    def _foreign_keys(self) -> list[tuple[ForeignKey, str]]:
        engine = self._mover.target.engine
        if engine == "sqlite":  # they are there from the beginning
            return []
        return [
            (key, ddl.foreign_key_text(key, engine))
            for table in self._mover.tables
            for key in table.foreign_keys
            if key.child == table.name
        ]

    def _drop_fences(self, let_go: Callable[[], object] | None = None) -> None:
        """Take the fences of the source away; `let_go` as for `made_patiently`."""
        for session in self._mover.source.sessions:
            for pair in self._names:
                made_patiently(session, triggers.drop_fence_texts(pair), let_go)
                self._mover.tell(Progress("fence dropped", pair.name))

    def _drop_journals(self, end: End, pairs: list[Pair]) -> None:
        for session in end.sessions:
            for pair in pairs:
                made_patiently(session, triggers.drop_journal_texts(pair))
                self._mover.tell(Progress("journal dropped", pair.name))

    def _drop_door(self, session: Session) -> None:
        if session.engine == "sqlite":
            door = name("sqlite", door_name(self._mover.move.token))
            made_patiently(session, [f"DROP TABLE IF EXISTS {door}"])

    def _wrong(self, done: str) -> errors.Error:
        move = self._mover.move
        return errors.OperationalError(
            f"the move {move.name} is {move.phase.value}: it cannot be {done}"
        )
