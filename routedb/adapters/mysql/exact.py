"""A cursor whose values say all that the server has said.

mysqlclient makes None of a zero date and cuts what a timedelta or a date cannot hold,
so times come as the texts that they are on the wire.
"""

from __future__ import annotations

from typing import Any

from MySQLdb import cursors
from MySQLdb.constants import FIELD_TYPE

_TIMES = frozenset(
    {
        *(FIELD_TYPE.DATE, FIELD_TYPE.DATETIME),
        *(FIELD_TYPE.TIMESTAMP, FIELD_TYPE.TIME),
    }
)
_Cursor: Any = cursors.Cursor


class FieldKind(int):
    """A type code of a description, with the `flags` of its column."""

    flags = 0


class ExactCursor(_Cursor):  # type: ignore[misc]
    """A plain cursor, but for times and for the type codes of its description."""

    description: Any
    description_flags: Any

    def _do_get_result(self, db: Any) -> None:
        kept = db.converter
        db.converter = kept | dict.fromkeys(_TIMES, str)
        try:
            super()._do_get_result(db)
        finally:
            db.converter = kept
        if self.description is not None:
            self.description = tuple(
                (column[0], _kind(column[1], flags), *column[2:])
                for column, flags in zip(
                    self.description, self.description_flags, strict=True
                )
            )


def _kind(code: int, flags: int) -> FieldKind:
    kind = FieldKind(code)
    kind.flags = flags
    return kind
