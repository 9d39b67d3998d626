"""Remainders over many rows: temporary tables on a scratch link, filled as lines.

The statement's rows are worked out by the same engine as ever, on a node that the
statement reads from, or the one that is configured. On a standby of PostgreSQL there
are no temporary tables, so there it is the writer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from routedb import errors
from routedb.config.model import NodeConfig
from routedb.engine.links.link import Link
from routedb.engine.run.merged_result import MergedResult
from routedb.engine.session import Session
from routedb.engine.transactions.aside import ask_aside
from routedb.engine.transactions.transaction import Transaction
from routedb.engine.virtual_cursor import VirtualCursor
from routedb.errors import Fault
from routedb.merge.answers import part_of, renamed
from routedb.merge.lines import Lines
from routedb.merge.loading import TABLES, load
from routedb.merge.reading import note_warnings
from routedb.merge.refused import NotMerged
from routedb.merge.scratch import scratch_link
from routedb.planner import Remainder
from routedb.routing.decider import Decision
from routedb.session import TxEvent
from routedb.session.settings_log import Setting

# Names whose value another session or transaction has otherwise.
_OWN = frozenset(
    {"now", "current_date", "current_time", "current_timestamp", "localtime"}
    | {"localtimestamp", "transaction_timestamp", "statement_timestamp", "timeofday"}
    | {"clock_timestamp", "curdate", "curtime", "sysdate", "utc_date", "utc_time"}
    | {"utc_timestamp", "unix_timestamp", "connection_id", "pg_backend_pid"}
)
_FAILING = "SELECT 1 / 0"


def node_for_tables(
    session: Session, dialect: str, decision: Decision, asked: Mapping[int, Link]
) -> NodeConfig:
    """Return the node for temporary tables of a statement in `dialect` in `session`: by
    `decision`, and of the group that has, the one of the links that were `asked`.
    Raises NotMerged when there is none now."""
    core = session.core
    node, group = decision.node, decision.groups[0]
    if node is None:
        node = asked[group].id if group in asked else None
    view = core.topology.groups[group]
    if node is None or dialect == "postgresql":
        node = view.writer
    if node is None:
        raise NotMerged("its rows need temporary tables, and there is no writer now")
    return core.nodes[node]


def check_words(remainder: Remainder) -> None:
    """Raise NotMerged for what another session would say otherwise in `remainder`."""
    for word in remainder.session_words:
        if word in _OWN or word.startswith("txid_current"):
            raise NotMerged(
                f"its rows need temporary tables, and {word} would be another session's"
            )


def run_on_tables(
    session: Session,
    cursor: VirtualCursor,
    node: NodeConfig,
    remainder: Remainder,
    rows: Mapping[int, Sequence[Lines]],
    params: Any,
) -> tuple[Link, MergedResult]:
    """Run `remainder` with `params` on `node` over the `rows` of each fragment, by its
    number, in `session`; return the link it ran on, which is not the session's, and the
    result for `cursor` to show.

    Raises NotMerged for a right that is missing, and what the servers say.
    """
    texts, shown = settings_for(session, node)
    tries = 0
    while True:
        try:
            with scratch_link(session, node) as link:
                try:
                    _fill(link, remainder, rows, texts, shown)
                    return link, _run(cursor, link, remainder, params)
                except Exception as exc:
                    is_lost = _judged(session, link, exc)
                    raise
        except errors.Error:
            tries += 1
            if not is_lost or tries > 1:  # an idle link may have died
                raise


def _fill(
    link: Link,
    remainder: Remainder,
    rows: Mapping[int, Sequence[Lines]],
    texts: Sequence[Setting],
    shown: Sequence[Any],
) -> None:
    tables = TABLES[link.adapter.dialect]
    before = tables.begin(link, texts, shown)
    for relation in remainder.relations:
        load(
            link,
            relation.name,
            relation.columns,
            rows[relation.fragment],
            relation.keys,
            relation.primary_key if remainder.needs_tables else (),
        )
    tables.ready(link, before)


def _run(
    cursor: VirtualCursor, link: Link, remainder: Remainder, params: Any
) -> MergedResult:
    raw = cursor.make_part_cursor(link)
    text = remainder.text
    bound = text.bind(params)
    link.ask(lambda _: raw.execute(text.sql, *(() if bound is None else (bound,))))
    result = renamed(cursor, remainder, part_of(cursor, link, raw))
    note_warnings(cursor, link)
    raw.close()
    return result


def settings_for(session: Session, node: NodeConfig) -> tuple[list[Setting], list[Any]]:
    """Return the texts that `session` has set something by, for a link of ours to
    `node`, and what its server shows of it, where that is more."""
    links, transaction = session.links, session.transaction
    log = links.settings
    texts = log.since(node.engine, node.database, -1)
    texts += [
        each
        for each in log.uncommitted.items
        if isinstance(each, Setting) and each.engine == node.engine
    ]
    asked = TABLES[links.core.config.databases[node.database].dialect].SETTINGS
    sources = [transaction.home_link, *transaction.branches.values(), *links]
    for link in sources if asked is not None else ():
        if link is not None and link.node.engine == node.engine:
            ask = partial(Link.run, sql=asked)
            return texts, ask_aside(transaction, link, ask)
    return texts, []


def _judged(session: Session, link: Link, exc: Exception) -> bool:
    """Tell whether `link` is lost with `exc`, which is made ours too; of other errors
    leave the transaction as one database would."""
    if isinstance(exc, NotMerged):
        return False
    fault = link.classify_error(exc)
    if fault is Fault.LINK_LOST:
        session.core.report_fault(link, exc, fault)
        return True
    if link.adapter.dialect == "postgresql":
        _abort(session.transaction)
    return False


def _abort(transaction: Transaction) -> None:
    """Have the servers refuse all but a rollback, as after any error."""
    branches = transaction.branches.values()
    aborting = [each for each in branches if each.adapter.dialect == "postgresql"]
    for branch in aborting:
        with suppress(Exception):  # it is meant to fail
            branch.run(_FAILING)
    if aborting:
        transaction.apply(TxEvent.ERROR)
