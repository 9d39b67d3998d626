"""Questions to a server that belong to no transaction, and leave none behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from routedb.engine.links.link import Link
from routedb.engine.links.links import Links
from routedb.engine.transactions.commit import roll_back

T = TypeVar("T")


def ask_aside(links: Links, link: Link, ask: Callable[[Link], T]) -> T:
    """Return what `ask` says of `link`, which is one of `links`.

    Drivers begin a transaction with whatever comes first (PEP 249): it is rolled back,
    unless one was open there before. Raises what `ask` raises.
    """
    was_idle = link.is_idle()
    try:
        return ask(link)
    finally:
        if was_idle:
            roll_back(links, link)
