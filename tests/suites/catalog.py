"""The suites there are."""

from __future__ import annotations

from tests.suites.psycopg2 import Psycopg2
from tests.suites.suite import Suite

SUITES: dict[str, Suite] = {suite.name: suite for suite in (Psycopg2(),)}
