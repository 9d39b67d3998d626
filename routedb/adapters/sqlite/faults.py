"""The faults that the errors of SQLite report."""

from __future__ import annotations

from routedb.errors import Fault

# Primary result codes (sqlite.org, Result and Error Codes).
_CODES = {
    5: Fault.TIMEOUT,  # SQLITE_BUSY: another connection holds the lock
    6: Fault.TIMEOUT,  # SQLITE_LOCKED
    8: Fault.NODE_READ_ONLY,  # SQLITE_READONLY
    10: Fault.LINK_LOST,  # SQLITE_IOERR: the file is out of reach
    14: Fault.REFUSED,  # SQLITE_CANTOPEN
}

# Python 3.10 shows no code: by sqlite3_errstr's fixed texts.
_TEXTS = (
    ("database is locked", Fault.TIMEOUT),
    ("database table is locked", Fault.TIMEOUT),
    ("readonly database", Fault.NODE_READ_ONLY),
    ("disk i/o error", Fault.LINK_LOST),
    ("unable to open database file", Fault.REFUSED),
)

GONE = "the database file is not there any more"


def fault_of_code(code: int) -> Fault:
    """Return the fault of a result code; the statement's own errors are STATEMENT."""
    return _CODES.get(code & 0xFF, Fault.STATEMENT)


def fault_of_text(text: str, has_codes: bool) -> Fault:
    """Return the fault of an error `text` without a code. `has_codes`: this Python
    shows codes, so the error is its own, not SQLite's."""
    text = text.lower()
    if GONE in text or "closed database" in text:
        return Fault.LINK_LOST
    if has_codes:
        return Fault.STATEMENT
    return next((f for part, f in _TEXTS if part in text), Fault.STATEMENT)
