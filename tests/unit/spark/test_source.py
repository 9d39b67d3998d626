"""What of a configuration travels to executors, and what is refused."""

from __future__ import annotations

import sys

import pytest

from routedb import ConfigError
from routedb.integrations.spark.request import Request
from routedb.integrations.spark.source import Command, ConfigSource, source_of

SECRET = "hunter2"


@pytest.mark.parametrize(
    "config",
    [
        f"postgresql://app:{SECRET}@db1/shop",
        [f"host=db1 password={SECRET} dbname=shop"],
        {"databases": {"main": {"nodes": [f"mysql://app:{SECRET}@db1/shop"]}}},
        {"databases": {"main": {"nodes": [], "options": {"passwd": SECRET}}}},
        {"databases": {"main": {"nodes": []}}, "token_key": SECRET},
    ],
)
def test_a_mapping_or_a_dsn_with_a_secret_is_refused(config):
    with pytest.raises(ConfigError, match="has a secret in it") as caught:
        source_of(config)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://app:${SPARK_TEST_PASSWORD}@db1/shop",
        "postgresql://app@db1/shop?password=${SPARK_TEST_PASSWORD}",
    ],
)
def test_a_reference_is_filled_in_where_it_is_read(dsn, monkeypatch):
    source = source_of({"databases": {"main": {"nodes": [dsn]}}})
    monkeypatch.setenv("SPARK_TEST_PASSWORD", SECRET)
    (node,) = source.load().nodes
    assert SECRET not in source.text
    assert SECRET in node.dsn


def test_a_command_prints_the_configuration(tmp_path):
    program = tmp_path / "print.py"
    said = f"print('[databases.main]\\nnodes = [\"sqlite:///{tmp_path}/a.db\"]')"
    program.write_text(said)
    source = source_of(Command(f"{sys.executable} {program}"))
    assert list(source.load().databases) == ["main"]


def test_a_command_that_fails_shows_nothing_of_what_it_said(tmp_path):
    program = tmp_path / "fail.py"
    program.write_text(f"print('{SECRET}'); raise SystemExit(3)")
    with pytest.raises(ConfigError, match="exit status 3") as caught:
        source_of(Command(f"{sys.executable} {program}")).load()
    assert SECRET not in str(caught.value)


def test_options_say_the_same_as_the_request():
    source = ConfigSource(path="routedb.toml")
    request = Request(source, "orders", ("id", "cents"), 7, "cents", 2)
    assert Request.of_options(request.options) == request


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"config": "a.toml"}, "which table"),
        ({"table": "orders", "partition_rows": "0"}, "partition_rows is a number"),
        ({"table": "orders", "url": "x"}, "no such option: url"),
    ],
)
def test_wrong_options_are_named(options, said):
    with pytest.raises(ConfigError, match=said):
        Request.of_options(options)
