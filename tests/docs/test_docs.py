"""The pages of documentation can be read, and lead to one another."""

from __future__ import annotations

import re

import pytest

import routedb
from routedb import dbapi, errors
from routedb.routing import Reason
from routedb.routing.role import PRECEDENCE
from tests.docs.documentation import DOCS, built
from tests.docs.readme import page

PAGES = sorted(path.stem for path in DOCS.glob("*.rst"))
PURPOSES = ["To learn it", "To get something done", "To look something up"]
PURPOSES += ["To understand it", "To change it"]


@pytest.mark.parametrize("name", ["README.rst", "CHANGES.rst", "CONTRIBUTING.rst"])
def test_a_page_at_the_top_parses(name):
    assert page(name).children


def test_sphinx_builds_every_page_without_a_warning():
    assert sorted(built()) == PAGES
    assert all(built()[name].children for name in PAGES)


def test_the_index_lists_every_page_once_and_says_what_it_is_for():
    text = (DOCS / "index.rst").read_text().partition("\nWords\n")[0]
    chapters = re.split(r"^(.+)\n-+$", text, flags=re.M)
    assert chapters[1::2] == PURPOSES
    described = []
    for chapter in chapters[2::2]:
        tree = re.findall(r"^   ([a-z][a-z0-9-]*)$", chapter, re.M)
        assert re.findall(r"^:doc:`([a-z0-9-]+)`\n   \S", chapter, re.M) == tree
        described += tree
    lists_itself = {name for name in PAGES if name.startswith("orm-")} | {"index"}
    assert sorted(described) == sorted(set(PAGES) - lists_itself)


def test_the_page_on_the_interface_has_every_public_name():
    text = (DOCS / "api.rst").read_text()
    explained = set(re.findall(r"^\.\. auto\w+:: routedb\.(\w+)", text, re.M))
    elsewhere = {*vars(errors), *vars(dbapi)}
    assert explained >= set(routedb.__all__) - elsewhere


# What the parts of routedb call of one another's.
BETWEEN_PARTS = {
    *("runtime", "usable_session", "attach", "open_raw_cursor", "make_raw_cursor"),
    "make_part_cursor",
    "bind_fetch",
}
BETWEEN_PARTS |= {"unbind_fetch", "link_closed", "detach_link", "buffer_results"}
BETWEEN_PARTS |= {"copying"}


@pytest.mark.parametrize("kind", [routedb.Cluster, routedb.Connection, routedb.Cursor])
def test_the_page_on_the_interface_has_every_public_method(kind):
    text = (DOCS / "api.rst").read_text()
    entry = text.partition(f"autoclass:: routedb.{kind.__name__}")[2]
    listed = re.search(r":members:((?:.+\n)+)", entry)
    assert listed
    public = {name for name in vars(kind) if not name.startswith("_")}
    public -= {*vars(errors), *BETWEEN_PARTS}
    assert {name.strip() for name in listed[1].split(",")} >= public


def test_the_page_on_routing_has_the_precedence_of_the_code():
    text = (DOCS / "routing.rst").read_text()
    listed = re.findall(r"^   \* - ``([A-Z_]+)``$", text, re.MULTILINE)
    decided = [reason.name for reason, _ in PRECEDENCE]
    assert listed == [Reason.IN_TRANSACTION.name, *decided]


NAMES_LEVEL = [
    name
    for name in PAGES
    if name.startswith(("orm", "adoption"))
    and re.search(r'"process"|``process``', (DOCS / f"{name}.rst").read_text("utf-8"))
]


def test_the_pages_of_most_orms_name_the_level():
    assert len(NAMES_LEVEL) >= 6


@pytest.mark.parametrize("name", NAMES_LEVEL)
def test_who_names_the_level_of_a_process_says_what_serves_several(name):
    assert ":doc:`consistency`" in (DOCS / f"{name}.rst").read_text("utf-8")


def test_the_page_on_django_names_the_middleware_for_several_workers():
    text = " ".join((DOCS / "orm-django.rst").read_text("utf-8").split())
    assert "``routedb.integrations.django.middleware.ConsistencyMiddleware``" in text
    assert "several workers are several processes: ``process`` does not reach" in text
    assert "so use the middleware with them" in text
