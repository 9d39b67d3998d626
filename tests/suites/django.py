"""Parts of Django's tests, on PostgreSQL."""

from __future__ import annotations

import json

from tests.suites.suite import Command, Suite, Where

# What has to do with databases; the rest of Django's tests never looks at a cursor.
LABELS = (
    *("backends", "basic", "transactions", "transaction_hooks", "aggregation"),
    *("aggregation_regress", "annotations", "expressions", "queries", "raw_query"),
    *("bulk_create", "select_for_update", "get_or_create"),
    *("delete", "update", "multiple_database", "schema", "lookup", "ordering"),
    *("distinct_on_fields", "introspection", "migrations", "postgres_tests"),
)
# Each way to use a connection; the others' statements are like these.
QUICK = (
    *("backends", "basic", "transactions", "transaction_hooks", "raw_query"),
    *("bulk_create", "update", "multiple_database"),
)
# Of tables that are dealt: by the last letter, as all tables of an app begin alike.
RULES = {"django_*": "home", "*[a-m]": "far"}
SETTINGS = """\
SERVER = {server!r}
DATABASES = {{
    alias: {{"ENGINE": {engine!r}, "NAME": name, **SERVER}}
    for alias, name in [("default", "django_default"), ("other", "django_other")]
}}
SECRET_KEY = "of the tests"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
USE_TZ = False
"""


class Django(Suite):
    name = "django"
    version = "5.2.*"
    engine = "postgresql"
    driver = "psycopg2"
    needs = (
        *("psycopg2-binary==2.9.*", "asgiref>=3.8.1", "sqlparse>=0.3.1", "tzdata"),
        *("jinja2", "tblib", "docutils"),
    )

    def prepare(self, where: Where) -> None:
        for name in ("test_django_default", "test_django_other"):
            where.cluster.drop_database(name)
            where.cluster.drop_database(f"{name}_far")

    def command(self, where: Where, quick: bool) -> Command:
        return self._command(where, quick, "django.db.backends.postgresql")

    def dealt(self, where: Where, quick: bool, is_dealt: bool) -> Command:
        if not is_dealt:
            return self.command(where, quick)
        return self._command(where, quick, "dealt")

    def _command(self, where: Where, quick: bool, engine: str) -> Command:
        server = where.writer
        settings = {
            "HOST": server.host,
            "PORT": server.port,
            "USER": server.user,
            "PASSWORD": server.password,
        }
        path = where.folder / "suite_settings.py"
        path.write_text(
            SETTINGS.format(server=settings, engine=engine), encoding="utf-8"
        )
        tests = self.source() / "tests"
        # Found by their folders, for PYTHONPATH is set already.
        start = (
            f"import sys, runpy; sys.path[:0] = {[str(tests), str(tests.parent)]!r}; "
            f"sys.path.append({str(where.folder)!r}); "
            "runpy.run_path('runtests.py', run_name='__main__')"
        )
        return Command(
            [
                *(str(self.python), "-c", start, "--settings=suite_settings"),
                *("--parallel=1", "--noinput", *(QUICK if quick else LABELS)),
            ],
            tests,
            {"SUITES_RULES": json.dumps(RULES)},
        )
