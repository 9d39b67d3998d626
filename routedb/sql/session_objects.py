"""What lives on one backend only, as far as the text of a statement tells."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class ObjectKind(str, Enum):
    """The kinds of things that one backend has and no other. The value names one."""

    TABLE = "temporary table"
    VIEW = "temporary view"
    SEQUENCE = "temporary sequence"
    LOCK = "session lock"  # advisory locks, GET_LOCK
    TABLE_LOCK = "LOCK TABLES"
    LISTEN = "LISTEN"
    PREPARED = "prepared statement"
    CURSOR = "cursor WITH HOLD"
    HANDLER = "HANDLER"
    VARIABLE = "user variable"
    VALUE = "value of a sequence"  # currval, lastval; LAST_INSERT_ID
    ORIGIN = "replication origin"
    RESULT = "result of the last statement"  # ROW_COUNT, FOUND_ROWS, SHOW WARNINGS
    UNREAD = "unbuffered result"
    SETTING = "setting of an unknown name"  # set by a text that puts it together
    BACKEND = "backend"  # whose number a program was told: a process, a connection

    __str__ = str.__str__
    __hash__ = str.__hash__  # that of Enum is a call in Python


RELATIONS = (ObjectKind.TABLE, ObjectKind.VIEW, ObjectKind.SEQUENCE)
EVERY = "*"


class SessionObject(NamedTuple):
    """One thing, or with the name EVERY all of its kind.

    `name` is "" when it has none, or none that is an identifier in the text: literals
    are no part of what is known of a statement.
    """

    kind: ObjectKind
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}".rstrip()
