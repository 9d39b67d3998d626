"""Where tables live by `routedb_placements`, which every process of routedb follows.

The table is `adapter.placements` of the home database; see
routedb/adapters/placement_table.py.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from routedb.config.label import label_of
from routedb.config.placements import Place, Placement
from routedb.mover.sessions import Session


def make(session: Session) -> None:
    """Make the table in the home database, where `session` is, unless it is there with
    its first row."""
    table, namespace = session.adapter.placements, _namespace(session)
    if table.is_there(session.raw, namespace):
        found = table.read(session.raw, namespace)
        if found is not None and found.version >= 0:
            return
    table.make(session.raw, namespace)


def read(session: Session) -> dict[str, Placement]:
    """Return the placement of each table that has one."""
    table = session.adapter.placements
    if not table.is_there(session.raw, _namespace(session)):
        return {}
    found = table.read(session.raw, _namespace(session))
    assert found is not None  # as no version is known
    return {row.table: row for row in found.rows}


def next_version(session: Session) -> int:
    """Return the version that the next change will have."""
    return session.adapter.placements.version(session.raw, _namespace(session)) + 1


def write(session: Session, places: Mapping[str, Place], move: str) -> int:
    """Have each table of `places` live at its place, all at once, by the move called
    `move`; return the version."""
    with session.transaction():
        return session.adapter.placements.write(
            session.raw, _namespace(session), places, move
        )


def forget(session: Session, move: str, but: Collection[str] = ()) -> None:
    """Forget what the move called `move` has said: its tables live where the
    configuration says, `but` for those that had placements before."""
    found = read(session).items()
    names = [name for name, row in found if row.move == move and name not in but]
    if names:
        with session.transaction():
            session.adapter.placements.remove(session.raw, _namespace(session), names)


def _namespace(session: Session) -> str | None:
    return label_of(session.node).namespace
