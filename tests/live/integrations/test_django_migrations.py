"""docs/orm-django-migrations.rst, on a writer with replicas and a second database."""

from __future__ import annotations

from textwrap import dedent

import pytest

from tests.live.integrations.recipe import Recipe, behind
from tests.support.later import later

FILES = {
    "settings.py": """
        from databases import DATABASES, DATABASE_ROUTERS
        INSTALLED_APPS = ["django.contrib.contenttypes", "shop", "old"]
        SECRET_KEY = "of-the-tests"
        DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
        USE_TZ = True
    """,
    "as_it_is.py": """
        import patched
        from settings import *
        DATABASES = {"default": {
            "ENGINE": "django.db.backends.postgresql", "NAME": "shop", "HOST": "db1"
        }}
        DATABASE_ROUTERS = []
    """,
    "shop/__init__.py": "",
    "shop/models.py": """
        from django.db import models
        class Item(models.Model):
            name = models.CharField(max_length=50)
    """,
    "old/__init__.py": "",
    "old/models.py": """
        from django.db import models
        class OldItem(models.Model):
            name = models.CharField(max_length=50)
    """,
}
TABLES = "SELECT tablename FROM pg_tables WHERE tablename LIKE '%item' ORDER BY 1"


class Project(Recipe):
    """The page's files as a project with two apps, whose migrations are written."""

    def manage(self, *words, settings="settings"):
        return self.python("-m", "django", *words, f"--settings={settings}")


@pytest.fixture
def archive(postgresql):
    with postgresql.database() as database:
        yield database


@pytest.fixture
def project(pg, archive, tmp_path):
    made = Project("orm-django-migrations", tmp_path, pg, archive)
    for name, text in FILES.items():
        made.write(name, dedent(text))
    made.manage("makemigrations", "shop", "old")
    return made


@pytest.mark.long
def test_each_database_has_its_own_migrations(project, pg, archive):
    project.manage("migrate")
    project.manage("migrate", "--database", "archive")
    assert pg.execute(TABLES) == [("shop_item",)]
    assert archive.execute(TABLES) == [("old_olditem",)]
    project.manage("migrate", "shop", "zero")
    assert pg.execute(TABLES) == []


@pytest.mark.long
@pytest.mark.parametrize("settings", ["settings", *later(["as_it_is"])])
def test_replicas_that_are_behind_are_not_asked(project, pg, settings):
    with behind(pg):
        project.manage("migrate", settings=settings)
        shown = project.manage("showmigrations", "shop", settings=settings)
        assert "[X] 0001_initial" in shown
        again = project.manage("migrate", settings=settings)
        assert "No migrations to apply" in again


def test_who_has_migrated_sees_the_tables_at_once(project, pg):
    project.write("within.py", WITHIN)
    with behind(pg):
        project.check("import within")
    project.check("import within")


WITHIN = """
import os, django
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
django.setup()
from django.core.management import call_command
from django.db import connection
from shop.models import Item
from tests.support.servers import wait_until

connection.ensure_connection()
core = connection.connection.session.core
wait_until(lambda: core.topology.groups[0].read_ring, "a replica is known")
call_command("migrate", verbosity=0)
assert Item.objects.count() == 0
Item.objects.create(name="pin")
assert [item.name for item in Item.objects.all()] == ["pin"]
Item.objects.all().delete()
assert "shop_item" in connection.introspection.table_names()
"""


@pytest.mark.long
def test_squashed_migrations_take_the_place_of_the_applied_ones(project, pg):
    project.manage("migrate")
    project.edit("shop/models.py", "max_length=50", "max_length=99")
    project.manage("makemigrations", "shop", "--name", "longer")
    project.manage("migrate")
    project.manage("squashmigrations", "shop", "0002", "--noinput")
    with behind(pg):
        assert "No migrations to apply" in project.manage("migrate")
        shown = project.manage("showmigrations", "shop")
    assert "[X] 0001_squashed_0002_longer" in shown
    project.manage("migrate", "shop", "zero")
    assert pg.execute(TABLES) == []
