"""The suites there are."""

from __future__ import annotations

from tests.suites.django import Django
from tests.suites.mysqlclient import Mysqlclient
from tests.suites.peewee import Peewee
from tests.suites.pony import Pony
from tests.suites.psycopg2 import Psycopg2
from tests.suites.sqlalchemy import SQLAlchemy
from tests.suites.suite import Suite

SUITES: dict[str, Suite] = {
    suite.name: suite
    for suite in (Psycopg2(), Mysqlclient(), Django(), SQLAlchemy(), Peewee(), Pony())
}
