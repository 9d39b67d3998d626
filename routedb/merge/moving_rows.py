"""Reads over several shards while rows move between these.

Some rows are on two shards then, and the rules in force say which of them count. So who
reads several shards has to know these rules, at the latest a lease ago, until every
shard has shown its rows (`placement_watch.be_sure`); replicas may not have come as far
as the rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from routedb import errors
from routedb.config.model import RowsMoving
from routedb.engine.session import Session
from routedb.engine.shared import placement_watch
from routedb.merge.refused import NotMerged
from routedb.planner import GroupsPlan, Refusal, without_hidden
from routedb.routing.plan import ParsedText, Plan
from routedb.sql import Table
from routedb.topology.snapshot import Role

MOST_READS = 5  # of one statement

Hidden = dict[str, dict[Table, RowsMoving]]  # by database


class Unsettled(errors.OperationalError):
    """What was read is by rules that may have been too old; nobody has seen it yet."""


def hidden(plan: Plan) -> Hidden:
    """Return the tables of a `plan` of which shards have rows that do not count."""
    found: Hidden = {}
    for table, rule in plan.rules.moving(plan.statement.tables):
        if rule.moving is not None and rule.moving.hidden:
            found.setdefault(rule.database, {})[table] = rule.moving
    return found


def only_counting(
    session: Session, plan: Plan, made: GroupsPlan | Refusal
) -> GroupsPlan | Refusal:
    """Return what was `made` for a statement of this `plan` in `session`, without rows
    that do not count."""
    moving = hidden(plan)
    if not moving or isinstance(made, Refusal):
        return made
    databases = session.core.config.databases
    dialects = {name: databases[name].dialect for name in moving}
    return without_hidden(made, moving, dialects)


@contextmanager
def settled(session: Session, text: ParsedText) -> Iterator[ParsedText]:
    """Have the block read several groups for a `text` in `session`; yield the text by
    the rules in force. Raises OperationalError where these cannot be known, NotMerged
    where they cannot be kept to, and Unsettled where they have changed before all was
    read."""
    core = session.core
    if not any(database.is_sharded for database in core.config.databases.values()):
        yield text
        return
    database = text.plan.database
    placement_watch.be_sure(core, database.connect_timeout_s)
    if text.plan.rules is not core.rules:
        text = session.learn(text.source)
    plan, at = text.plan, core.clock()
    if hidden(plan):
        _check_transaction(session, plan)
    before = plan.rules.moving(plan.statement.tables)
    yield text
    is_late = core.clock() - at > placement_watch.LEASE_S
    if is_late and core.rules.moving(plan.statement.tables) != before:
        raise Unsettled(
            f"rows of {', '.join(sorted(plan.names))} have begun or ended to move "
            "between shards while they were read: run it again"
        )


def _check_transaction(session: Session, plan: Plan) -> None:
    """Refuse snapshots that are older than the rules."""
    transaction = session.transaction
    if not transaction.is_open or not transaction.branches:
        return
    names = ", ".join(sorted(plan.names))
    while_moving = f"while rows of {names} move between shards"
    if Role.REPLICA in transaction.roles.values():
        raise NotMerged(f"{while_moving}, all shards are read from their writers")
    isolation = transaction.mode.isolation
    is_plain = plan.database.dialect == "postgresql" and isolation is None
    if not is_plain and (isolation or "").upper() != "READ COMMITTED":
        raise NotMerged(
            f"{while_moving}, a transaction of isolation above READ COMMITTED reads "
            "several shards with its first statement alone"
        )
