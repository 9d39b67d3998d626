"""The statements that set how MySQL's transactions run, and begin one."""

from __future__ import annotations

from routedb.adapters.mysql.versions import is_mariadb, version_of
from routedb.sql.statement import TxMode


def set_mode_text(before: TxMode | None, mode: TxMode, server: str) -> str | None:
    """Return the text that sets the session's variables to `mode`; None when nothing
    differs from `before`, which is None when it is not known. `server` is the server's
    version."""
    new = not is_mariadb(server) or version_of(server) >= (11, 1)
    prefix = "transaction" if new else "tx"
    changes = []
    if before is None or mode.isolation != before.isolation:
        level = "DEFAULT"
        if mode.isolation is not None:
            level = f"'{mode.isolation.replace(' ', '-')}'"
        changes.append(f"SESSION {prefix}_isolation = {level}")
    if before is None or mode.read_only != before.read_only:
        changes.append(f"SESSION {prefix}_read_only = {int(mode.read_only)}")
    return f"SET {', '.join(changes)}" if changes else None


def begin_texts(mode: TxMode, was_read_only: bool) -> list[str]:
    """Return the texts that begin a transaction in `mode`; `was_read_only`: the mode
    that was set last is read-only."""
    texts = []
    if mode.isolation is not None:
        texts.append(f"SET TRANSACTION ISOLATION LEVEL {mode.isolation}")
    # READ WRITE only to undo what was set here: a server that is read-only refuses
    # it (MariaDB), and the user may have set the session otherwise.
    access = " READ WRITE" if was_read_only else ""
    texts.append(f"START TRANSACTION{' READ ONLY' if mode.read_only else access}")
    return texts
