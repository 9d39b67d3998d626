"""One text with its plan: what a statement is run by."""

from __future__ import annotations

from routedb.routing.plan import Plan
from routedb.sql import Scan


class ParsedText:
    """One text that a user sent, `source`, with its plan; `scan` has it taken apart,
    None as long as nobody has asked for that."""

    __slots__ = ("_scan", "plan", "source")

    def __init__(self, source: str, plan: Plan, scan: Scan | None = None) -> None:
        self.source = source
        self.plan = plan
        self._scan = scan

    @property
    def scan(self) -> Scan:
        """The text taken apart, which has its literals: hardly any statement asks."""
        scan = self._scan
        if scan is None:
            scan = self._scan = self.plan.take_apart(self.source)
        return scan
