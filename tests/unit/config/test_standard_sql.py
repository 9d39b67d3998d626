"""MySQL nodes under programs of another dialect are told to read standard SQL."""

from __future__ import annotations

import pytest

from .reading import loaded

PG, MY, LITE = "postgresql://h/d", "mysql://h/d", "sqlite:////tmp/x.db"


def marked(**config):
    return [node.is_standard_sql for node in loaded(config).nodes]


@pytest.mark.parametrize(
    ("main", "other", "more", "expected"),
    [
        (PG, MY, {}, [False, True]),
        (LITE, MY, {}, [False, True]),
        (MY, MY, {}, [False, False]),
        (MY, PG, {}, [False, False]),
        (PG, LITE, {}, [False, False]),
        (MY, MY, {"dialect": "postgresql"}, [True, True]),
        (MY, MY, {"dialect": "sqlite"}, [True, True]),
        (PG, MY, {"dialect": "mysql"}, [False, False]),
        (PG, "mysql://h/d?sql_mode=ANSI", {}, [False, False]),
        (PG, "mysql://h/d?sql_mode=", {}, [False, False]),
        (PG, "mysql://h/d?init_command=SET%20sql_mode=ANSI", {}, [False, False]),
        (PG, "mysql://h/d?init_command=SET%20autocommit=1", {}, [False, True]),
    ],
)
def test_which_nodes_are_marked(main, other, more, expected):
    databases = {"main": {"nodes": [main]}, "other": {"nodes": [other]}}
    assert marked(default="main", databases=databases, **more) == expected


def test_options_of_the_database_configure_its_mode():
    other = {"nodes": [MY], "options": {"sql_mode": ""}}
    databases = {"main": {"nodes": [PG]}, "other": other}
    assert marked(default="main", databases=databases) == [False, False]


def test_every_shard_is_marked():
    databases = {"main": {"nodes": [PG]}, "other": {"shards": [[MY], [MY + "2"]]}}
    assert marked(default="main", databases=databases) == [False, True, True]
