"""The running of EXPLAIN over several groups: each fragment's, on its own."""

from __future__ import annotations

from typing import Any

from routedb.adapters.base import RawCursor
from routedb.engine.links.link import Link
from routedb.engine.route.plan_tree import Step
from routedb.engine.run.attempt import Attempt
from routedb.engine.run.merged_result import MergedResult
from routedb.engine.session import Session
from routedb.engine.shared.workers import Workers
from routedb.engine.virtual_cursor import VirtualCursor
from routedb.merge import across, answers, postgresql_work, sqlite_work
from routedb.merge.fragments import GroupReads, reads_of
from routedb.merge.limits import decide_work
from routedb.merge.measures import Measures
from routedb.merge.running import Running, Way
from routedb.merge.server_plans import (
    asking,
    one_by_one,
    server_lines,
    sqlite_rows,
    text_of,
    with_servers,
)
from routedb.planner import GroupsPlan
from routedb.routing.plan import ParsedText

_COLUMNS = ("id", "parent", "notused", "detail")  # of SQLite's plans


class Explaining:
    """Asks the servers about the statement `text` with `params` in `session`, for
    `cursor` to show: `prefix` is the EXPLAIN before it, `measures` what is done."""

    def __init__(
        self,
        session: Session,
        cursor: VirtualCursor,
        text: ParsedText,
        params: Any,
        prefix: str,
        measures: Measures,
    ) -> None:
        self._session = session
        self._cursor = cursor
        self._text = text
        self._params = params
        self._prefix = prefix
        self._measures = measures

    def run(
        self, made: GroupsPlan, shown: Step
    ) -> tuple[list[GroupReads], Link, MergedResult | None]:
        """Ask about the fragments of `made`, whose tree is `shown`. Return who was
        asked, the last link, and the answer: None where the cursor has it. Raises
        NotMerged where nobody speaks the text's dialect."""
        session, cursor, is_lite = self._session, self._cursor, made.dialect == "sqlite"
        config = session.core.config
        asked = one_by_one(reads_of(session, made, self._params))
        where = across.working_reads(asked, config, made.dialect)
        said: dict[tuple[int, str], tuple[str, ...]] = {}

        def take(reads: GroupReads, link: Link, raw: RawCursor) -> None:
            rows = raw.fetchall()
            place = f"{reads.name} ({link.node.name})"
            said[reads.fragments[0], place] = server_lines(raw.description, rows)

        way = Way(_open_raw, take, takes_at_once=True, at_once=False)
        plan, explains = self._text.plan, asking(made, self._prefix, config)
        running = Running(
            session, cursor, plan, explains, self._params, way, self._measures
        )
        link = running.run(asked, Workers())
        tree = with_servers(shown, said)
        decision = decide_work(session, plan, where, self._measures.bounds)
        attempt = Attempt(session, plan, decision, is_one_of_several=True)
        if is_lite:
            if link.adapter.dialect != made.dialect:
                link = attempt.reach()
            return asked, link, self._as_sqlite(tree, link)
        sql, values = text_of(tree.lines(), made.dialect)
        attempt.run(cursor, lambda raw: raw.execute(sql, values))
        attempt.route.hits[0] -= 1
        return asked, link, None

    def _as_sqlite(self, tree: Step, link: Link) -> MergedResult:
        description = [(name, *[None] * 6) for name in _COLUMNS]
        rows = sqlite_rows(tree)
        part = answers.Part(description, rows, -1, None, None, "", False, frozenset())
        return sqlite_work.present(self._session, self._cursor, link, part)


def _open_raw(link: Link) -> RawCursor:
    is_lite = link.adapter.dialect == "sqlite"
    opened: RawCursor = (sqlite_work if is_lite else postgresql_work).open_raw(link)
    return opened
