"""The code blocks of a reStructuredText page, in the order of the page."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from docutils import nodes
from docutils.core import publish_doctree

ROOT = Path(__file__).parent.parent


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
