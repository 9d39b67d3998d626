"""Whether what reads by its text has certainly not written: asked after a fault only.

A view over a function that updates, a policy, an operator, a cast, a foreign table:
none of them shows in the text. A replica refuses what they write; on the writer nobody
does. So once the answer of a read there is lost, the catalog is asked whether all that
it names is plain. Without a certain answer it counts as a write that may have happened.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from routedb import errors
from routedb.engine.links import find_node
from routedb.engine.links.link import Link, is_verdict
from routedb.engine.links.links import Links
from routedb.engine.shared.catalog_answers import Read
from routedb.engine.shared.let_go import lets_go
from routedb.engine.transactions.ends import roll_back
from routedb.routing.plan import Plan
from routedb.session import Moment
from routedb.sql.session_objects import RELATIONS

LONGEST_ASKED = 100_000
_MOST_READS = 1024
# What names nothing at all, not even an operator.
_names_nothing = re.compile(r"\s*SELECT(?:\s|0|''|,|%s)*", re.IGNORECASE).fullmatch


def has_only_read(links: Links, group: int, plan: Plan) -> bool:
    """Tell whether a statement of `plan`, a read by its text that has run on a writer
    of `group`, has certainly written nothing.

    Asks over the connection's `links`, where none to the group has a transaction open;
    waits for a writer up to `failover_timeout`. Raises what is no verdict only.
    """
    text = plan.shape
    if _names_nothing(text):
        return True
    if not text or len(text) > LONGEST_ASKED or _may_be_temporary(links, plan):
        return False
    core = links.core
    database, read = core.groups[group].database, Read(text, plan.statement.tables)
    known = core.catalog.is_plain(database, read)
    if known is not None:
        return known
    for link in _links_to_ask(links, group):
        try:
            if link.is_idle():  # else it is the transaction's
                return _ask(links, link, database, read)
        except Exception as exc:
            link.classify_error(exc)
            links.drop(link)
            if not is_verdict(exc):
                raise
    return False


def _may_be_temporary(links: Links, plan: Plan) -> bool:
    """Tell whether the session has, or has lost, a relation of its own under a name
    that the statement has: no other session's catalog knows that."""
    pins = links.pins
    own = {obj.name for obj in pins.lost if obj.kind in RELATIONS}
    return not plan.names.isdisjoint(own | pins.names)


class Reads(set[Plan]):
    """The plans of what a transaction has run on writers and is not known to write. The
    hot path looks into it, and adds the first. `links` are the connection's."""

    forget = set.clear  # what is in the set

    def __init__(self, links: Links) -> None:
        super().__init__()
        self._links = links
        self._elsewhere: dict[int, set[Plan]] = {}  # in another group than the plan's
        self._are_too_many = False
        self._has_defined = False
        self.has_more = False  # than what is in the set, since the last `clear`

    def keep(self, group: int, plan: Plan) -> None:
        """Take note that a statement of `plan` has been sent to the writer of
        `group`."""
        kept: set[Plan] = self
        if plan.group_id != group:
            self.has_more = True
            kept = self._elsewhere.setdefault(group, set())
        if len(kept) < _MOST_READS:
            kept.add(plan)
        elif plan not in kept:
            self._are_too_many = self.has_more = True

    def plans(self) -> set[Plan]:
        """Return all that are kept."""
        return self.union(*self._elsewhere.values())

    def clear(self) -> None:
        """Begin anew: the transaction is over."""
        super().clear()
        self._elsewhere.clear()
        self._are_too_many = False
        if self._has_defined:
            self._links.core.catalog.forget()
        self._has_defined = self.has_more = False

    def note_definition(self) -> None:
        """Take note that catalogs may say something else, now and once it is over."""
        self._links.core.catalog.forget()
        self._has_defined = self.has_more = True

    def have_only_read(self, group: int) -> bool:
        """Tell whether none of them has written in `group`; asks and raises as
        `has_only_read` does."""
        if self._are_too_many:
            return False
        plans = [plan for plan in self if plan.group_id == group]
        plans += self._elsewhere.get(group, ())
        return all(has_only_read(self._links, group, plan) for plan in plans)


def _ask(links: Links, link: Link, database: str, read: Read) -> bool:
    ask = partial(link.is_plain, read.text, read.tables)
    try:
        return links.core.catalog.ask_plain(database, read, ask)
    finally:
        roll_back(links, link)


def _links_to_ask(links: Links, group: int) -> Iterator[Link]:
    """Yield links to the writer, to replicas when it cannot be had at once, and to the
    writer that comes. Whoever does not know what is named cannot say that it is plain.
    """
    view = links.core.topology.groups[group]
    nodes = dict.fromkeys((view.writer, *view.read_ring))
    for node in nodes:
        if node is not None:
            try:
                link = links.get(node)
            except Exception as exc:
                _check_verdict(links, node, exc)
            else:
                yield link
    try:
        link = find_node.writer(links, group)
    except Exception as exc:
        if not isinstance(exc, errors.Error):
            raise
    else:
        yield link


@lets_go
def _check_verdict(links: Links, node: int, exc: Exception) -> None:
    """Report a node that cannot be asked; raise what is no driver's error."""
    find_node.cannot_open(links, node, exc, Moment.FINDING_REPLICA)
    if not is_verdict(exc):
        raise exc
