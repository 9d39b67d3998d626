"""Questions to a server that belong to no transaction, and begin none."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from routedb.adapters.base import AUTOCOMMIT
from routedb.engine.links.link import Link
from routedb.engine.transactions.transaction import Transaction

T = TypeVar("T")


def ask_aside(transaction: Transaction, link: Link, ask: Callable[[Link], T]) -> T:
    """Return what `ask` says of `link`, in the `transaction` if that is a branch.

    On other links drivers would begin one with whatever comes first (PEP 249), which
    nobody would end. Their mode is seen to before their next statement. Raises what
    `ask` raises.
    """
    if link not in transaction.branches.values():
        link.set_mode(AUTOCOMMIT)
    return ask(link)
