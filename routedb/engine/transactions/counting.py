"""What a transaction over several groups leaves in each of them for atomic reads: see
`routedb.session.joint_counts`."""

from __future__ import annotations

from collections.abc import Mapping

from routedb.config.label import label_of
from routedb.engine.links.link import Link
from routedb.engine.links.links import Links
from routedb.engine.shared.ledger import ledger_of


class Counting:
    """The count of one commit of `branches`, links by group, all of which it has
    written to; `has_snapshot`: it has one snapshot from its beginning on.

    Raises OperationalError where a group has no table for it and gets none.
    """

    def __init__(
        self, links: Links, branches: Mapping[int, Link], has_snapshot: bool
    ) -> None:
        self._ledger = ledger_of(links.core)
        names = {group: self._ledger.counted(group) for group in branches}
        self._names = {group: name for group, name in names.items() if name is not None}
        self._coordinator = self._ledger.borrow_coordinator(has_snapshot)
        self._texts = self._coordinator.count(self._names.values())

    def write(self, group: int, link: Link) -> None:
        """Write the row of `group`, in the transaction, on `link`. Raises what the
        driver raises."""
        name = self._names.get(group)
        if name is not None:
            put = link.adapter.decisions.counts.put
            namespace = label_of(link.node).namespace
            link.ask(put, namespace, self._coordinator.name, self._texts[name])

    def settle(self, committed: bool | None) -> None:
        """Take note of what has become of it, everywhere; None: of some part nobody
        knows. The coordinator is never called so again then."""
        if committed is None:
            return
        if committed:
            self._coordinator.keep(self._texts)
        self._ledger.give_coordinator(self._coordinator)
