"""A small Django project on disk, run in processes of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.docs.readme import ROOT

_FILES = {
    "settings.py": """
        import json, pathlib
        HERE = pathlib.Path(__file__).parent
        DATABASES = json.loads((HERE / "databases.json").read_text())
        INSTALLED_APPS = ["shop"]
        SECRET_KEY = "of-the-tests"
        USE_TZ = True
        DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
    """,
    "shop/__init__.py": "",
    "shop/models.py": """
        from django.db import models

        class Item(models.Model):
            name = models.CharField(max_length=50, unique=True)
            facts = models.JSONField(default=dict)
            made = models.DateTimeField(auto_now_add=True)
    """,
    "shop/tests.py": """
        from django.db import connection
        from django.test import TestCase, TransactionTestCase
        from shop.models import Item

        class Inside(TestCase):
            def test_rows(self):
                Item.objects.create(name="pin")
                self.assertEqual(Item.objects.count(), 1)

        class Outside(TransactionTestCase):
            def test_rows(self):
                self.assertRegex(connection.settings_dict["NAME"], "test|memory")
                Item.objects.create(name="pin")
                self.assertEqual(Item.objects.count(), 1)
                self.assertTrue(hasattr(connection.connection, "session"))
    """,
}


# For the statements that a test runs: which node answers, once replicas are known.
_HELP = """
def settle():
    from tests.support.servers import wait_until
    connection.ensure_connection()
    core = connection.connection.session.core
    wait_until(lambda: core.topology.groups[0].read_ring, "a replica is known")

def node():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM shop_item")
        return cursor.node.name
"""


class Project:
    """A project with an app `shop`, whose table is `shop_item`."""

    def __init__(self, folder: Path, **database: Any) -> None:
        self.folder = folder
        for name, text in _FILES.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            lines = text.strip("\n").splitlines()
            path.write_text("\n".join(line.removeprefix(" " * 8) for line in lines))
        (folder / "databases.json").write_text(json.dumps({"default": database}))

    def manage(self, *command: str) -> str:
        """Run a management command; return what it printed."""
        return self._run("-m", "django", *command, "--settings=settings")

    def migrate(self) -> None:
        """Write the migration of the app, and apply it."""
        self.manage("makemigrations", "shop")
        self.manage("migrate")

    def run(self, body: str) -> Any:
        """Run statements that know `Item`, `connection` and `transaction`; return what
        they leave in `found`."""
        script = (
            "import os, json, django\n"
            "os.environ['DJANGO_SETTINGS_MODULE'] = 'settings'\n"
            "django.setup()\n"
            "from django.db import connection, transaction, IntegrityError\n"
            "from shop.models import Item\n"
            f"{_HELP}\n"
            f"{body}\n"
            "print(json.dumps(found))\n"
        )
        return json.loads(self._run("-c", script).splitlines()[-1])

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr
