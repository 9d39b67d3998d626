"""The code blocks of a reStructuredText page, in the order of the page, and running
them."""

from __future__ import annotations

import doctest
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from docutils import nodes
from docutils.core import publish_doctree

ROOT = Path(__file__).parents[2]
OPTIONS = (
    doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL
)


class Block(NamedTuple):
    """One code block."""

    language: str
    text: str


def page(name: str) -> nodes.document:
    """Read a page of the repository; what docutils only warns of is an error."""
    text = (ROOT / name).read_text()
    settings = {"halt_level": 2, "report_level": 2, "syntax_highlight": "none"}
    return publish_doctree(text, source_path=name, settings_overrides=settings)


def blocks(name: str) -> list[Block]:
    """Return the code blocks of a page. Text that is no code has the language ''."""
    return [
        Block(" ".join(c for c in found["classes"] if c != "code"), found.astext())
        for found in page(name).findall(nodes.literal_block)
    ]


def check(text: str, names: dict[str, object]) -> None:
    """Run an interactive session and compare what it shows."""
    test = doctest.DocTestParser().get_doctest(text, names, "page", "page", 0)
    assert test.examples
    runner = doctest.DocTestRunner(optionflags=OPTIONS)
    report: list[str] = []
    runner.run(test, out=report.append, clear_globs=False)
    names.update(test.globs)
    assert runner.failures == 0, "".join(report)


def shell(text: str, folder: Path) -> None:
    """Run commands as a shell does, with this environment's programs."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["sh", "-euc", text],
        cwd=folder,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.fail(f"{text}\n{done.stdout}\n{done.stderr}", pytrace=False)
