"""Django's questions about tables, and its definitions, with tables in two databases by
rules."""

from __future__ import annotations

import pytest

from tests.live.integrations.project import Project

BODY = """
from django.core.management import call_command
from django.db import models
call_command("makemigrations", "shop", verbosity=0)
call_command("migrate", verbosity=0)
call_command("migrate", verbosity=0)  # nothing is left to do
names = connection.introspection.table_names()
def indexes():
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE id < 0")
        known = connection.introspection.get_constraints(cursor, "shop_item")
        return sorted(name for name in known if "by" in name)
index = models.Index(fields=["name"], name="by_name")
with connection.schema_editor() as editor:
    editor.add_index(Item, index)
before = indexes()
with connection.schema_editor() as editor:
    editor.remove_index(Item, index)
after = indexes()
class Part(models.Model):
    name = models.CharField(max_length=9)
    class Meta:
        app_label = "shop"
with connection.schema_editor() as editor:
    editor.create_model(Part)
    field = models.ForeignKey(Item, models.CASCADE, null=True)
    field.set_attributes_from_name("item")
    field.model = Part
    editor.add_field(Part, field)
with connection.cursor() as cursor:
    cursor.execute("SELECT child, parent FROM routedb_references")
    keys = [list(row) for row in cursor.fetchall()]
Item.objects.create(name="pin")
call_command("flush", interactive=False, verbosity=0)
found = names, before, after, keys, Item.objects.count()
"""


@pytest.mark.long
def test_tables_are_changed_and_emptied_where_they_are(postgresql, tmp_path):
    with postgresql.database() as near, postgresql.database() as far:
        databases = {
            name: {"nodes": [place.writer_dsn]}
            for name, place in (("near", near), ("far", far))
        }
        routed = {
            "default": "near",
            "databases": databases,
            "tables": {"shop_item": "far"},
            "foreign_keys": "record",
        }
        project = Project(
            tmp_path,
            ENGINE="routedb.integrations.django.postgresql",
            NAME="",
            OPTIONS={"routedb": routed},
        )
        names, before, after, keys, count = project.run(BODY)
        assert set(names) >= {"shop_item", "django_migrations"}
        assert (before, after) == (["by_name"], [])
        assert keys == [["shop_part(item_id)", "shop_item(id)"]]
        assert count == 0
        asked = "SELECT count(*) FROM pg_class WHERE relname = 'shop_item'"
        assert (near.execute(asked), far.execute(asked)) == ([(0,)], [(1,)])
