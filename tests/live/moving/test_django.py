"""docs/moving-django.rst: a site moves from MariaDB to PostgreSQL, app by app, and its
own tests pass all the way."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import psycopg2
import pytest
from psycopg2.extensions import parse_dsn

from routedb import move
from tests.docs.documentation import blocks
from tests.docs.readme import ROOT
from tests.live.moving.conftest import open_world
from tests.live.moving.world import World

pytestmark = pytest.mark.long

FILES = {
    "settings.py": """
        from databases import DATABASES, DATABASE_ROUTERS
        INSTALLED_APPS = [
            "django.contrib.admin", "django.contrib.auth", "django.contrib.messages",
            "django.contrib.contenttypes", "django.contrib.sessions", "shop",
        ]
        MIDDLEWARE = [
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ]
        PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
        SILENCED_SYSTEM_CHECKS = ["admin.E403", "admin.E409", "admin.E410"]
        ROOT_URLCONF = "shop.urls"
        ALLOWED_HOSTS = ["*"]
        SECRET_KEY = "of-the-tests"
        DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
        USE_TZ = True
    """,
    "old.py": """
        from settings import *
        DATABASES = {"default": DATABASES["legacy"]}
        DATABASE_ROUTERS = []
    """,
    "new.py": """
        from settings import *
        DATABASES = {"default": DATABASES["default"]}
        DATABASE_ROUTERS = []
    """,
    "shop/__init__.py": "",
    "shop/models.py": """
        from django.conf import settings
        from django.db import models

        class Category(models.Model):
            name = models.CharField(max_length=50, unique=True)

        class Item(models.Model):
            name = models.CharField(max_length=50)
            category = models.ForeignKey(Category, models.CASCADE)
            owner = models.ForeignKey(
                settings.AUTH_USER_MODEL, models.CASCADE, db_constraint=False
            )
            facts = models.JSONField(default=dict)
            is_sold = models.BooleanField(default=False)
            size = models.PositiveIntegerField(null=True)
            price = models.DecimalField(max_digits=9, decimal_places=2, default="1.50")
            opens = models.TimeField(null=True)
            made = models.DateTimeField(auto_now_add=True)
    """,
    "shop/urls.py": """
        from django.contrib.auth.decorators import login_required, permission_required
        from django.db import router, transaction
        from django.http import JsonResponse
        from django.urls import path
        from shop.models import Category, Item

        @login_required
        def items(request):
            mine = Item.objects.filter(owner_id=request.user.id, is_sold=False)
            return JsonResponse({"items": [item.name for item in mine.order_by("id")]})

        @permission_required("shop.add_item", raise_exception=True)
        def add(request):
            with transaction.atomic(using=router.db_for_write(Item)):
                category, _ = Category.objects.get_or_create(name="pins")
                item = Item.objects.create(
                    name=request.POST["name"], category=category, owner=request.user,
                    facts={"tags": ["new"], "weight": 1.5}, size=3, opens="08:30",
                )
            request.session["last"] = item.id
            return JsonResponse({"id": item.id})

        urlpatterns = [path("items", items), path("add", add)]
    """,
    "site_tests.py": """
        import os, unittest, uuid
        import django
        django.setup()
        from django.contrib.admin.models import LogEntry
        from django.contrib.auth.models import Permission, User
        from django.contrib.contenttypes.models import ContentType
        from django.test import Client
        from django.utils import timezone
        from shop.models import Category, Item

        class Site(unittest.TestCase):
            def setUp(self):
                self.client = Client()
                self.name = uuid.uuid4().hex
                self.user = User.objects.create_user(self.name, password="pw")

            def test_who_may_adds_and_sees_items(self):
                self.client.force_login(self.user)
                self.assertEqual(self.client.post("/add").status_code, 403)
                may = Permission.objects.get(
                    codename="add_item",
                    content_type=ContentType.objects.get_for_model(Item),
                )
                self.user.user_permissions.add(may)
                found = self.client.post("/add", {"name": "a pin"}).json()
                self.assertEqual(self.client.session["last"], found["id"])
                self.assertEqual(
                    self.client.get("/items").json(), {"items": ["a pin"]}
                )
                item = Item.objects.get(id=found["id"])
                self.assertEqual(item.facts, {"tags": ["new"], "weight": 1.5})
                self.assertIs(item.is_sold, False)
                self.assertEqual(str(item.opens), "08:30:00")
                self.assertEqual(str(item.price), "1.50")
                age = timezone.now() - item.made
                self.assertLess(abs(age.total_seconds()), 600)
                self.assertEqual(item.owner, self.user)
                self.assertEqual(item.category.name, "pins")

            def test_logging_in_and_out(self):
                self.assertFalse(self.client.login(username=self.name, password="no"))
                self.assertTrue(self.client.login(username=self.name, password="pw"))
                self.assertEqual(self.client.get("/items").status_code, 200)
                self.client.logout()
                self.assertEqual(self.client.get("/items").status_code, 302)

            def test_the_log_of_the_admin_names_what_was_changed(self):
                category = Category.objects.get_or_create(name="pins")[0]
                item = Item.objects.create(
                    name="x", category=category, owner=self.user, is_sold=True
                )
                LogEntry.objects.log_actions(self.user.pk, [item], 2, "changed")
                entry = LogEntry.objects.get(user=self.user)
                self.assertEqual(entry.content_type.model, "item")
                self.assertEqual(entry.object_id, str(item.pk))
                item.delete()
                self.assertFalse(Item.objects.filter(owner=self.user).exists())

            def test_a_user_who_was_there_before_is_still_logged_in(self):
                key = os.environ["SITE_SESSION"]
                self.client.cookies["sessionid"] = key
                found = self.client.get("/items").json()
                self.assertEqual(found, {"items": ["kept"]})
                self.assertTrue(
                    User.objects.get(username="kept").has_perm("shop.add_item")
                )

        if __name__ == "__main__":
            unittest.main()
    """,
    "prepare.py": """
        import django
        django.setup()
        from django.contrib.auth.models import Permission, User
        from django.test import Client
        user = User.objects.create_user("kept", password="pw")
        user.user_permissions.add(Permission.objects.get(codename="add_item"))
        client = Client()
        client.force_login(user)
        client.post("/add", {"name": "kept"})
        print(client.session.session_key)
    """,
}
USERS = ["auth_*", "django_content_type", "django_admin_log"]
MOVES = {
    "sessions": ["django_session"],
    "shop": ["shop_*"],
    "users": USERS,
    "migrations": ["django_migrations"],
}


class Site:
    """The page's files, with the site, in a folder."""

    def __init__(self, folder: Path, world: World, scratch: str) -> None:
        self.folder = folder
        self._scratch = scratch
        said = parse_dsn(scratch)
        assert isinstance(world.new.writer_dsn, str)
        self._places = {
            "postgresql://app:secret@db1/shop": world.new.writer_dsn,
            "mysql://app:secret@db2/shop": world.old.writer_dsn,
            '"HOST": "db1", "USER": "app", "PASSWORD": "secret", "NAME": "scratch"': (
                f'"HOST": {said["host"]!r}, "PORT": {said["port"]!r}, '
                f'"USER": {said["user"]!r}, "PASSWORD": {said.get("password", "")!r}, '
                f'"NAME": {said["dbname"]!r}'
            ),
        }
        for block in blocks("moving-django"):
            if block.text.startswith("# "):
                named = block.text.splitlines()[0].removeprefix("# ")
                self._write(named, block.text)
        for named, text in FILES.items():
            self._write(named, dedent(text))
        self._session = ""

    def _write(self, named: str, text: str) -> None:
        for written, found in self._places.items():
            text = text.replace(written, found)
        assert "secret" not in text, named
        path = self.folder / named
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    def python(self, *words: str, settings: str = "settings") -> str:
        """Run Python with `settings`; return what it printed."""
        done = subprocess.run(
            [sys.executable, *words],
            cwd=self.folder,
            capture_output=True,
            text=True,
            env={
                **os.environ,
                "PYTHONPATH": f"{ROOT}:{self.folder}",
                "DJANGO_SETTINGS_MODULE": settings,
                "SITE_SESSION": self._session,
            },
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def manage(self, *words: str, settings: str = "settings") -> str:
        """Run a command of Django's."""
        return self.python("-m", "django", *words, settings=settings)

    def prepare(self) -> None:
        """Make the tables on MariaDB, with a user who has logged in there."""
        self.manage("makemigrations", "shop", settings="old")
        self.manage("migrate", settings="old")
        self._session = self.python("prepare.py", settings="old").splitlines()[-1]

    def is_green(self, settings: str = "settings") -> bool:
        """Run the site's own tests; tell whether they have passed."""
        return "OK" in self.python("site_tests.py", settings=settings)

    def definitions(self, tables: list[str]) -> str:
        """Return what Django makes of `tables` on PostgreSQL."""
        chosen = [word for table in tables for word in ("-t", table)]
        dump = ["pg_dump", "--schema-only", "--no-owner", *chosen, self._scratch]
        return subprocess.run(dump, check=True, capture_output=True, text=True).stdout


@pytest.mark.timeout(1200)
def test_a_site_moves_app_by_app(request, tmp_path):
    with (
        open_world(request, "my-pg") as world,
        request.getfixturevalue("postgresql").database() as scratch,
    ):
        site = Site(tmp_path, world, scratch.writer_dsn)
        site.prepare()
        assert site.is_green("old")
        assert site.is_green()
        site.manage("migrate", settings="scratch")
        config = str(tmp_path / "routedb.toml")
        for name, tables in MOVES.items():
            ddl = site.definitions(tables)
            plan = move.plan(config, tables, "main", ddl=ddl)
            assert plan.refusals == ()
            move.start(config, name, tables, "main", ddl=ddl)
            assert site.is_green()  # what it writes is followed
            move.switch(config, name)
            assert site.is_green()
            if name == "shop":
                move.undo(config, name)
                assert site.is_green()
                move.abort(config, name)
                name = "shop again"  # noqa: PLW2901
                move.start(config, name, tables, "main", ddl=ddl)
                move.switch(config, name)
            move.run(config, name, seconds=0.1)
            move.finish(config, name)
            assert site.is_green()
        (tmp_path / "routedb.toml").write_text(
            f'[databases.main]\nnodes = ["{world.new.writer_dsn}"]\n'
        )
        assert site.is_green("new")
        assert "No migrations to apply" in site.manage("migrate", settings="new")
        assert "No changes" in site.manage(
            "makemigrations", "--check", "--dry-run", settings="new"
        )
        with psycopg2.connect(world.new.writer_dsn) as raw, raw.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM django_content_type")
            assert cursor.fetchall() == [(8,)]  # of eight models: none twice
        raw.close()
