"""Programs of users are checked by mypy as its users see it: strict, no settings.

A program says with `assert_type` what it gets. What must be refused has a `type:
ignore` with the code of the error; mypy tells of each that is not needed.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from mypy import api

from tests.docs.readme import ROOT

PROGRAMS = Path(__file__).with_name("programs")
STRICT = ["--strict", "--config-file=", "--no-error-summary"]


def check(*paths: Path) -> str:
    """Return what mypy finds in these programs."""
    cache = f"--cache-dir={ROOT / '.mypy_cache' / 'programs'}"
    found, complaint, _ = api.run([*STRICT, cache, *map(str, paths)])
    assert not complaint
    return found


def test_the_programs_are_typed_as_they_say(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert list(PROGRAMS.glob("*.py"))
    assert check(PROGRAMS) == ""


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("assert_type(routedb.connect(), str)", "assert-type"),
        ("routedb.connect().cursor().fetchone()[0]", "index"),
        ("routedb.classify('SELECT 1')  # type: ignore[arg-type]", "unused-ignore"),
        ("routedb.nothing()", "attr-defined"),
    ],
)
def test_a_wrong_program_is_seen(line, code, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    program = tmp_path / "wrong.py"
    program.write_text(
        "import routedb\nfrom typing_extensions import assert_type as assert_type\n"
        f"{line}\n"
    )
    assert f"[{code}]" in check(program)
