"""The integrations on the oldest and the newest releases that the extras allow.

`python -m tests.suites.versions` makes an environment for each end, with the lowest or
the highest version of everything that routedb and its extras ask for, and runs the
tests of these extras in it, all at once. `make test-versions` is the same. The word
`matrix` runs the series between them, each on another Python, as far as these are at
hand; `quick` after it, or after the name of a row, only the tests that need no server.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.suites.source import ROOT, Unobtainable, call, environment, extra, needs
from tests.suites.suite import PYTEST

EXTRAS = (
    *("django", "sqlalchemy", "peewee", "postgresql", "mysql"),
    *("pony", "pandas", "alembic", "otel", "prometheus"),
)
# Not with the others: a second build of the same driver; what is compiled for half an
# hour where no wheel is; 600 MB and a JRE, with tests of its own; and what only
# developers install.
LEFT_OUT = (
    *("postgresql-source", "fast", "spark", "spark-connect"),
    *("test", "bench", "docs"),
)
# Of the tests; sphinx is for those of what the documentation shows.
NEEDS = (
    *PYTEST,
    "docutils>=0.21,<1",
    "hypothesis>=6.100,<7",
    "sphinx>=8,<10",
    "opentelemetry-sdk",
    "pyarrow>=18",  # without it pandas 2.2 warns at its import
)
TESTS = (
    *(
        f"tests/live/integrations/test_{name}.py"
        for name in (
            *("django", "django_consistency", "django_migrations", "django_servers"),
            *("django_subclasses", "django_inheritance"),
            *("sqlalchemy", "sqlalchemy_servers", "peewee"),
            *("alembic", "pandas", "pony", "instrumentation"),
        )
    ),
    *("tests/engine/observers", "tests/unit/config"),
    *("tests/unit/sql/test_classifier.py", "tests/unit/planner/test_carried.py"),
)
QUICK = tuple(
    f"tests/live/integrations/test_{name}.py"
    for name in ("django_inheritance", "django_subclasses", "django", "sqlalchemy")
)
_LOWEST = re.compile(r"([\w.-]+)>=([\d.]+).*")


@dataclass(frozen=True)
class End:
    """One end of what is supported: of these Pythons the first that is at hand; or a
    row between the ends, with a `series` of some packages."""

    name: str
    pythons: Sequence[str]
    series: Mapping[str, str] = field(default_factory=dict)

    @property
    def requirements(self) -> list[str]:
        """The packages of the extras, and at the lowest those of routedb itself."""
        ranges = [each for name in EXTRAS for each in extra(name)]
        if self.name == "lowest":
            lowest = (_LOWEST.sub(r"\1==\2", each) for each in (*ranges, *needs()))
            return list(dict.fromkeys(lowest))
        return list(dict.fromkeys(map(self._of_series, ranges)))

    def _of_series(self, requirement: str) -> str:
        name = re.split("[=<>]", requirement)[0]
        return f"{name}=={self.series[name]}.*" if name in self.series else requirement


# Django's newest needs Python 3.12; its oldest here knows none beyond 3.12.
ENDS = (
    End("lowest", ("3.10", "3.11", "3.12")),
    End("highest", ("3.14", "3.13", "3.12", "3.11", "3.10")),
)


def _row(python: str, django: str, sqlalchemy: str) -> End:
    series = {"django": django, "sqlalchemy": sqlalchemy}
    return End(f"python{python}", (python,), series)


# Each Python with a series of both that knows it; each of these series is there once.
MATRIX = (
    _row("3.10", "4.2", "2.0"),
    _row("3.11", "5.1", "2.0"),
    _row("3.12", "5.2", "2.1"),
    _row("3.13", "6.0", "2.1"),
    _row("3.14", "6.1", "2.1"),
)


def interpreter(end: End) -> str:
    """Return the command of a Python for an end; the one that runs this, if need be.
    Raises Unobtainable for a row of the matrix whose Python is not at hand."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    for version in end.pythons:
        of_pyenv = [str(each / "bin/python") for each in pyenv.glob(f"{version}.*")]
        for found in (f"python{version}", *of_pyenv):
            try:
                call([found, "-c", "import ensurepip, venv, sqlite3"])
            except Unobtainable:
                continue
            return found
    if end.series:
        raise Unobtainable(f"Python {' or '.join(end.pythons)} is not at hand")
    return sys.executable


def run(end: End, only: Sequence[str] = ()) -> int:
    """Run the tests on one end, or those that the words `only` for pytest choose;
    return pytest's exit status. Raises Unobtainable."""
    python = environment(
        f"versions-{end.name}", [*end.requirements, *NEEDS], interpreter(end)
    )
    # Installed for its entry points; the tests import the checkout.
    install = ("-m", "pip", "install", "--quiet", "--no-deps", "--force-reinstall")
    call([str(python), *install, "--no-build-isolation", str(ROOT)])
    installed = call([str(python), "-m", "pip", "list", "--format", "freeze"])
    print(f"{end.name}: {call([str(python), '-V']).strip()}", flush=True)
    print("\n".join(_shown(installed)), flush=True)
    options = ("-q", "-p", "no:cacheprovider", "--timeout", "180")
    tests = QUICK if "quick" in only else TESTS
    chosen = [word for word in only if word != "quick"]
    words = [str(python), "-m", "pytest", *options, *tests, *chosen]
    environ = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(words, cwd=ROOT, env=environ, check=False).returncode


def _shown(installed: str) -> list[str]:
    ranges = [*needs(), *(each for name in EXTRAS for each in extra(name))]
    names = {re.split("[=<>]", each)[0] for each in ranges}
    lines = installed.splitlines()
    return [line for line in lines if line.partition("==")[0].lower() in names]


def main(words: Sequence[str]) -> int:
    """Run both ends, the matrix, or the one that the first of `words` names; further
    ones are for pytest. Return the worst exit status."""
    chosen = [end for end in (*ENDS, *MATRIX) if end.name in words[:1]]
    if words[:1] == ["matrix"]:
        chosen = list(MATRIX)
    only = words[1:] if chosen else words
    codes = []
    for end in chosen or ENDS:
        try:
            codes.append(run(end, only))
        except Unobtainable as error:
            print(f"{end.name}: {error}", file=sys.stderr)
            codes.append(1)
    return max(codes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
