"""Real database servers on loopback, for as long as the tests run.

`tests/conftest.py` offers them as the fixtures `postgresql`, `pg`, `mariadb`, `my` and
`patroni`; README.rst in this folder says how they are started and cleaned up.
"""

from tests.support.servers.mariadb import MariaDBCluster, start_mariadb
from tests.support.servers.patroni import Patroni, start_patroni
from tests.support.servers.place import Local, MissingServer, Place, open_place
from tests.support.servers.postgresql import PostgreSQLCluster, start_postgresql
from tests.support.servers.reaper import Reaper
from tests.support.servers.server import PASSWORD, Cluster, Database, Server, wait_until

__all__ = [
    "PASSWORD",
    "Cluster",
    "Database",
    "Local",
    "MariaDBCluster",
    "MissingServer",
    "Patroni",
    "Place",
    "PostgreSQLCluster",
    "Reaper",
    "Server",
    "open_place",
    "start_mariadb",
    "start_patroni",
    "start_postgresql",
    "wait_until",
]
