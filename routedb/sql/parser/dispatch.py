"""Which reader a statement gets, by its first word."""

from __future__ import annotations

from routedb.sql.parser import (
    ddl,
    dml,
    explain_mysql,
    explain_sqlite,
    grants,
    pragma,
    session_settings,
    shows,
    transaction_control,
    upkeep,
    utility,
)
from routedb.sql.parser.compound import with_compounds
from routedb.sql.parser.utility import VerbReader

_EVERYWHERE: dict[str, VerbReader] = {
    **dict.fromkeys(
        ("SELECT", "VALUES", "WITH", "(", "INSERT", "UPDATE", "DELETE", "TABLE"),
        dml.query,
    ),
    "EXPLAIN": utility.explain,
    "BEGIN": transaction_control.begin,
    "COMMIT": transaction_control.commit,
    "END": transaction_control.commit,
    "ROLLBACK": transaction_control.rollback,
    "SAVEPOINT": transaction_control.savepoint,
    "RELEASE": transaction_control.release,
    "CREATE": ddl.define,
    "ALTER": ddl.define,
    "DROP": ddl.define,
    "ANALYZE": upkeep.maintain,
}

_POSTGRESQL: dict[str, VerbReader] = {
    "MERGE": dml.query,
    "ANALYSE": upkeep.maintain,
    "START": transaction_control.begin,
    "ABORT": transaction_control.rollback,
    "SET": session_settings.set_,
    "RESET": session_settings.reset,
    "DISCARD": session_settings.discard,
    "SHOW": shows.show,
    "COPY": utility.copy,
    "LOCK": utility.lock,
    "CALL": utility.call,
    "DO": utility.do,
    "EXECUTE": utility.execute,
    "PREPARE": utility.prepare,
    "DEALLOCATE": utility.prepare,
    "DECLARE": utility.declare,
    **dict.fromkeys(("FETCH", "MOVE", "CLOSE"), utility.cursor),
    **dict.fromkeys(("LISTEN", "UNLISTEN"), utility.listen),
    "NOTIFY": utility.notify,
    "LOAD": utility.load,
    **dict.fromkeys(
        ("TRUNCATE", "VACUUM", "CLUSTER", "REINDEX", "REFRESH"), upkeep.maintain
    ),
    **dict.fromkeys(("GRANT", "REVOKE", "COMMENT", "SECURITY"), grants.grant),
    **dict.fromkeys(("REASSIGN", "CHECKPOINT"), utility.administer),
    "IMPORT": upkeep.import_schema,
}

_MYSQL: dict[str, VerbReader] = {
    "REPLACE": dml.query,
    "START": transaction_control.begin,
    "XA": transaction_control.xa,
    "SET": session_settings.set_,
    "RESET": session_settings.reset,
    "USE": session_settings.use,
    "SHOW": shows.show,
    **dict.fromkeys(("EXPLAIN", "DESCRIBE", "DESC", "ANALYZE"), explain_mysql.explain),
    "GET": shows.diagnostics,
    "HELP": shows.help_,
    "LOCK": utility.lock,
    "UNLOCK": utility.unlock,
    "CALL": utility.call,
    "DO": utility.do,
    "EXECUTE": utility.execute,
    **dict.fromkeys(("PREPARE", "DEALLOCATE"), utility.prepare),
    "KILL": utility.kill,
    **dict.fromkeys(("SIGNAL", "RESIGNAL"), utility.signal),
    "HANDLER": utility.cursor,
    "LOAD": utility.load,
    **dict.fromkeys(
        ("TRUNCATE", "OPTIMIZE", "REPAIR", "CHECK", "CHECKSUM"), upkeep.maintain
    ),
    "RENAME": upkeep.rename,
    "BACKUP": upkeep.backup,
    **dict.fromkeys(("GRANT", "REVOKE"), grants.grant),
    "FLUSH": upkeep.flush,
    **dict.fromkeys(
        ("PURGE", "CHANGE", "STOP", "SHUTDOWN", "INSTALL", "UNINSTALL"),
        utility.administer,
    ),
    "CACHE": upkeep.cache_index,
    **dict.fromkeys(("BINLOG", "RESTART", "IMPORT", "CLONE"), utility.administer),
}

_SQLITE: dict[str, VerbReader] = {
    "REPLACE": dml.query,
    "EXPLAIN": explain_sqlite.explain,
    "PRAGMA": pragma.pragma,
    **dict.fromkeys(("ATTACH", "DETACH"), utility.attach),
    **dict.fromkeys(("VACUUM", "REINDEX"), upkeep.maintain),
}

VERB_READERS = {
    "postgresql": _EVERYWHERE | _POSTGRESQL,
    "mysql": with_compounds(_EVERYWHERE | _MYSQL),
    "sqlite": _EVERYWHERE | _SQLITE,
}
