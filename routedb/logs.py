"""What an operator sees without asking: `logging.getLogger("routedb")`.

One line for each event that is rare; statements are not logged. There is no handler but
a NullHandler, as the standard library asks of libraries: a program that configures
logging gets the lines, and no other one is disturbed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from routedb.events import (
    BranchLeft,
    BranchRecovered,
    LinkLost,
    LinkReplaced,
    NodeFenced,
    NodeLabel,
    NodeStateChanged,
    Observed,
    ObserverFailed,
    OutcomeUnknownSeen,
    PoolWaited,
    ReplicaShare,
    SameServerSeen,
    SeveralServersSeen,
    SplitBrainBegan,
    SplitBrainEnded,
    StatementRetried,
    TransactionLostSeen,
    WriterChanged,
)

LOGGER = logging.getLogger("routedb")
LOGGER.addHandler(logging.NullHandler())

_LONG_WAIT_S = 1.0
_BAD_STATES = ("lagging", "suspect", "down")

Line = tuple[int, str]


def write(event: Observed) -> None:
    """Log an event; those of statements are not for a log."""
    said = line(event)
    if said is not None:
        level, text = said
        LOGGER.log(level, "%s", text)


def line(event: Observed) -> Line | None:
    """Return the level and the text of an event's line; None when it has none."""
    spell = _LINES.get(type(event))
    if spell is None:
        return None
    level, text = spell(event)
    return level, " ".join(text.split())  # a driver's message may have several lines


def _state_changed(event: NodeStateChanged) -> Line:
    is_better = event.before == "down"
    is_bad = event.after in _BAD_STATES and not is_better
    return logging.WARNING if is_bad else logging.INFO, (
        f"node {_node(event.node)}: {event.before} -> {event.after}"
        f"{_because(event.why)}"
    )


def _writer_changed(event: WriterChanged) -> Line:
    group = _group(event.database, event.shard)
    if event.after is None:
        return logging.WARNING, f"{group} has no writer now; {event.before} was it"
    if event.before is None:
        return logging.INFO, f"{group}: writer is {event.after}"
    if not event.is_failover:
        return logging.INFO, f"{group}: writer is {event.after} again"
    return logging.WARNING, (
        f"{group}: {event.after} was promoted, writer in the place of {event.before}"
    )


def _fenced(event: NodeFenced) -> Line:
    return logging.WARNING, f"node {_node(event.node)}: fenced: {event.why}"


def _servers(event: SeveralServersSeen | SameServerSeen) -> Line:
    return logging.WARNING, f"node {_node(event.node)}: {event.why}"


def _split(event: SplitBrainBegan) -> Line:
    names = " and ".join(str(node) for node in event.nodes)
    return logging.ERROR, (
        f"{_group(event.database, event.shard)}: split brain: {names} both claim to be "
        "the writer and neither is provably newer; writes are refused"
    )


def _split_ended(event: SplitBrainEnded) -> Line:
    group = _group(event.database, event.shard)
    return logging.INFO, f"{group}: split brain is over"


def _link_lost(event: LinkLost) -> Line:
    return logging.WARNING, f"link to {_node(event.node)} lost{_because(event.why)}"


def _link_replaced(event: LinkReplaced) -> Line:
    text = f"link to {_node(event.node)} replaced{_because(event.why)}"
    return logging.INFO, text


def _retried(event: StatementRetried) -> Line:
    what = "read" if event.is_read else "statement that was not executed"
    return logging.WARNING, (
        f"{event.verb or 'statement'} on {_node(event.node)} failed, the {what} is run "
        f"again{_because(event.why)}"
    )


def _transaction_lost(event: TransactionLostSeen) -> Line:
    return logging.WARNING, f"TransactionLost: {event.why}"


def _outcome_unknown(event: OutcomeUnknownSeen) -> Line:
    return logging.ERROR, f"OutcomeUnknown: {event.why}"


def _branch_left(event: BranchLeft) -> Line:
    return logging.WARNING, (
        f"branch {event.branch} stays prepared on {_node(event.node)}, with its locks, "
        f"until recovery finishes it; the transaction is {event.outcome}"
    )


def _branch_recovered(event: BranchRecovered) -> Line:
    return logging.WARNING, (
        f"branch {event.branch} was left prepared on {_node(event.node)}: "
        f"recovered, {event.outcome}"
    )


def _pool_waited(event: PoolWaited) -> Line:
    node, waited = _node(event.node), f"{event.waited_s:.3f} s"
    if event.timed_out:
        return logging.WARNING, f"pool of {node}: no link became free in {waited}"
    level = logging.WARNING if event.waited_s >= _LONG_WAIT_S else logging.INFO
    return level, f"pool of {node}: waited {waited} for a link"


def _replica_share(event: ReplicaShare) -> Line:
    total = event.on_replicas + event.on_writers
    why = "" if event.on_replicas else "; routedb.report() has the reasons"
    return logging.INFO, (
        f"{event.database}: {event.on_replicas / total:.1%} of {total} statements in "
        f"{event.seconds:.0f} s on replicas{why}"
    )


def _observer_failed(event: ObserverFailed) -> Line:
    return logging.ERROR, (
        f"observer {event.callback} raised {event.why}; further failures of it are "
        "not logged"
    )


_LINES: dict[type, Callable[[Any], Line]] = {
    NodeStateChanged: _state_changed,
    WriterChanged: _writer_changed,
    NodeFenced: _fenced,
    SeveralServersSeen: _servers,
    SameServerSeen: _servers,
    SplitBrainBegan: _split,
    SplitBrainEnded: _split_ended,
    LinkLost: _link_lost,
    LinkReplaced: _link_replaced,
    StatementRetried: _retried,
    TransactionLostSeen: _transaction_lost,
    OutcomeUnknownSeen: _outcome_unknown,
    BranchLeft: _branch_left,
    BranchRecovered: _branch_recovered,
    PoolWaited: _pool_waited,
    ReplicaShare: _replica_share,
    ObserverFailed: _observer_failed,
}


def _node(node: NodeLabel) -> str:
    return f"{node.name} of {_group(node.database, node.shard)}"


def _group(database: str, shard: int | None) -> str:
    return database if shard is None else f"{database}[{shard}]"


def _because(why: str) -> str:
    return f": {why}" if why else ""
