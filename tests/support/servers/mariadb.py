"""A MariaDB writer with two replicas that follow by GTID."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import MySQLdb

from tests.support.servers.place import CommandFailed, Place
from tests.support.servers.server import (
    PASSWORD,
    USER,
    Cluster,
    Server,
    at_once,
    wait_until,
)

ADMIN = "admin"

# Careless of power cuts, not of a killed process: what was committed is then with the
# kernel. Only the account of the tests' own statements matters for `read_only`, so it
# gets every privilege but those that step over it (SUPER, READ_ONLY ADMIN).
# A server that starts deletes what others have in its temporary folder.
SETTINGS = """
[mariadbd]
datadir = {data}
tmpdir = {folder}
pid-file = {pid_file}
log-error = {log}
socket = {folder}/socket
init-file = {folder}/accounts.sql
bind-address = {listen}
port = {port}
server-id = {number}
read-only = {read_only}
skip-name-resolve
max-connections = 200
log-bin = binlog
log-slave-updates
binlog-format = ROW
gtid-strict-mode = ON
slave-net-timeout = 10
character-set-server = utf8mb4
innodb-buffer-pool-size = 32M
innodb-log-file-size = 16M
innodb-flush-log-at-trx-commit = 2
innodb-flush-method = nosync
innodb-fast-shutdown = 2
sync-binlog = 0
aria-pagecache-buffer-size = 8M
key-buffer-size = 1M
performance-schema = OFF
"""

# Run at each start. Kept out of the binary log: a replica that wrote there on its own
# would have a history of its own.
ACCOUNTS = f"""
SET SESSION sql_log_bin = OFF;
CREATE USER IF NOT EXISTS '{ADMIN}'@'%' IDENTIFIED BY '{PASSWORD}';
GRANT ALL PRIVILEGES ON *.* TO '{ADMIN}'@'%' WITH GRANT OPTION;
CREATE USER IF NOT EXISTS '{USER}'@'%' IDENTIFIED BY '{PASSWORD}';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, REFERENCES, INDEX, ALTER, \
CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, CREATE VIEW, SHOW VIEW, \
CREATE ROUTINE, ALTER ROUTINE, EVENT, TRIGGER, SHOW DATABASES, PROCESS, RELOAD, \
BINLOG MONITOR, SLAVE MONITOR, BINLOG ADMIN, CONNECTION ADMIN ON *.* TO '{USER}'@'%';
"""

_SPAWN = 'cd "$1" && shift && nohup "$@" >/dev/null 2>&1 </dev/null &'


class MariaDB(Server):
    scheme = "mysql"

    def __init__(self, name: str, place: Place, port: int, number: int) -> None:
        super().__init__(name, place, port)
        self.number = number
        self._pid_file = f"{self._folder}/pid"

    def connect(self, dbname: str | None = None) -> Any:
        connection = MySQLdb.connect(
            host=self.host,
            port=self.port,
            user=ADMIN,
            password=self.password,
            connect_timeout=5,
            charset="utf8mb4",
            **({"database": dbname} if dbname else {}),
        )
        connection.autocommit(True)
        return connection

    @property
    def is_writer(self) -> bool:
        return not self.execute("SELECT @@global.read_only")[0][0]

    def create(self) -> None:
        """Make the data folder of a writer."""
        self._place.run("mkdir", self._folder)
        self._place.run(
            *(self._place.program("mariadb-install-db"), "--no-defaults"),
            *(f"--datadir={self._data}", "--skip-test-db", "--skip-name-resolve"),
            *(f"--tmpdir={self._folder}", "--auth-root-authentication-method=normal"),
        )
        self._configure(read_only=False)

    def add_settings(self, text: str) -> None:
        """Have the server start with more lines of configuration."""
        append = 'printf %s "$2" >>"$1"'
        self._place.run("sh", "-c", append, "sh", f"{self._folder}/node.cnf", text)

    def start(self) -> None:
        if self.is_running:
            return
        settings = f"--defaults-file={self._folder}/node.cnf"
        program = self._place.program("mariadbd")
        self._place.run("rm", "-f", self._pid_file)
        self._place.run("sh", "-c", _SPAWN, "sh", self._folder, program, settings)
        try:
            wait_until(lambda: self.execute("SELECT 1"), f"{self} starts", timeout=60)
        except TimeoutError as error:
            raise TimeoutError(f"{error}\n{self.log}") from None

    def stop(self, mode: str = "fast") -> None:
        """Shut down; any mode but `immediate` waits for what runs."""
        self.is_disturbed = True
        if mode == "immediate":
            self.kill()
        elif self.is_running:
            self._sh('kill -s TERM "$(cat "$1")"')
            wait_until(lambda: not self.is_running, f"{self} stops", timeout=60)

    def promote(self) -> None:
        self.is_disturbed = True
        self.execute("STOP ALL SLAVES")
        self.execute("RESET SLAVE ALL")
        self.execute("SET GLOBAL read_only = OFF")
        self._configure(read_only=False)
        self.source = None

    def follow(self, source: Server) -> None:
        self.is_disturbed = True
        self.execute("STOP SLAVE")
        self.execute("SET GLOBAL read_only = ON")
        self.execute(
            "CHANGE MASTER TO master_host = %s, master_port = %s, master_user = %s, "
            "master_password = %s, master_use_gtid = slave_pos, "
            "master_connect_retry = 1",
            (source.host, source.port, ADMIN, PASSWORD),
        )
        self.execute("START SLAVE")
        self._configure(read_only=True)
        self.source = source

    def copy(self, source: Server) -> None:
        """Become a new replica; the source is down for a moment."""
        copy([self], source)

    def replace_data(self, source: MariaDB) -> None:
        """Have the data of a source that is down, as a replica that is down."""
        self.is_disturbed = True
        self.resume()
        self.kill()
        self._place.run("rm", "-rf", self._folder)
        self._place.run("cp", "-a", source._folder, self._folder)
        self._configure(read_only=True)

    def start_history(self, source: Server, position: str) -> None:
        """Start where the source stood when it was copied.

        The copied binary logs are the source's own; the history goes on from here.
        """
        self.start()
        self.execute("STOP ALL SLAVES")
        self.execute("RESET SLAVE ALL")
        self.execute("RESET MASTER")
        self.execute("SET GLOBAL gtid_slave_pos = %s", (position,))
        self.follow(source)

    def _configure(self, read_only: bool) -> None:
        text = SETTINGS.format(
            data=self._data,
            pid_file=self._pid_file,
            log=self._log,
            folder=self._folder,
            listen=self._place.listen,
            port=self.port,
            number=self.number,
            read_only="ON" if read_only else "OFF",
        )
        self._write(f"{self._folder}/node.cnf", text)
        self._write(f"{self._folder}/accounts.sql", ACCOUNTS)


def copy(replicas: Sequence[Server], source: Server) -> None:
    """Have all become new replicas of a source, which is down for a moment."""
    assert isinstance(source, MariaDB)
    [(position,)] = source.execute("SELECT @@gtid_binlog_pos")
    source.stop()
    at_once(replicas, lambda replica: replica.replace_data(source))
    source.start()
    at_once(replicas, lambda replica: replica.start_history(source, position))


class MariaDBCluster(Cluster):
    def wait_replayed(self, timeout: float = 30) -> None:
        [(position,)] = self.writer.query("SELECT @@gtid_binlog_pos")
        for replica in self.replicas:
            if not self._reaches(replica, position, timeout):
                raise TimeoutError(
                    f"{timeout:g} s were not enough: {replica} replays up to {position}"
                )

    def _reaches(self, replica: Server, position: str, timeout: float) -> bool:
        wait = "SELECT master_gtid_wait(%s, %s)"
        return replica.query(wait, (position, timeout)) == [(0,)]

    def drop_database(self, name: str) -> None:
        """Whoever still has a transaction there would hold up the drop: end them."""
        for node in self.nodes:
            for (number,) in node.query(
                "SELECT id FROM information_schema.processlist "
                "WHERE db = %s AND user <> 'system user'",  # it replays there
                (name,),
            ):
                with contextlib.suppress(MySQLdb.OperationalError):  # gone by itself
                    node.execute(f"KILL {number}")
        self.writer.query(f"DROP DATABASE IF EXISTS {name}")

    def _restore_writer(self) -> bool:
        self.writer.start()
        if is_replica := self.writer.source is not None or not self.writer.is_writer:
            self.writer.promote()
        return is_replica

    def _mend(self, replica: Server) -> bool:
        assert isinstance(replica, MariaDB)
        if replica.source is not self.writer:
            return False
        with contextlib.suppress(CommandFailed, MySQLdb.Error, TimeoutError):
            replica.start()
            replica.execute("SET GLOBAL read_only = ON")
            replica.execute("START SLAVE")
            # Anything of its own in the replica's history, and it needs a new copy.
            [(history,)] = replica.execute("SELECT @@gtid_binlog_state")
            has_own = f"-{replica.number}-" in history
            return not has_own and self._is_followed_by(replica)
        return False

    def _copy(self, replicas: Sequence[Server]) -> None:
        if replicas:
            copy(replicas, self.writer)

    def _is_followed_by(self, replica: Server) -> bool:
        """See whether a new event reaches the replica."""
        self.writer.execute("FLUSH TABLES")  # has itself logged, and changes nothing
        [(position,)] = self.writer.execute("SELECT @@gtid_binlog_pos")
        return self._reaches(replica, position, timeout=5)


def start_mariadb(place: Place) -> MariaDBCluster:
    """Start a writer and two replicas, all of them new."""
    names = ("writer", "replica1", "replica2")
    nodes = [
        MariaDB(name, place, port, number)
        for number, (name, port) in enumerate(
            zip(names, place.ports(len(names)), strict=True), start=1
        )
    ]
    writer = nodes[0]
    writer.create()
    writer.start()
    cluster = MariaDBCluster(place, nodes)
    cluster.restore()  # which finds that they are no replicas
    return cluster
