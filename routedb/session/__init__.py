"""What one virtual connection remembers, as values and tables. No I/O.

`tx_state`, `recovery` and `commit_outcome` are tables: what happens comes in, the next
state or what to do goes out. `read_state` says which replicas hold what was seen;
`settings_log` and `pins` keep what statements leave; `tokens` and `retry` are values.
The engine's session has them.
"""

from __future__ import annotations

from routedb.session.commit_outcome import CommitOutcome, outcome_of
from routedb.session.read_state import MinPosition, ReadState, View
from routedb.session.recovery import Action, Moment, action_for
from routedb.session.settings_log import SettingsLog
from routedb.session.tx_state import AFTER, TxEvent, TxState

__all__ = [
    "AFTER",
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
    "outcome_of",
]
