"""mysqlclient's own tests."""

from __future__ import annotations

from tests.suites.suite import PYTEST, Command, Suite, Where

DATABASE = "mysqlclient_test"
# `database` and `default-character-set` are what the suite's own CI writes.
OPTIONS = """\
[MySQLdb-tests]
host = {host}
port = {port}
user = {user}
password = {password}
database = {database}
default-character-set = utf8mb4
"""


class Mysqlclient(Suite):
    name = "mysqlclient"
    version = "2.3.*"
    engine = "mysql"
    driver = "MySQLdb"
    needs = ("mysqlclient==2.3.*", *PYTEST)

    def prepare(self, where: Where) -> None:
        where.create(DATABASE, options="CHARACTER SET utf8mb4")

    def command(self, where: Where, quick: bool) -> Command:
        options = where.write("my.cnf", OPTIONS, DATABASE)
        return Command(self.pytest("tests"), self.source(), {"TESTDB": str(options)})
