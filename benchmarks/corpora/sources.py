"""The suites: what is in each, how it is had, and who judges it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.corpora import mysqltest_scripts, quoted_scripts, sqlite_scripts
from benchmarks.corpora.obtain import (
    MissingCorpus,
    Way,
    clone,
    debian_package,
    debian_source,
    in_folder,
    obtain,
    source_distribution,
)
from benchmarks.corpora.psql_scripts import texts as psql_texts

Cut = Callable[[bytes], Iterator[str]]


@dataclass(frozen=True)
class Suite:
    """One suite of SQL.

    `files` matches the paths of its files in the sources of its makers and in what
    `ways` lead to; `cut` takes one apart. `marks` is a path that tells a checkout of
    those sources, "" when it is not taken from one.
    """

    name: str
    dialect: str
    files: str
    cut: Cut
    ways: tuple[Way, ...]
    marks: str = ""

    def scripts(self, folder: Path | None = None, every: int = 1) -> list[list[str]]:
        """Return the statements of each file, of `every` so many files of one.

        They are taken from `folder` when it is given. Raises MissingCorpus when they
        cannot be had.
        """
        wanted = re.compile(self.files).search
        if folder is None:
            files = obtain(self.name, self.ways, wanted)
        else:
            files = in_folder(folder, wanted)
        if not files:
            raise MissingCorpus(f"{folder or 'what is kept'} has no file of it")
        return [list(self.cut(file.content)) for file in files[::every]]


def _sqlglot(dialect: str, module: str) -> Suite:
    return Suite(
        f"sqlglot-{dialect}",
        dialect,
        rf"^tests/dialects/test_{module}\.py\Z",
        quoted_scripts.texts,
        (source_distribution("sqlglot"),),
        "tests/dialects/test_dialect.py",
    )


def _identity(dialect: str) -> Suite:
    return Suite(
        f"sqlglot-identity-{dialect}",
        dialect,
        r"^tests/fixtures/identity\.sql\Z",
        quoted_scripts.lines,
        (source_distribution("sqlglot"),),
        "tests/dialects/test_dialect.py",
    )


def _sqlfluff(dialect: str, folders: str, cut: Cut) -> Suite:
    return Suite(
        f"sqlfluff-{dialect}",
        dialect,
        rf"^test/fixtures/dialects/(ansi|{folders})/[^/]+\.sql\Z",
        cut,
        (source_distribution("sqlfluff"), clone(_GITHUB + "sqlfluff/sqlfluff")),
        "test/fixtures/dialects/ansi/",
    )


_GITHUB = "https://github.com/"

SUITES = (
    Suite(
        "postgresql",
        "postgresql",
        r"(^|/)(postgres_regress|src/test/regress/sql)/[^/]+\.sql\Z",
        psql_texts,
        (source_distribution("pglast"),),
        "src/test/regress/parallel_schedule",
    ),
    Suite(
        "citus",
        "postgresql",
        r"^src/test/regress/sql/.+\.sql\Z|^src/backend/(distributed|columnar)/sql/",
        psql_texts,
        (clone(_GITHUB + "citusdata/citus"),),
        "src/backend/distributed/",
    ),
    Suite(
        "timescaledb",
        "postgresql",
        r"^(tsl/)?test/.*\.sql(\.in)?\Z",
        psql_texts,
        (clone(_GITHUB + "timescale/timescaledb"),),
        "tsl/test/",
    ),
    Suite(
        "postgis",
        "postgresql",
        r"^(regress|(raster|topology|extras/\w+|sfcgal)/(test/)?regress)/.*\.sql\Z",
        psql_texts,
        (debian_source("postgis"), clone(_GITHUB + "postgis/postgis")),
        "regress/core/",
    ),
    Suite(
        "sqlite",
        "sqlite",
        r"^test/(?!fuzz|speed|malloc|all\.)[^/]+\.test\Z",
        sqlite_scripts.tcl_texts,
        (debian_source("sqlite3"), clone(_GITHUB + "sqlite/sqlite")),
        "test/select1.test",
    ),
    _sqlglot("postgresql", "postgres"),
    _sqlglot("mysql", "mysql"),
    _sqlglot("sqlite", "sqlite"),
    *map(_identity, ("postgresql", "mysql", "sqlite")),
    _sqlfluff("postgresql", "postgres", psql_texts),
    _sqlfluff("mysql", "mysql|mariadb", mysqltest_scripts.texts),
    _sqlfluff("sqlite", "sqlite", sqlite_scripts.texts),
    # The last: it takes an hour.
    Suite(
        "mariadb",
        "mysql",
        r"(^|/)mysql-test/(main|suite/(?!compat/oracle|engines|jp|large_tests|stress"
        r"|mtr|galera|wsrep)[\w/]+)/[^/]+\.(test|inc)\Z",
        mysqltest_scripts.texts,
        (
            debian_package("mariadb-test", "mariadb-test-data"),
            clone(_GITHUB + "MariaDB/server"),
        ),
        "mysql-test/main/",
    ),
)


def of_checkout(folder: Path) -> Sequence[Suite]:
    """Return the suites that a checkout, or a bare git directory, has the files of.

    Raises MissingCorpus when there are none.
    """
    found = [
        suite
        for suite in SUITES
        if suite.marks and in_folder(folder, re.compile(suite.marks).match)
    ]
    if not found:
        raise MissingCorpus(f"{folder} is no checkout of a suite that is known here")
    return found
