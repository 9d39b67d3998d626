"""What docs/architecture.rst names is there, and nothing is missing from it."""

from __future__ import annotations

import ast
import re
import runpy
from importlib import import_module

import pytest
from docutils import nodes

from tests.docs.documentation import DOCS, built
from tests.docs.readme import ROOT

PAGE = "architecture"
PACKAGES = sorted(
    path.parent.relative_to(ROOT).as_posix()
    for path in (ROOT / "routedb").rglob("__init__.py")
    if path.parent != ROOT / "routedb"
)
PLACES = ("routedb", "tests", "docs", "tools", "benchmarks")
AT_THE_TOP = re.compile(r"[A-Za-z]+\.(?:rst|toml|cfg)|Makefile")
DOTTED = re.compile(r"routedb(?:\.\w+)+")
DRAW = runpy.run_path(str(DOCS / "draw_owners.py"))


def literals(node: nodes.Node) -> list[str]:
    return [found.astext() for found in node.findall(nodes.literal)]


def paths(node: nodes.Node) -> list[str]:
    """The files and folders that a part of the page names."""
    return [
        text
        for text in literals(node)
        if "…" not in text
        and (text.partition("/")[0] in PLACES or AT_THE_TOP.fullmatch(text))
    ]


def section(title: str) -> nodes.section:
    [found] = [
        each
        for each in built()[PAGE].findall(nodes.section)
        if each[0].astext() == title
    ]
    return found


def rows(node: nodes.Node) -> list[nodes.row]:
    bodies = list(node.findall(nodes.tbody))
    return [row for body in bodies for row in body.findall(nodes.row)]


def resolve(name: str) -> None:
    """Import the longest part of a dotted name that is a module; look up the rest."""
    head, *rest = name.split(".")
    found: object = import_module(head)
    for part in rest:
        if not hasattr(found, part):
            head_of = found.__name__  # type: ignore[attr-defined]
            import_module(f"{head_of}.{part}")
        found = getattr(found, part)


def test_every_path_exists():
    named = paths(built()[PAGE])
    assert len(named) > len(PACKAGES)
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize(
    "name", sorted(set(DOTTED.findall((DOCS / "architecture.rst").read_text())))
)
def test_every_name_resolves(name):
    resolve(name)


def test_every_package_is_named():
    named = {path.rstrip("/") for path in paths(built()[PAGE])}
    assert [package for package in PACKAGES if package not in named] == []


@pytest.mark.parametrize("package", ["routedb", *PACKAGES])
def test_every_package_says_what_is_in_it(package):
    code = (ROOT / package / "__init__.py").read_text()
    said = ast.get_docstring(ast.parse(code)) or ""
    assert len(said.splitlines()) >= 3


def test_the_floors_are_those_of_the_contract_from_the_top():
    [contract] = re.findall(
        r'name = "Imports go down only".*?layers = \[(.*?)\]',
        (ROOT / "pyproject.toml").read_text(),
        re.S,
    )
    names = re.findall(r"\w+", contract)
    parts = [name for name in names if any((ROOT / "routedb").glob(f"{name}*"))]
    first = next(section("The floors").findall(nodes.tbody))
    listed = [
        path.removeprefix("routedb/").removesuffix(".py").rstrip("/")
        for row in first.findall(nodes.row)
        for path in paths(row[0])
    ]
    assert listed == parts


def test_each_task_leads_to_a_file():
    tasks = rows(section("Where do I change …"))
    assert len(tasks) >= 25
    described = [task[0].astext() for task in tasks]
    assert sorted(set(described)) == sorted(described)
    lost = [task[0].astext() for task in tasks if not paths(task[1])]
    assert lost == []


def test_the_picture_of_who_holds_whom_is_that_of_the_code():
    assert DRAW["missing"]() == []
    page = (DOCS / "architecture.rst").read_text()
    assert page == DRAW["document"](page), "run python docs/draw_owners.py"


def test_the_picture_names_nothing_that_the_code_does_not_have():
    holder, gone = DRAW["Holder"], {}
    gone["a class"] = holder("", "runtime.Nobody")
    gone["an attribute"] = holder("", "runtime.Runtime", "", (holder("x", "words"),))
    found = {what: list(DRAW["_missing"](tree)) for what, tree in gone.items()}
    assert found == {
        "a class": ["runtime.Nobody"],
        "an attribute": ["runtime.Runtime.x"],
    }
