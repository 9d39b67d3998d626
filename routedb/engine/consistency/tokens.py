"""What this session has seen, for another session: `token`, `after`, `wait_for`."""

from __future__ import annotations

from collections.abc import Iterable

from routedb import errors
from routedb.engine.consistency.catch_up import ask
from routedb.engine.links import find_node
from routedb.engine.links.link import Link
from routedb.engine.session import Session
from routedb.session import MinPosition, View
from routedb.session.read_state import NO_NODE
from routedb.session.tokens import UNKNOWN_POSITION, GroupRef, read_token, write_token
from routedb.topology.positions import Position


def token(session: Session) -> str:
    """Return a text that stands for all this session has written and seen.

    Raises ProgrammingError inside a transaction: what is not committed is nowhere yet.
    """
    _check_between(session, "token()")
    return write_token(
        entry for group in _groups(session) for entry in _seen(session, group)
    )


def after(session: Session, text: str) -> list[int]:
    """Let this session see all that a token stands for; return the groups it names.

    Groups that this configuration does not have are passed over. Raises
    ProgrammingError for what is no token, and inside a transaction.
    """
    _check_between(session, "after()")
    numbers = {_place(session, group.id): group.id for group in session.core.groups}
    named = []
    for place, position in read_token(text):
        group = numbers.get(place)
        if group is None or session.core.groups[group].is_single:
            continue
        session.tracker.add_min_position(
            group, MinPosition(position, session.core.clock())
        )
        named.append(group)
    return named


def wait_for(session: Session, text: str, timeout_s: float) -> bool:
    """Do what `after` does, and wait until replicas hold it all; False: they did not
    within `timeout_s`, and the writer answers."""
    deadline = session.core.clock() + timeout_s
    return all(_await(session, group, deadline) for group in after(session, text))


def _await(session: Session, group: int, deadline: float) -> bool:
    while True:
        topology = session.core.topology
        view = topology.groups[group]
        if view.read_ring and not session.tracker.is_ahead(
            view, _consistency(session, group)
        ):
            return True
        session.core.request_sample(group)
        is_over = (
            session.core.clock() >= deadline
        )  # news may come faster than time passes
        if is_over or not session.core.await_news(topology.version, deadline):
            return False


def _groups(session: Session) -> Iterable[int]:
    """Return the groups of which this session has seen something, its process's writes
    included where they count."""
    written = list(session.core.wrote_at)
    shared = (group for group in written if _consistency(session, group) == "process")
    return sorted({*session.read_states, *shared})


def _seen(session: Session, group: int) -> Iterable[tuple[GroupRef, Position]]:
    look = session.tracker.view(group, _consistency(session, group))
    place = _place(session, group)
    if (
        look.read_state.last_node == NO_NODE
        and not look.seen_at
        and not look.process_wrote_at
    ):
        for floor in look.read_state.min_positions:
            yield place, floor.position
        return
    yield place, _position(session, group, look)


def _position(session: Session, group: int, look: View) -> Position:
    """Return a position at or beyond what was seen: a sample's, or ask."""
    view = session.core.topology.groups[group]
    mark, shared_at = look.read_state, look.process_wrote_at
    since = max(look.seen_at, shared_at, *(floor.since for floor in mark.min_positions))
    if view.sample is not None and view.sample.asked_at >= since:
        return view.sample.position
    link = session.open.get(mark.last_node)
    if link is None or ((shared_at or mark.min_positions) and link.id != view.writer):
        link = _writer(session, group)
    return (None if link is None else ask(session, link)) or UNKNOWN_POSITION


def _consistency(session: Session, group: int) -> str:
    """Return what a token minds: it means something even under "eventual"."""
    database = session.core.config.databases[session.core.groups[group].database]
    return "process" if database.consistency == "process" else "session"


def _writer(session: Session, group: int) -> Link | None:
    """Return a link to the writer, if there is one now."""
    if session.core.topology.groups[group].writer is None:
        return None
    try:
        return find_node.writer(session.links, group)
    except Exception:  # the driver's own classes: it has gone away just now
        return None


def _place(session: Session, group: int) -> GroupRef:
    config = session.core.groups[group]
    return GroupRef(config.database, config.shard)


def _check_between(session: Session, what: str) -> None:
    if session.transaction.is_bound:
        raise errors.ProgrammingError(
            f"{what} inside a transaction: what is not committed is nowhere yet, and "
            "what was begun stays where it is; commit or roll back first"
        )
