"""One DSN: which engine opens it, what its driver is given, how the node is called."""

from __future__ import annotations

import pytest

from routedb import errors
from tests.unit.config.reading import loaded


def read(dsn, **keywords):
    [node] = loaded([dsn], environ={}, **keywords).nodes
    return node


@pytest.mark.parametrize(
    ("dsn", "name"),
    [
        ("postgresql://app@db1/shop", "db1:5432/shop"),
        ("postgresql://app:p%40ss@db1:6000/shop", "db1:6000/shop"),
        ("postgresql:///shop?host=/run/pg", "/run/pg:5432/shop"),
        ("postgresql://%2Frun%2Fpg/shop", "/run/pg:5432/shop"),
        (
            "postgresql://[::1]:55/db?sslmode=verify-full&sslrootcert=/ca.pem",
            "[::1]:55/db",
        ),
        ("postgresql://h/d?options=-c%20work_mem%3D1MB&passfile=/p", "h:5432/d"),
        ("postgresql://app@", "localhost:5432/app"),
        ("host=db1 dbname='my shop' password='a b'", "db1:5432/my shop"),
        (r"host=db1 dbname=my\ shop user='o\'hara'", "db1:5432/my shop"),
        ("host=a port=1 passfile=/home/app/.pgpass", "a:1"),
        ("hostaddr=::1 gssencmode=disable", "[::1]:5432"),
        ("service=shop", "service=shop"),
        ("host = db1 port = 7 channel_binding=require", "db1:7"),
        ("", "localhost:5432"),
    ],
)
def test_what_libpq_understands_reaches_it_untouched(dsn, name):
    node = read(dsn)
    assert (node.engine, node.dsn, node.options) == ("postgresql", dsn, {})
    assert node.name == name


@pytest.mark.parametrize(
    "scheme", ["postgres", "POSTGRESQL", "postgresql+psycopg2", "postgresql"]
)
def test_libpq_gets_the_scheme_that_it_knows(scheme):
    assert read(f"{scheme}://db1/shop?a=b").dsn == "postgresql://db1/shop?a=b"


@pytest.mark.parametrize(
    ("dsn", "options", "name"),
    [
        (
            "mysql://app:p%40ss@db1:3307/shop",
            {
                "host": "db1",
                "user": "app",
                "password": "p@ss",
                "database": "shop",
                "port": 3307,
            },
            "db1:3307/shop",
        ),
        (
            "mariadb://app@/shop?unix_socket=/run/my.sock&charset=utf8mb4",
            {
                "user": "app",
                "database": "shop",
                "unix_socket": "/run/my.sock",
                "charset": "utf8mb4",
            },
            "/run/my.sock/shop",
        ),
        (
            "mysql+mysqldb://h/d?ssl_ca=/c&ssl_key=/k&ssl_mode=VERIFY_CA&compress=1",
            {
                "host": "h",
                "database": "d",
                "ssl": {"ca": "/c", "key": "/k"},
                "ssl_mode": "VERIFY_CA",
                "compress": True,
            },
            "h:3306/d",
        ),
        (
            "mysql://h?connect_timeout=3&use_unicode=no&init_command=SET%20a%3D1+2",
            {
                "host": "h",
                "connect_timeout": 3,
                "use_unicode": False,
                "init_command": "SET a=1+2",
            },
            "h:3306",
        ),
        (
            "mysql://?read_default_file=~/.my.cnf&read_default_group=shop",
            {"read_default_file": "~/.my.cnf", "read_default_group": "shop"},
            "~/.my.cnf",
        ),
        (
            "mariadb+mysqldb://[::1]:1/?db=d&passwd=p",
            {"host": "::1", "port": 1, "database": "d", "password": "p"},
            "[::1]:1/d",
        ),
        ("mysql://", {}, "localhost:3306"),
    ],
)
def test_a_mysql_url_becomes_the_keywords_of_its_driver(dsn, options, name):
    node = read(dsn)
    assert (node.engine, node.options, node.name) == ("mysql", options, name)


@pytest.mark.parametrize(
    ("dsn", "options", "is_read_only"),
    [
        ("sqlite://", {"database": ":memory:"}, False),
        ("sqlite:///:memory:", {"database": ":memory:"}, False),
        ("sqlite:///shop.db", {"database": "shop.db"}, False),
        ("sqlite+pysqlite:///a%20b.db", {"database": "a b.db"}, False),
        ("sqlite:////srv/shop.db", {"database": "/srv/shop.db"}, False),
        (
            "sqlite:////srv/a b.db?mode=ro",
            {"database": "file:/srv/a%20b.db?mode=ro", "uri": True},
            True,
        ),
        (
            "sqlite:///file:shop.db?mode=ro&uri=true",
            {"database": "file:shop.db?mode=ro", "uri": True},
            True,
        ),
        (
            "sqlite:///file::memory:?cache=shared&uri=true",
            {"database": "file::memory:?cache=shared", "uri": True},
            False,
        ),
        (
            "sqlite:///x.db?timeout=2.5&immutable=1",
            {"database": "file:x.db?immutable=1", "uri": True, "timeout": 2.5},
            True,
        ),
        (
            "sqlite:///x.db?check_same_thread=false&detect_types=3",
            {"database": "x.db", "check_same_thread": False, "detect_types": 3},
            False,
        ),
    ],
)
def test_a_sqlite_url_is_read_as_sqlalchemy_writes_it(dsn, options, is_read_only):
    node = read(dsn)
    assert (node.engine, node.options) == ("sqlite", options)
    assert node.is_read_only is is_read_only


def test_the_scripted_fake_has_a_name():
    node = read("fake://db1")
    assert (node.engine, node.dsn, node.name) == ("fake", "fake://db1", "db1")


def test_keywords_of_the_driver_name_a_node_too():
    assert read("mysql://", host="h", port=1, db="d").name == "h:1/d"
    assert read("", service="shop").name == "service=shop"


@pytest.mark.parametrize(
    ("dsn", "fragments"),
    [
        ("oracle://u:secret@h", ["unknown scheme; allowed", "postgresql", "oracle"]),
        ("postgress://u:secret@h", ["did you mean 'postgres'?"]),
        ("postgresql://u:secret@h:x/d", ["a port is a number", "1 to 65535"]),
        ("postgresql://u:se@cret@h/d", ["an @ more than a URL has", "%40"]),
        ("postgresql://u:secret/x@h/d", ["an @ more than a URL has", "%2F"]),
        ("postgresql://u:secret%@h/d", ["a % stands before two hex digits"]),
        ("postgresql://u:secret@h/d?sslmode", ["option=value"]),
        ("mysql://u:secret@h:99999/d", ["a port is a number"]),
        ("mysql://u:secret@h1,h2/d", ["one host", "list of DSNs"]),
        ("mysql://u:secret@h/d?connect_timeout=soon", ["connect_timeout is a whole"]),
        ("mysql://u:secret@h/d?compress=maybe", ["compress is true or false"]),
        ("just words", ["expected a URL", "host=", ".toml"]),
        ("host=h password=secret oops", ["expected a URL"]),
        ("host=h password='secret", ["expected a URL"]),
        ("sqlite://shop.db", ["has no host", "sqlite:///"]),
        ("sqlite:///x?mod=ro", ["unknown option; allowed", "did you mean 'mode'?"]),
        ("sqlite:///x?mode=r", ["mode is one of ro, rw, rwc, memory"]),
        ("sqlite:///:memory:?mode=ro", ["mode=ro needs a file"]),
        ("sqlite:///x?timeout=long", ["timeout is a number"]),
        ("fake://", ["fake://name"]),
    ],
)
def test_a_bad_dsn_says_what_is_wrong_and_no_password(dsn, fragments):
    with pytest.raises(errors.ConfigError) as caught:
        read(dsn)
    text = str(caught.value)
    assert [f for f in fragments if f not in text] == []
    assert "secret" not in text
    assert "cret" not in text
