"""Which reader a statement gets, by its first word."""

from __future__ import annotations

from routedb.sql import define, settings, transaction, utility
from routedb.sql.utility import Verb

_EVERYWHERE: dict[str, Verb] = {
    **dict.fromkeys(
        ("SELECT", "VALUES", "WITH", "(", "INSERT", "UPDATE", "DELETE", "TABLE"),
        utility.query,
    ),
    "EXPLAIN": utility.explain,
    "BEGIN": transaction.begin,
    "COMMIT": transaction.commit,
    "END": transaction.commit,
    "ROLLBACK": transaction.rollback,
    "SAVEPOINT": transaction.savepoint,
    "RELEASE": transaction.release,
    "CREATE": define.define,
    "ALTER": define.define,
    "DROP": define.define,
    "ANALYZE": define.maintain,
}

_POSTGRESQL: dict[str, Verb] = {
    "MERGE": utility.query,
    "ANALYSE": define.maintain,
    "START": transaction.begin,
    "ABORT": transaction.rollback,
    "SET": settings.set_,
    "RESET": settings.reset,
    "DISCARD": settings.discard,
    "SHOW": utility.show,
    "COPY": utility.copy,
    "LOCK": utility.lock,
    "CALL": utility.call,
    "DO": utility.call_mysql_do,
    "EXECUTE": utility.execute,
    "PREPARE": utility.prepare,
    "DEALLOCATE": utility.prepare,
    "DECLARE": utility.declare,
    **dict.fromkeys(("FETCH", "MOVE", "CLOSE"), utility.cursor),
    **dict.fromkeys(("LISTEN", "UNLISTEN"), utility.listen),
    "NOTIFY": utility.notify,
    "LOAD": utility.load,
    **dict.fromkeys(
        ("TRUNCATE", "VACUUM", "CLUSTER", "REINDEX", "REFRESH"), define.maintain
    ),
    **dict.fromkeys(("GRANT", "REVOKE", "COMMENT", "SECURITY"), define.grant),
    **dict.fromkeys(("REASSIGN", "IMPORT", "CHECKPOINT"), utility.administer),
}

_MYSQL: dict[str, Verb] = {
    "REPLACE": utility.query,
    "START": transaction.begin,
    "XA": transaction.xa,
    "SET": settings.set_,
    "RESET": settings.reset,
    "USE": settings.use,
    "SHOW": utility.show,
    **dict.fromkeys(("DESCRIBE", "DESC", "ANALYZE"), utility.explain),
    "LOCK": utility.lock,
    "UNLOCK": utility.unlock,
    "CALL": utility.call,
    "DO": utility.call_mysql_do,
    "EXECUTE": utility.execute,
    **dict.fromkeys(("PREPARE", "DEALLOCATE"), utility.prepare),
    "HANDLER": utility.cursor,
    "LOAD": utility.load,
    **dict.fromkeys(
        ("TRUNCATE", "OPTIMIZE", "REPAIR", "CHECK", "CHECKSUM"), define.maintain
    ),
    "RENAME": define.rename,
    **dict.fromkeys(("GRANT", "REVOKE"), define.grant),
    **dict.fromkeys(
        ("FLUSH", "KILL", "PURGE", "CHANGE", "STOP", "SHUTDOWN", "INSTALL"),
        utility.administer,
    ),
    **dict.fromkeys(("UNINSTALL", "CACHE", "BINLOG", "RESTART"), utility.administer),
}

_SQLITE: dict[str, Verb] = {
    "REPLACE": utility.query,
    "PRAGMA": settings.pragma,
    **dict.fromkeys(("ATTACH", "DETACH"), utility.attach),
    **dict.fromkeys(("VACUUM", "REINDEX"), define.maintain),
}

VERBS = {
    "postgresql": _EVERYWHERE | _POSTGRESQL,
    "mysql": _EVERYWHERE | _MYSQL,
    "sqlite": _EVERYWHERE | _SQLITE,
}
