"""The tables of keys in docs/configuration.rst are what the code says."""

from __future__ import annotations

import runpy
from pathlib import Path

import msgspec
import pytest

DOCS = Path(__file__).parents[3] / "docs"
DRAW = runpy.run_path(str(DOCS / "draw_keys.py"))


class Explained(msgspec.Struct):
    size: int = 3
    """How many: ``size = 4``"""

    place: str | None = None
    """Where it
    is: ``place = "here"``

    :type: name of a place
    :default: that of
        the cluster
    """


class Unexplained(msgspec.Struct):
    size: int = 3
    """How many: ``size = 4``"""

    place: str | None = None


class OfUnknownType(msgspec.Struct):
    parts: set[str] = set()
    """The parts."""


def test_the_drawn_tables_are_up_to_date():
    page = (DOCS / "configuration.rst").read_text(encoding="utf-8")
    assert page == DRAW["document"](page), "run python docs/draw_keys.py"


def test_a_key_is_explained_by_the_text_under_it():
    assert DRAW["keys"](Explained) == [
        ("size", "whole number", "``3``", "How many: ``size = 4``"),
        (
            "place",
            "name of a place",
            "that of the cluster",
            'Where it is: ``place = "here"``',
        ),
    ]


def test_a_key_without_a_text_is_an_error():
    with pytest.raises(LookupError, match=r"Unexplained\.place has no text"):
        DRAW["keys"](Unexplained)


def test_a_type_without_a_name_is_an_error():
    with pytest.raises(LookupError, match=r"OfUnknownType\.parts: say with :type:"):
        DRAW["keys"](OfUnknownType)


def test_a_class_of_the_file_without_a_place_on_the_page_is_an_error():
    page = (DOCS / "configuration.rst").read_text(encoding="utf-8")
    without = page.replace(".. keys of NodeEntry", ".. keys of another")
    with pytest.raises(LookupError, match="no place for NodeEntry"):
        DRAW["document"](without)
