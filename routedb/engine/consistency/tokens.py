"""What a session has seen, for another session: `token`, `after`, `wait_for`."""

from __future__ import annotations

from collections.abc import Iterable

from routedb import errors
from routedb.engine.consistency.catch_up import ask
from routedb.engine.consistency.tracker import ConsistencyTracker
from routedb.engine.links import find_node
from routedb.engine.links.link import Link
from routedb.engine.shared.core import Core
from routedb.engine.shared.error_origin import is_from_program
from routedb.session import MinPosition, View
from routedb.session.read_state import NO_NODE
from routedb.session.tokens import UNKNOWN_POSITION, GroupRef, read_token, write_token
from routedb.topology.positions import GtidPosition, GtidSet, Position, WalPosition

# Who has such positions. One that is not known may be anybody's.
_DIALECTS: dict[type, str] = {
    WalPosition: "postgresql",
    GtidPosition: "mysql",
    GtidSet: "mysql",
}


def token(tracker: ConsistencyTracker, is_bound: bool) -> str:
    """Return a text that stands for all a session has written and seen.

    `is_bound`: it is inside a transaction; then ProgrammingError is raised, for what is
    not committed is nowhere yet.
    """
    _check_between(is_bound, "token()")
    entries = [
        entry for group in _groups(tracker) for entry in _positions(tracker, group)
    ]
    return write_token(entries, tracker.core.config.token_keys)


def after(tracker: ConsistencyTracker, is_bound: bool, text: str) -> list[int]:
    """Let a session see all that the token `text` stands for; return the ids of the
    groups it names.

    A group that this configuration does not have may be one of its own under another
    name, so all of its kind are taken for it. Raises ProgrammingError for what is no
    token, or is not signed where that is asked for, and, with `is_bound`, inside a
    transaction.
    """
    _check_between(is_bound, "after()")
    core = tracker.core
    ids = {_group_ref(tracker, group.id): group.id for group in core.groups}
    named: dict[int, None] = {}
    for ref, position in read_token(text, core.config.token_keys):
        group = ids.get(ref)
        for each in _of_kind(core, position) if group is None else [group]:
            if not core.groups[each].is_single:
                tracker.add_min_position(each, MinPosition(position, core.clock()))
                named[each] = None
    return list(named)


def _of_kind(core: Core, position: Position) -> list[int]:
    """Return the ids of the groups whose servers may have told this position."""
    dialect = _DIALECTS.get(type(position))
    databases = core.config.databases
    return [
        group.id
        for group in core.groups
        if dialect in (None, databases[group.database].dialect)
    ]


def wait_for(
    tracker: ConsistencyTracker, is_bound: bool, text: str, timeout_s: float
) -> bool:
    """Do what `after` does with `text` and `is_bound`, and wait until replicas hold it
    all; False: they did not within `timeout_s`, and the writer answers."""
    deadline = tracker.core.clock() + timeout_s
    named = after(tracker, is_bound, text)
    return all(_await(tracker, group, deadline) for group in named)


def _await(tracker: ConsistencyTracker, group: int, deadline: float) -> bool:
    core = tracker.core
    while True:
        topology = core.topology
        view = topology.groups[group]
        consistency = _consistency(tracker, group)
        if view.read_ring and not tracker.is_ahead(view, consistency):
            return True
        core.samples.request(group)
        is_over = core.clock() >= deadline  # news may come faster than time passes
        if is_over or not core.await_news(topology.version, deadline):
            return False


def _groups(tracker: ConsistencyTracker) -> Iterable[int]:
    """Return the groups of which the session has seen something, its process's writes
    included where they count."""
    written = list(tracker.core.process_wrote_at)
    shared = (group for group in written if _consistency(tracker, group) == "process")
    return sorted({*tracker.read_states, *shared})


def _positions(
    tracker: ConsistencyTracker, group: int
) -> Iterable[tuple[GroupRef, Position]]:
    view = tracker.view(group, _consistency(tracker, group))
    state, ref = view.read_state, _group_ref(tracker, group)
    if state.last_node == NO_NODE and not view.seen_at and not view.process_wrote_at:
        for minimum in state.min_positions:
            yield ref, minimum.position
        return
    yield ref, _position(tracker, group, view)


def _position(tracker: ConsistencyTracker, group: int, seen: View) -> Position:
    """Return a position at or beyond what was seen: a sample's, or ask."""
    view = tracker.core.topology.groups[group]
    state, wrote_at = seen.read_state, seen.process_wrote_at
    since = max(seen.seen_at, wrote_at, *(m.since for m in state.min_positions))
    if view.sample is not None and view.sample.asked_at >= since:
        return view.sample.position
    link = tracker.links.open.get(state.last_node)
    needs_writer = wrote_at or state.min_positions
    if link is None or (needs_writer and link.id != view.writer):
        link = _writer(tracker, group)
    position = None if link is None else ask(tracker.links, link)
    return position or UNKNOWN_POSITION


def _consistency(tracker: ConsistencyTracker, group: int) -> str:
    """Return what a token keeps to: it means something even under "eventual"."""
    core = tracker.core
    database = core.config.databases[core.groups[group].database]
    return "process" if database.consistency == "process" else "session"


def _writer(tracker: ConsistencyTracker, group: int) -> Link | None:
    """Return a link to the writer, if there is one now."""
    if tracker.core.topology.groups[group].writer is None:
        return None
    try:
        return find_node.writer(tracker.links, group)
    except Exception as exc:  # the driver's own classes: it is away just now
        if is_from_program(exc):
            raise
        return None


def _group_ref(tracker: ConsistencyTracker, group: int) -> GroupRef:
    config = tracker.core.groups[group]
    return GroupRef(config.database, config.shard)


def _check_between(is_bound: bool, what: str) -> None:
    if is_bound:
        raise errors.ProgrammingError(
            f"{what} inside a transaction: what is not committed is nowhere yet, and "
            "what was begun stays where it is; commit or roll back first"
        )
