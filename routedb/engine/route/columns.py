"""What a catalog tells of columns, for the plans that want to know it."""

from __future__ import annotations

from routedb.engine.session import Session
from routedb.routing.plan import Plan
from routedb.routing.questions import AskColumns


def learn_columns(session: Session, plan: Plan, question: AskColumns) -> None:
    """Ask in `session` what the `question` is; let the `plan` have the answer. Raises
    what the driver raises, and ShardError where shards differ."""
    core = session.core
    version = core.catalog.version
    found = core.merger.columns(session, question.database, question.table)
    if found is not None:
        plan.shards.learn(question.table, found, version)
