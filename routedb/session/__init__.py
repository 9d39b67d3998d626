"""The state of one virtual connection: transaction states, settings, pins, recovery."""

from __future__ import annotations

from routedb.session.commit_outcome import CommitOutcome, outcome_of
from routedb.session.read_state import MinPosition, ReadState, View
from routedb.session.recovery import Action, Moment, action_for
from routedb.session.settings_log import SettingsLog
from routedb.session.tx_state import TxEvent, TxState, advance

__all__ = [
    "Action",
    "TxEvent",
    "MinPosition",
    "ReadState",
    "CommitOutcome",
    "View",
    "Moment",
    "SettingsLog",
    "TxState",
    "action_for",
    "advance",
    "outcome_of",
]
