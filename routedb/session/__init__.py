"""What one virtual connection remembers: transaction states, settings, recovery."""

from __future__ import annotations

from routedb.session.fate import Fate, fate_of
from routedb.session.recovery import Action, Moment, action_for
from routedb.session.seen import Floor, Look, Mark
from routedb.session.settings import Settings
from routedb.session.state import Event, State, advance

__all__ = [
    "Action",
    "Event",
    "Floor",
    "Mark",
    "Fate",
    "Look",
    "Moment",
    "Settings",
    "State",
    "action_for",
    "advance",
    "fate_of",
]
