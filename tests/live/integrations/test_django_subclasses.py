"""Backends of others that are derived from ours: django-tenants and the like."""

from __future__ import annotations

import pytest

from tests.live.integrations.project import Project
from tests.live.integrations.test_django import nodes  # noqa: F401  (a fixture)
from tests.support.later import later, one_of

BASE = """
from django.db.backends.sqlite3 import base as django_s
from django.db.backends.sqlite3.creation import DatabaseCreation
from django.db.backends.sqlite3.features import DatabaseFeatures
from django.db.backends.sqlite3.introspection import DatabaseIntrospection
from django.db.backends.sqlite3.operations import DatabaseOperations
from routedb.integrations.django.sqlite3 import base as ours

class Ops(DatabaseOperations):
    is_theirs = True

class Introspection(DatabaseIntrospection):
    is_theirs = True

class Creation(DatabaseCreation):
    is_theirs = True

class Features(DatabaseFeatures):
    is_theirs = True

class Classes:
    ops_class = Ops
    introspection_class = Introspection
    creation_class = Creation
    features_class = Features

class Objects:
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.ops = Ops(self)
        self.introspection = Introspection(self)
        self.creation = Creation(self)
        self.features = Features(self)
"""

# What others write, and whether they have parts of their own.
BACKENDS = {
    "plain": ("class DatabaseWrapper(ours.DatabaseWrapper): pass", False),
    "twice": (
        "class First(ours.DatabaseWrapper): pass\nclass DatabaseWrapper(First): pass",
        False,
    ),
    "mixin in front": (
        "class Theirs: pass\nclass DatabaseWrapper(Theirs, ours.DatabaseWrapper): pass",
        False,
    ),
    "mixin behind": (
        "class Theirs: pass\nclass DatabaseWrapper(ours.DatabaseWrapper, Theirs): pass",
        False,
    ),
    "classes": (
        "class DatabaseWrapper(ours.DatabaseWrapper):\n"
        "    ops_class = Ops\n    introspection_class = Introspection\n"
        "    creation_class = Creation\n    features_class = Features",
        True,
    ),
    "classes by a mixin": (
        "class DatabaseWrapper(Classes, ours.DatabaseWrapper): pass",
        True,
    ),
    "classes of Django's wrapper": (
        "class Theirs(Classes, django_s.DatabaseWrapper): pass\n"
        "class DatabaseWrapper(Theirs, ours.DatabaseWrapper): pass",
        True,
    ),
    "classes derived from ours": (
        "class DatabaseWrapper(ours.DatabaseWrapper):\n"
        "    ops_class = type('O', (Ops, ours.DatabaseWrapper.ops_class), {})\n"
        "    introspection_class = Introspection\n"
        "    both = (Creation, ours.Creation, DatabaseCreation)\n"
        "    creation_class = type('C', both, {})\n"
        "    features_class = Features",
        True,
    ),
    "objects": (
        "class DatabaseWrapper(Objects, ours.DatabaseWrapper): pass",
        True,
    ),
    "objects of Django's wrapper": (
        "class Theirs(Objects, django_s.DatabaseWrapper): pass\n"
        "class DatabaseWrapper(Theirs, ours.DatabaseWrapper): pass",
        True,
    ),
    "objects over classes": (
        "class First(Classes, ours.DatabaseWrapper): pass\n"
        "class DatabaseWrapper(Objects, First): pass",
        True,
    ),
    "objects derived from those that are there": (
        "class DatabaseWrapper(ours.DatabaseWrapper):\n"
        "    def __init__(self, *args, **kwargs):\n"
        "        super().__init__(*args, **kwargs)\n"
        "        for part in ('ops', 'introspection', 'creation', 'features'):\n"
        "            own = type(getattr(self, part))\n"
        "            new = type('New', (own,), {'is_theirs': True})\n"
        "            setattr(self, part, new(self))",
        True,
    ),
}
CHECK = """
from django.core.management import call_command
from routedb.integrations.django.introspection import Introspection
from routedb.integrations.django.migrations import Operations
from routedb.integrations.django.wrapper import Creation

call_command("migrate", run_syncdb=True, verbosity=0)
connection.close()  # another session, which has written nothing
settle()
where = [node()]
with transaction.atomic():
    where.append(node())
Item.objects.create(name="pin")
ours = {"ops": Operations, "introspection": Introspection, "creation": Creation}
parts = {name: getattr(connection, name) for name in [*ours, "features"]}
found = {
    "where": where,
    "rows": Item.objects.count(),
    "not ours": [n for n, part in ours.items() if not isinstance(parts[n], part)],
    "theirs": [hasattr(part, "is_theirs") for part in parts.values()],
}
"""


@pytest.fixture
def project(nodes, sqlite_dir):  # noqa: F811  (pytest's way to ask for a fixture)
    """A project whose backend is `theirs`, on a writer and a replica."""
    routed = {"nodes": nodes, "consistency": "session"}  # files have no position
    return Project(sqlite_dir, ENGINE="theirs", OPTIONS={"routedb": routed})


def write(project: Project, text: str) -> None:
    """Write the module of a backend."""
    backend = project.folder / "theirs"
    backend.mkdir()
    (backend / "__init__.py").write_text("")
    (backend / "base.py").write_text(f"{BASE}\n{text}\n")


@pytest.mark.parametrize("name", one_of(2, BACKENDS))
def test_a_derived_backend_has_their_parts_and_ours(name, project):
    text, has_parts = BACKENDS[name]
    write(project, text)
    assert project.run(CHECK) == {
        "where": ["b", "a"],
        "rows": 1,
        "not ours": [],
        "theirs": [has_parts] * 4,
    }


@pytest.mark.parametrize("name", ["classes", *later(["objects"])])
def test_tests_run_on_a_derived_backend(name, project):
    write(project, BACKENDS[name][0])
    project.manage("makemigrations", "shop")
    assert "Ran 2 tests" in project.manage("test", "shop")
