"""One DSN: which engine opens it, what its driver is given, how the node is called."""

from __future__ import annotations

import pytest

from routedb import errors
from routedb.config.dsn import parse_dsn


@pytest.mark.parametrize(
    ("dsn", "sent", "name"),
    [
        ("postgresql://app@db1/shop", None, "db1:5432/shop"),
        ("postgres://app@db1:6000/shop", "postgresql://app@db1:6000/shop", None),
        ("postgresql+psycopg2://db1/shop", "postgresql://db1/shop", "db1:5432/shop"),
        ("postgresql://u:p@ss@db1/shop", None, "db1:5432/shop"),
        ("postgresql:///shop?host=/run/pg", None, "/run/pg:5432/shop"),
        ("postgresql://h1:1,h2:2/db?target_session_attrs=any", None, "h1,h2:1,2/db"),
        ("postgresql://[::1]:55/db?sslmode=verify-full", None, "::1:55/db"),
        ("host=db1 dbname='my shop' password='a b'", None, "db1:5432/my shop"),
        ("service=shop", None, "shop:5432"),
        ("host = db1 port = 7", None, "db1:7"),
        ("", None, "localhost:5432"),
    ],
)
def test_what_libpq_understands_reaches_it_untouched(dsn, sent, name):
    address = parse_dsn(dsn)
    assert (address.engine, address.dsn, address.options) == (
        "postgresql",
        sent or dsn,
        {},
    )
    assert address.name == (name or "db1:6000/shop")


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
            "/run/my.sock:3306/shop",
        ),
        (
            "mysql+mysqldb://h/d?ssl_ca=/c&ssl_key=/k&connect_timeout=3&compress=1",
            {
                "host": "h",
                "database": "d",
                "ssl": {"ca": "/c", "key": "/k"},
                "connect_timeout": 3,
                "compress": True,
            },
            "h:3306/d",
        ),
        (
            "mysql://h?read_default_file=~/.my.cnf",
            {"host": "h", "read_default_file": "~/.my.cnf"},
            "h:3306",
        ),
    ],
)
def test_a_mysql_url_becomes_the_keywords_of_its_driver(dsn, options, name):
    address = parse_dsn(dsn)
    assert (address.engine, address.options, address.name) == ("mysql", options, name)


@pytest.mark.parametrize(
    ("dsn", "options", "is_read_only"),
    [
        ("sqlite://", {"database": ":memory:"}, False),
        ("sqlite:///:memory:", {"database": ":memory:"}, False),
        ("sqlite:///shop.db", {"database": "shop.db"}, False),
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
            "sqlite:///x.db?timeout=2.5&immutable=1",
            {"database": "file:x.db?immutable=1", "uri": True, "timeout": 2.5},
            True,
        ),
    ],
)
def test_a_sqlite_url_is_read_as_sqlalchemy_writes_it(dsn, options, is_read_only):
    address = parse_dsn(dsn)
    assert (address.options, address.is_read_only) == (options, is_read_only)


@pytest.mark.parametrize(
    ("dsn", "fragments"),
    [
        ("oracle://u:secret@h", ["unknown scheme 'oracle'", "postgresql", "sqlite"]),
        ("postgresql://u:secret@h:x/d", ["port 'x'", "1 to 65535"]),
        ("mysql://u:secret@h:99999/d", ["port '99999'"]),
        ("mysql://u:secret@h/d?connect_timeout=soon", ["connect_timeout='soon'"]),
        ("just words", ["neither a URL", "host="]),
        ("host=h password=secret oops", ["neither a URL"]),
        ("sqlite://shop.db", ["has no host", "sqlite:///"]),
        ("sqlite:///x?mod=ro", ["unknown option 'mod'", "mode"]),
        ("sqlite:///x?timeout=long", ["timeout='long'"]),
        ("fake://", ["fake://name"]),
    ],
)
def test_a_bad_dsn_says_what_is_wrong_and_no_password(dsn, fragments):
    with pytest.raises(errors.ConfigError) as caught:
        parse_dsn(dsn)
    text = str(caught.value)
    assert all(fragment in text for fragment in fragments)
    assert "secret" not in text
