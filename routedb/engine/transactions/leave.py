"""A group that has only just been read leaves a transaction, and may join it again."""

from __future__ import annotations

from routedb.engine.transactions.ends import roll_back
from routedb.engine.transactions.transaction import Transaction


def leave(transaction: Transaction, group: int) -> None:
    """Take the branch on `group` out of `transaction`: nothing has come of it yet."""
    link = transaction.branches.pop(group)
    del transaction.roles[group]
    roll_back(transaction.links, link)
    link.is_text_begun = False
    if transaction.home == group:
        transaction.home, transaction.home_link = -1, None
