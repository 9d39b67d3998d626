"""TRUNCATE, DROP TABLE and LOCK TABLE of tables in several databases: one statement for
those of each, in one transaction."""

from __future__ import annotations

from routedb import errors
from routedb.engine.run import multi_shard
from routedb.engine.run.executor import run_again
from routedb.engine.session import Session
from routedb.engine.virtual_cursor import VirtualCursor
from routedb.planner import by_place
from routedb.routing.plan import ParsedText
from routedb.sql.statement import Table

_VERBS = frozenset({"TRUNCATE", "DROP TABLE", "LOCK"})


def run(
    session: Session, cursor: VirtualCursor, text: ParsedText, refusal: errors.Error
) -> bool:
    """Run `text`, of which routing said `refusal`, in one transaction of `session`,
    where it is for a list of tables, and tell whether it is; let `cursor` show the last
    part. Raises what the servers say."""
    texts = _texts(session, text, refusal)

    def work() -> None:
        for each in texts:
            run_again(session, cursor, session.learn(each), None)

    if texts:
        multi_shard.in_transaction(session, work)
    return bool(texts)


def _texts(session: Session, text: ParsedText, refusal: errors.Error) -> list[str]:
    """Return the texts that together do what `text` does, of which routing said
    `refusal`; none where it is not such a one."""
    plan, config = text.plan, session.core.config
    is_one = plan.statement.verb in _VERBS and plan.dialect == "postgresql"
    is_off = config.joins == "refuse" or bool(plan.names & session.pins.names)
    is_elsewhere = isinstance(refusal, errors.CrossDatabaseError)
    if not is_one or is_off or not is_elsewhere or plan.statement.hints is not None:
        return []
    if plan.statement.verb == "LOCK" and not session.transaction.is_open:
        return []  # of no use, as the server says

    def place(table: Table) -> str | None:
        rule = session.core.rules.rule_for(table)
        return config.default if rule is None else rule.database

    parts = by_place(text.source, place) or {}
    dialects = {config.databases[str(name)].dialect for name in parts if name}
    if None in parts or len(parts) == 1 or dialects != {"postgresql"}:
        return []
    return list(parts.values())
