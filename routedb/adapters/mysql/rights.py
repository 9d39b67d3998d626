"""Rights by which a user may write where read_only is on: of MySQL, and of MariaDB.

Such a user's mistaken write is done on the replica, which has then rows that its writer
has not: with row-based replication it stops there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_MARIADB = frozenset(
    {"SUPER", "READ_ONLY ADMIN", "READ ONLY ADMIN", "BINLOG ADMIN", "CONNECTION ADMIN"}
)
_MYSQL = frozenset({"SUPER", "CONNECTION_ADMIN"})
_ALL = frozenset({"ALL", "ALL PRIVILEGES"})
_GLOBAL = re.compile(r"GRANT (.+) ON \*\.\* TO ", re.IGNORECASE).match


def rights_on_replica(grants: Iterable[str], is_mariadb: bool) -> tuple[str, ...]:
    """Return those of the rights in `grants`, the lines of SHOW GRANTS, that count.

    `is_mariadb`: as MariaDB names them, else as MySQL does.
    """
    wanted = (_MARIADB if is_mariadb else _MYSQL) | _ALL
    found: dict[str, None] = {}
    for line in grants:
        granted = _GLOBAL(line)
        names = granted[1].upper().split(",") if granted else []
        found.update((name.strip(), None) for name in names if name.strip() in wanted)
    return tuple(found)
