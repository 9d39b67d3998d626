"""The pages of documentation can be read, and lead to one another."""

from __future__ import annotations

import inspect
import re

import pytest

from routedb import errors
from routedb.routing import Reason
from routedb.routing.decide import PRECEDENCE
from tests.readme import ROOT, page

PAGES = sorted(path.name for path in (ROOT / "docs").glob("*.rst"))


@pytest.mark.parametrize("name", ["README.rst", "CHANGES.rst"])
def test_a_page_at_the_top_parses(name):
    assert page(name).children


@pytest.mark.parametrize("name", PAGES)
def test_a_page_parses(name):
    assert page(f"docs/{name}").children


def test_the_index_lists_every_page():
    listed = re.findall(r"``([a-z-]+\.rst)``", (ROOT / "docs/index.rst").read_text())
    assert sorted(listed) == [name for name in PAGES if name != "index.rst"]


def test_every_error_of_our_own_is_explained():
    text = (ROOT / "docs/errors.rst").read_text()
    explained = set(re.findall(r"^``(\w+)`` \(``\w+``\)$", text, re.MULTILINE))
    pep_249 = {"Error", "Warning", "InterfaceError", "DatabaseError", "DataError"}
    pep_249 |= {"OperationalError", "IntegrityError", "InternalError"}
    pep_249 |= {"ProgrammingError", "NotSupportedError"}
    ours = {name for name, found in inspect.getmembers(errors, is_error)}
    assert explained == ours - pep_249


def is_error(found: object) -> bool:
    return isinstance(found, type) and issubclass(found, Exception)


def test_the_page_on_routing_has_the_precedence_of_the_code():
    text = (ROOT / "docs/routing.rst").read_text()
    listed = re.findall(r"^   \* - ``([A-Z_]+)``$", text, re.MULTILINE)
    decided = [reason.name for reason, _ in PRECEDENCE]
    assert listed == [Reason.IN_TRANSACTION.name, *decided]
