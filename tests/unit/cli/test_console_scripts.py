"""`routedb run` with the name of a command."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile

import click
import pytest

from routedb.cli.console_scripts import find

PYTHON = f"#!{sys.executable}"
TOO_LONG = """#!/bin/sh
'''exec' "/a long/path/python" "$0" "$@"
' '''
import sys
"""
SCRIPTS = {
    "of an installer": (f"{PYTHON}\nimport sys\n", True),
    "by env": ("#!/usr/bin/env python3\n", True),
    "with options": ("#!/usr/bin/python3 -I\n", True),
    "by env -S": ("#!/usr/bin/env -S python3 -u\n", True),
    "of PyPy": ("#!/opt/pypy3/bin/pypy3\n", True),
    "Windows ends of lines": (f"{PYTHON}\r\nimport sys\r\n", True),
    "with a coding": (f"{PYTHON}\n# -*- coding: utf-8 -*-\n", True),
    "too long a path": (TOO_LONG, True),
    "a shell's": ("#!/bin/sh\nexec python3 -m dbt\n", False),
    "pyenv's": ('#!/usr/bin/env bash\nexec pyenv exec "$0"\n', False),
    "Perl": ("#!/usr/bin/perl\n", False),
    "nothing that says": ("import sys\n", False),
    "empty": ("", False),
    "a program": ("\x7fELF", False),
}


@pytest.fixture
def path(tmp_path, monkeypatch):
    """Two folders on PATH; return a function that writes a command into one."""
    folders = [tmp_path / "first", tmp_path / "second"]
    for folder in folders:
        folder.mkdir()
    monkeypatch.setenv("PATH", os.pathsep.join(map(str, folders)))

    def write(text, which=0, name="tool", mode=0o755):
        made = folders[which] / name
        made.write_text(text, newline="")
        made.chmod(mode)
        return str(made)

    return write


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_that_python_runs_is_found(path, name):
    text, is_python = SCRIPTS[name]
    made = path(text)
    if is_python:
        assert find("tool") == made
    else:
        with pytest.raises(click.UsageError, match="not written in Python"):
            find("tool")


def test_an_archive_is_found(path, tmp_path):
    made = path("")
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("__main__.py", "")
    assert find("tool") == made


def test_the_first_that_is_python_is_taken(path):
    path("#!/usr/bin/env bash\n")
    second = path(f"{PYTHON}\n", which=1)
    assert find("tool") == second
    first = path(f"{PYTHON}\n")
    assert find("tool") == first


def test_what_may_not_be_executed_is_no_command(path):
    path(f"{PYTHON}\n", mode=0o644)
    assert find("tool") is None


def test_that_of_routedb_s_own_environment_comes_first(path):
    path(f"{PYTHON}\n", name="routedb")
    found = find("routedb")
    assert found is not None
    assert os.path.dirname(found) == os.path.dirname(sys.executable)


@pytest.mark.parametrize("name", ["missing", "", "./tool", "folder/tool"])
def test_there_may_be_none(path, name):
    path(f"{PYTHON}\n")
    assert find(name) is None


SHOWN = (
    "import sys, psycopg2; print(sys.argv, sys.path[0], psycopg2.connect.__module__)"
)


def test_a_command_runs_as_the_shell_runs_it(path, tmp_path):
    made = path(f"{PYTHON}\n{SHOWN}\n")
    (tmp_path / "tool").mkdir()  # a folder of that name is no program
    words = (sys.executable, "-m", "routedb", "run", "tool", "build", "--config", "c")
    ran = subprocess.run(
        words, capture_output=True, text=True, cwd=tmp_path, check=False
    )
    where = os.path.dirname(os.path.realpath(made))
    argv = [made, "build", "--config", "c"]
    assert ran.stdout == f"{argv} {where} routedb.integrations.patch\n", ran.stderr
