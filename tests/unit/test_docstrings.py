"""Public functions of two or more arguments say in their docstring what each is."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import NamedTuple

import pytest

import routedb

ROOT = Path(routedb.__file__).parent

# Arguments whose name and type say all.
PLAIN = frozenset(
    (
        "adapter",
        "builder",
        "config",
        "core",
        "cursor",
        "exc",
        "group",
        "links",
        "node",
        "raw",
        "session",
        "sql",
        "tokens",
        "tracker",
    )
)


class Signature(NamedTuple):
    """A public function: its arguments to be named, and the text that may name them."""

    name: str
    arguments: tuple[str, ...]
    text: str

    def unnamed(self, elsewhere):
        """The arguments that neither its docstring nor those `elsewhere` name."""
        texts = [self.text, *elsewhere]
        return [a for a in self.arguments if not any(names(text, a) for text in texts)]


def names(text, argument):
    return re.search(rf"\b{re.escape(argument)}\b", text) is not None


def arguments_of(function):
    """The arguments besides self, and besides *args and **keywords."""
    found = function.args
    positional = [argument.arg for argument in (*found.posonlyargs, *found.args)]
    if positional[:1] in (["self"], ["cls"]):
        positional = positional[1:]
    return (*positional, *(argument.arg for argument in found.kwonlyargs))


def is_ours_to_describe(function):
    """Not for private ones, overloads, and commands, whose text is their help."""
    texts = [ast.unparse(decorator) for decorator in function.decorator_list]
    is_public = function.name == "__init__" or not function.name.startswith("_")
    return is_public and not any(re.search(r"overload|command", text) for text in texts)


def signatures(body, class_text=""):
    for node in body:
        if isinstance(node, ast.FunctionDef) and is_ours_to_describe(node):
            arguments = arguments_of(node)
            if len(arguments) > 1:
                text = ast.get_docstring(node) or ""
                text += class_text if node.name == "__init__" else ""
                named = tuple(a for a in arguments if a not in PLAIN)
                yield Signature(node.name, named, text)


def classes(tree):
    """Yield each class of a module, with its docstring and the names of its bases."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            bases = [ast.unparse(base).rpartition(".")[2] for base in node.bases]
            yield node, ast.get_docstring(node) or "", bases


class Package(NamedTuple):
    """Modules by path, and the methods by class: a base or a protocol may name them."""

    trees: dict[str, ast.Module]
    bases: dict[str, list[str]]
    methods: dict[str, list[Signature]]

    @classmethod
    def of(cls, sources):
        package = cls({p: ast.parse(text) for p, text in sources.items()}, {}, {})
        for tree in package.trees.values():
            for node, text, bases in classes(tree):
                package.bases.setdefault(node.name, []).extend(bases)
                found = package.methods.setdefault(node.name, [])
                found.extend(signatures(node.body, text))
        return package

    def ancestors(self, name):
        """The bases of a class, and all protocols: adapters have no other base."""
        found, waiting = set(), [*self.bases.get(name, ())]
        waiting += [n for n, bases in self.bases.items() if "Protocol" in bases]
        while waiting:
            base = waiting.pop()
            if base not in found:
                found.add(base)
                waiting += self.bases.get(base, ())
        return found - {name}

    def texts_above(self, name, method):
        for base in self.ancestors(name):
            for signature in self.methods.get(base, ()):
                if signature.name == method:
                    yield signature.text

    def unnamed(self):
        """Yield the public functions that leave arguments unnamed, and those."""
        for path, tree in self.trees.items():
            for signature in signatures(tree.body):
                if missing := signature.unnamed(()):
                    yield f"{path}: {signature.name}: {', '.join(missing)}"
            for node, text, _ in classes(tree):
                if node.name.startswith("_"):
                    continue
                for signature in signatures(node.body, text):
                    above = self.texts_above(node.name, signature.name)
                    if missing := signature.unnamed(tuple(above)):
                        where = f"{path}: {node.name}.{signature.name}"
                        yield f"{where}: {', '.join(missing)}"


def routedb_sources():
    for path in sorted(ROOT.rglob("*.py")):
        yield path.relative_to(ROOT).as_posix(), path.read_text()


def test_public_functions_name_their_arguments():
    found = Package.of(dict(routedb_sources())).unnamed()
    assert list(found) == []


PROTOCOL = '''
class Shape(Protocol):
    def draw(self, pen, width):
        """Draw with `pen`, `width` wide."""
'''


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def move(x, y):\n    pass", ["m: move: x, y"]),
        ('def move(x, y):\n    """Move by `x`."""', ["m: move: y"]),
        ('def move(x, y):\n    """Move by x and y."""', []),
        ("def move(node, raw):\n    pass", []),
        ("def move(x):\n    pass", []),
        ("def _move(x, y):\n    pass", []),
        ("def move(x, *args, **more):\n    pass", []),
        ("@overload\ndef move(x, y): ...", []),
        (
            'class A:\n    """By `x`."""\n    def __init__(self, x, y): ...',
            ["m: A.__init__: y"],
        ),
        ("class Round:\n    def draw(self, pen, width): ...", []),
        (
            "class Round:\n    def fill(self, pen, width): ...",
            ["m: Round.fill: pen, width"],
        ),
    ],
)
def test_the_rule(source, expected):
    assert list(Package.of({"m": source, "shape": PROTOCOL}).unnamed()) == expected
