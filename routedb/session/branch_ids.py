"""The names of prepared branches: who may finish one, and whom to ask about it.

`routedb-<cluster>-<transaction>-<decider>-<n>`. PostgreSQL takes names of up to 199
bytes, XA two of up to 64: there the first three parts are the global transaction and
the last two its branch. Whatever does not have this form exactly is another
application's, and is left alone; so is what has another cluster's name.

The transaction's part begins with the second in which it was named, by the clock of its
process: a branch that is older than decisions are kept must not be decided by a row
that is not there.

The decider's part ends with the token of its table of decisions, made at random with
the table. A configuration that calls another server by the same name would ask that
one, find no row, and undo what was committed; by the token it does not find the
decider.
"""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple

from routedb.config.cluster_name import LONGEST

PREFIX = "routedb"
_LONGEST_LABEL = 24
_form = re.compile(
    rf"{PREFIX}-(?P<cluster>\w{{1,{LONGEST}}})"
    r"-(?P<transaction>[0-9a-f]{8}[0-9a-f]{16})"
    rf"-(?P<decider>[\w.]{{1,{_LONGEST_LABEL}}}~[0-9a-f]{{12}})"
    r"-(?P<number>\d{1,6})",
    re.ASCII,
).fullmatch
_is_plain = re.compile(r"\w+", re.ASCII).fullmatch


class BranchId(NamedTuple):
    """The name of a branch, taken apart; `number` is one of its own."""

    cluster: str
    transaction: str
    decider: str
    number: int

    def __str__(self) -> str:
        return "-".join(self.xa)

    @property
    def xa(self) -> tuple[str, str]:
        """The same as XA has it: the global transaction, and its branch."""
        together = f"{PREFIX}-{self.cluster}-{self.transaction}"
        return together, f"{self.decider}-{self.number}"

    @property
    def token(self) -> str:
        """That of the decider's table of decisions."""
        return self.decider.rpartition("~")[2]

    @property
    def named_at(self) -> int:
        """When the transaction was named, in seconds since the epoch."""
        return int(self.transaction[:8], 16)


def parse(text: str) -> BranchId | None:
    """Return the parts of a branch's name; None for one of another form."""
    found = _form(text)
    if found is None:
        return None
    cluster, transaction, decider, number = found.groups()
    return BranchId(cluster, transaction, decider, int(number))


def transaction_id(seconds: float, chance: int) -> str:
    """Return the name of a transaction that begins at `seconds` since the epoch;
    `chance` are 64 bits of it that nobody else has."""
    return f"{int(seconds) & 0xFFFFFFFF:08x}{chance & 0xFFFFFFFFFFFFFFFF:016x}"


def decider_name(database: str, shard: int | None, token: str) -> str:
    """Return the name of a group that decides: of its `database` and `shard`, for
    people, and its `token`."""
    place = "" if shard is None else f".{shard}"
    label = database
    if not _is_plain(database) or len(database) + len(place) > _LONGEST_LABEL:
        label = hashlib.sha256(database.encode()).hexdigest()[:12]
    return f"{label}{place}~{token}"
