"""What a real MariaDB says of a statement, by running it.

Each script runs in a new scratch database. A statement whose verb asks for rows is run
by an account that may only read, in a READ ONLY transaction: the server refuses what
writes. It is a *read* unless the server refuses it so, or it uses the session: by
INTO, FOR UPDATE, LOCK IN SHARE MODE, `:=` or a function matched by SESSION. What is
refused in a script that makes views is not judged: no text shows what they do. A
statement of any other verb is no read; it is run by an account that owns the scratch
databases and nothing else. Error 1064 says that the parser refuses a statement.

The *tables* are those that the statement holds metadata locks on before its
transaction ends. Those of views, triggers, routines and foreign keys are among them,
so scripts that define such things, or lock tables, are not judged in this. A table
that the server says does not exist is one that the statement names. Definitions hold
no locks when they end: of their tables only the missing ones are judged.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from typing import Any

import MySQLdb

from benchmarks.corpora.verdict import Name, Verdict
from tests.support.servers import PASSWORD, Place, Reaper, open_place
from tests.support.servers.mariadb import MariaDB

_READER, _OWNER = "judge_reader", "judge_owner"
_ACCOUNTS = f"""
CREATE USER {_READER}@'%' IDENTIFIED BY '{PASSWORD}';
GRANT SELECT, EXECUTE, SHOW VIEW, SHOW DATABASES, PROCESS, BINLOG MONITOR,
 SLAVE MONITOR ON *.* TO {_READER}@'%';
CREATE USER {_OWNER}@'%' IDENTIFIED BY '{PASSWORD}';
GRANT ALL ON `test`.* TO {_OWNER}@'%';
GRANT ALL ON `mysqltest%`.* TO {_OWNER}@'%';
GRANT SELECT ON mysql.* TO {_OWNER}@'%';
SET GLOBAL log_bin_trust_function_creators = 1;
INSTALL SONAME 'metadata_lock_info'
"""
# Nothing here needs to outlive the server.
_QUICK = """
skip-log-bin
default-storage-engine = MyISAM
innodb-file-per-table = OFF
innodb-flush-log-at-trx-commit = 0
innodb-doublewrite = OFF
innodb-stats-persistent = OFF
sync-frm = OFF
"""
_SESSION = (
    "SET SESSION max_statement_time = 0.5, lock_wait_timeout = 0, "
    "innodb_lock_wait_timeout = 0, max_recursive_iterations = 100, "
    "max_session_mem_used = 100000000"
)
_LOCKS = (
    "SELECT DISTINCT table_name FROM information_schema.metadata_lock_info "
    "WHERE lock_type = 'Table metadata lock' AND thread_id = %s"
)

_LEAD = re.compile(
    r"(?:\s+|/\*M?!\d*|/\*(?!!|M!).*?\*/|--\s[^\n]*\n|#[^\n]*\n|\()*", re.DOTALL
)
_VERB = re.compile(r"\w+")
_READING = {"SELECT", "WITH", "VALUES", "SHOW", "DESC", "DESCRIBE", "EXPLAIN", "HELP"}
_ANALYZES = re.compile(
    r"analyze\s+(format\b|select\b|values\b|with\b|\()", re.IGNORECASE
).match
_FOR_ONE = re.compile(r"set\s+statement\b", re.IGNORECASE).match
_NAMES_OTHERS = {"EXECUTE", "CALL", "DO", "PREPARE", "SET", "KILL"}
_BOTH = {"SET", "USE"}  # the reader's session must follow
_KEEPS_LOCKS = {"INSERT", "REPLACE", "UPDATE", "DELETE"}
_LITERAL = re.compile(
    r"'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.|\"\")*\"|/\*(?![!M]).*?\*/"
    r"|--\s[^\n]*|#[^\n]*",
    re.DOTALL,
)
SESSION = re.compile(
    r"\binto\b|\bfor\s+update\b|\block\s+in\s+share\s+mode\b|:=|@|\bprocedure\b"
    r"|\bsql_calc_found_rows\b"
    r"|\b(get_lock|release_lock|release_all_locks|is_free_lock|is_used_lock"
    r"|last_insert_id|found_rows|row_count|nextval|lastval|setval|master_pos_wait"
    r"|master_gtid_wait|sleep|benchmark|load_file|connection_id|rand|uuid_short"
    r"|uuid|sys_guid|last_value|wsrep_\w+|sys_exec|user|current_user|session_user"
    r"|system_user|current_role|encrypt|des_\w+|binlog_gtid_pos|wait)\s*\("
    r"|\bcurrent_(user|role)\b"
    r"|\b(next|previous)\s+value\s+for\b|\bshow\s+(count|warnings|errors|\w+\s+status"
    r"|status|profiles?|local|session|global|variables|master|slave|binary|binlog"
    r"|all|relaylog|replica"
    r"|\w*\s*processlist|open|engine|explain)\b|\.\s*nextval\b|\.\s*currval\b"
    r"|\bexplain\s+(extended\s+|format\s*=\s*\w+\s+)?for\b|\bshow\s+explain\b"
    r"|\bdefault\s*\(|/\*[!M]",
    re.IGNORECASE,
).search
_LOCKING = re.compile(
    r"\binto\b|\bfor\s+update\b|\block\s+in\s+share\s+mode\b|:="
    r"|\b(get_lock|release_lock|release_all_locks|nextval|setval)\s*\("
    r"|\bnext\s+value\s+for\b",
    re.IGNORECASE,
).search
_INDIRECT = re.compile(
    r"\b(view|trigger|function|procedure|references|event|sequence|merge|call"
    r"|(next|previous)\s+value|nextval|lastval|setval"  # a sequence is a table there
    r"|lock\s+tables?|flush\s+tables?|handler)\b",
    re.IGNORECASE,
).search
_VIEW = re.compile(r"\bcreate\b.*\bview\b", re.IGNORECASE | re.DOTALL).match
_CREATED = re.compile(
    r"create\s+(?:or\s+replace\s+)?(?:temporary\s+table|function)\s+"
    r"(?:if\s+not\s+exists\s+)?(?:`?\w+`?\.)?`?(\w+)",
    re.IGNORECASE,
)
# Not run: they would change the judge's own account or end its connection.
_NOT_RUN = re.compile(
    r"\s*(set\s+password|alter\s+user|drop\s+user|kill|shutdown|load\s+data"
    r"|set\s+(session\s+|@@\s*|@@session\.|local\s+)?(role|sql_log_bin|"
    r"max_statement_time|lock_wait_timeout|innodb_lock_wait_timeout|"
    r"sql_mode.*(ansi|oracle|pipes|no_backslash|ignore_space|db2|mssql|maxdb|"
    r"postgresql)|old_mode|collation)"
    # A message in another character set than UTF-8 ends MySQLdb's process.
    r"|set\b.*\b(character[ _]set\w*|charset|names)\b"
    r"|(prepare|execute)\b.*\bset\s+password"
    r"|set\s+statement\b.*max_statement_time|.*\bsleep\s*\()",
    re.IGNORECASE | re.DOTALL,
).match
_NO_TABLE = re.compile(r"Table '(?:[^']*\.)?([^'.]+)' doesn't exist").search
_OF_A_VIEW = (None, "global_priv")  # mysql.user is one
# Among them 1470 and 1327, whatever follows: a name is too long, or a word of a program
# is no variable that it has declared.
_SYNTAX = {1064, 1149, 1248, 1234, 1327, 1470}
_WRITES = {1792, 1142, 1143, 1370, 1044, 1227}
_REFUSED_READING = re.compile(r"^(SELECT|SHOW) command denied").match
_SCHEMA_VIEWS = re.compile(
    r"information_schema|performance_schema|\b(sys|mysql)\.", re.I
).search


class MariaDBJudge:
    """Runs each script on a server of its own."""

    def __init__(self) -> None:
        self._reaper = Reaper()
        place: Place = open_place("mysql", self._reaper)
        self._server = MariaDB("judge", place, place.ports(1)[0], 1)
        self._server.create()
        self._server.add_settings(_QUICK)
        self._server.start()
        self._admin = self._server.connect()
        for sql in _ACCOUNTS.strip().split(";\n"):
            self._admin.query(sql)
        self._owner: Any = None
        self._reader: Any = None
        self._is_indirect = self._has_views = False
        self._unlocked: frozenset[Name] = frozenset()

    def start(self, script: Sequence[str]) -> None:
        """Make new scratch databases and sessions for `script`."""
        self._disconnect()
        self._clear()
        self._connect()
        self._is_indirect = any(map(_INDIRECT, script))
        self._has_views = any(map(_VIEW, script))
        made = (name for text in script for name in _CREATED.findall(text))
        self._unlocked = frozenset((None, name.lower()) for name in made)

    def judge(self, text: str) -> Verdict | None:
        """Judge the next statement, and run it; None when MariaDB refuses it."""
        lead = _LEAD.match(text)
        verb = _VERB.match(text, lead.end() if lead else 0)
        word = verb[0].upper() if verb else ""
        bare = _LITERAL.sub("", text)
        # The parser may object before it comes to a bracket that is missing.
        if _NOT_RUN(text) or bare.count("(") != bare.count(")"):
            return None
        begin = verb.start() if verb else 0
        if word in _READING or _ANALYZES(text, begin):
            return self._asked(text, word)
        number, message = self._run(self._owner, text)
        is_locking = word in _KEEPS_LOCKS and not number
        locked = self._locks(self._owner) if is_locking else frozenset()
        if word in _BOTH and not number:
            self._run(self._reader, text)
        self._run(self._owner, "COMMIT")
        if number in _SYNTAX:
            return None
        if locked:
            return self._with_tables(False, text, locked)
        is_read = None if _FOR_ONE(text, begin) else False
        is_plain = word not in _NAMES_OTHERS and not self._is_indirect
        return Verdict(is_read, _missing(number, message) if is_plain else None, None)

    def name(self, schema: str | None, name: str) -> Name:
        """Return the name alone: which database a bare one is in, is not said."""
        return None, name.lower()

    def close(self) -> None:
        """Stop the server and remove its files."""
        self._disconnect()
        self._reaper.close()

    def _clear(self) -> None:
        cursor = self._admin.cursor()
        cursor.execute(
            "SELECT id FROM information_schema.processlist WHERE user IN (%s, %s)",
            (_OWNER, _READER),
        )
        for (number,) in cursor.fetchall():
            with contextlib.suppress(MySQLdb.OperationalError):  # it is gone already
                cursor.execute(f"KILL {number}")
        cursor.execute("XA RECOVER FORMAT = 'SQL'")  # these outlive their session
        for *_, name in cursor.fetchall():
            with contextlib.suppress(MySQLdb.OperationalError):  # rolled back already
                cursor.execute(f"XA ROLLBACK {name}")
        cursor.execute("SHOW DATABASES LIKE '%test%'")
        for (name,) in cursor.fetchall():
            cursor.execute(f"DROP DATABASE `{name}`")
        cursor.execute("CREATE DATABASE test")

    def _asked(self, text: str, word: str) -> Verdict | None:
        """Judge a statement that asks for rows."""
        self._run(self._reader, "START TRANSACTION READ ONLY")
        number, message = self._run(self._reader, text)
        locked = self._locks(self._reader) if not number else frozenset()
        self._run(self._reader, "ROLLBACK")
        if number in _SYNTAX:
            return None
        bare = _LITERAL.sub("''", text)
        is_read: bool | None = True
        if number in _WRITES and not _REFUSED_READING(message):
            is_read = None if word == "SHOW" or self._has_views else False
        elif _LOCKING(bare):
            is_read = False
            self._run(self._owner, text)
            self._run(self._owner, "COMMIT")
        elif SESSION(bare):
            is_read = None
        if number or not locked:
            missing = None if self._is_indirect else _missing(number, message)
            return Verdict(is_read, missing, None)
        return self._with_tables(is_read, text, locked)

    def _with_tables(
        self, is_read: bool | None, text: str, locked: frozenset[Name]
    ) -> Verdict:
        if self._is_indirect or _SCHEMA_VIEWS(text) or _OF_A_VIEW in locked:
            # The locks may be those of what the named ones are made of.
            return Verdict(is_read, None)
        return Verdict(is_read, locked, self._unlocked)

    def _locks(self, connection: Any) -> frozenset[Name]:
        cursor = self._admin.cursor()
        cursor.execute(_LOCKS, (connection.thread_id(),))
        return frozenset((None, name.lower()) for (name,) in cursor.fetchall())

    def _run(self, connection: Any, text: str) -> tuple[int, str]:
        """Run a statement; return the number and text of the server's error, or 0."""
        number, message = 0, ""
        try:
            connection.query(text.encode("utf-8", "replace"))
            while True:
                result = connection.store_result()
                del result
                if connection.next_result() == -1:
                    break
        except MySQLdb.Error as problem:
            number, message = problem.args[0], str(problem.args[-1])
            if not isinstance(number, int):
                number = -1
        if number in (2006, 2013, 2014, 2027, 1317, 1927):
            self._disconnect()
            self._connect()
        return number, message

    def _connect(self) -> None:
        self._owner, self._reader = self._open(_OWNER), self._open(_READER)
        self._owner.query("SET autocommit = 0")

    def _open(self, user: str) -> Any:
        connection = MySQLdb.connect(
            host=self._server.host,
            port=self._server.port,
            user=user,
            password=PASSWORD,
            database="test",
            charset="utf8mb4",
            read_timeout=20,
        )
        connection.query(_SESSION)
        return connection

    def _disconnect(self) -> None:
        for connection in (self._owner, self._reader):
            if connection is not None:
                with contextlib.suppress(MySQLdb.Error):
                    connection.close()
        self._owner = self._reader = None


def _missing(number: int, message: str) -> frozenset[Name] | None:
    """Return the table that the server says is not there."""
    found = _NO_TABLE(message) if number == 1146 else None  # noqa: PLR2004
    return frozenset({(None, found[1].lower())}) if found else None
