"""Finds the script of a command, `dbt` or `celery`, that is written in Python."""

from __future__ import annotations

import os
import sysconfig
import zipfile
from collections.abc import Iterator
from pathlib import Path

import click

_FIRST_BYTES = 512
# An installer writes this where the interpreter's path is too long for the first line,
# or has a blank: a text that the shell and Python both read.
_SHELL_AND_PYTHON = b"'''exec'"


def find(command: str) -> str | None:
    """Return the path of the Python script that the shell would run for `command`, None
    where there is no such command. Raises UsageError where it is no Python.

    That of the environment routedb runs in comes first: the script's modules are there.
    A command that is found and is no Python is passed over, as the wrappers of pyenv
    are in the shell: they look further, too.
    """
    others = []
    for path in _candidates(command):
        if _is_python(path):
            return str(path)
        others.append(str(path))
    if others:
        raise click.UsageError(
            f"{others[0]} is not written in Python; give a script, or -m and a module"
        )
    return None


def _candidates(command: str) -> Iterator[Path]:
    if not command or os.sep in command:
        return
    folders = [sysconfig.get_path("scripts"), *os.get_exec_path()]
    for folder in dict.fromkeys(folders):
        path = Path(folder or os.curdir, command)
        if path.is_file() and os.access(path, os.X_OK):
            yield path


def _is_python(path: Path) -> bool:
    try:
        with open(path, "rb") as file:
            begin = file.read(_FIRST_BYTES)
    except OSError:
        return False
    if not begin.startswith(b"#!"):
        return zipfile.is_zipfile(path)
    lines = begin.splitlines()
    named = lines[1] if lines[1:] and _SHELL_AND_PYTHON in lines[1] else lines[0]
    return b"python" in named or b"pypy" in named
