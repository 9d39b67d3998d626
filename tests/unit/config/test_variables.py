"""${VAR} is filled in from the environment, and its value is shown nowhere."""

from __future__ import annotations

import pytest

from routedb import errors
from tests.unit.config.reading import loaded, one, shop

SECRET = "hunter2hunter2"


def test_variables_stand_for_their_values():
    assert shop().nodes[0].dsn == "postgresql://app:s3cret@db1/shop"
    content = one(["fake://${A}${B}"], reads="${R}")
    config = loaded(content, {"A": "x", "B": "", "R": "writer"})
    assert (config.nodes[0].name, config.databases["main"].reads) == ("x", "writer")


def test_two_dollars_stand_for_the_text_itself():
    assert loaded("fake://$${PW}").nodes[0].dsn == "fake://${PW}"
    assert loaded("fake://$PW").nodes[0].dsn == "fake://$PW"


def test_keywords_are_taken_as_they_are():
    config = loaded(["fake://a"], {}, password="${PW}", functions={"f": "read"})
    assert config.nodes[0].options == {"password": "${PW}"}


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("postgresql://u:${NOPE}@h", "DSN: "),
        (["fake://a", "mysql://u:${NOPE}@h"], "list of DSNs: [1]: "),
        (one([{"dsn": "x://${NOPE}"}]), "mapping: databases.main.nodes[0].dsn: "),
        (one(["fake://a"], options={"k": ["${NOPE}"]}), "main.options.k[0]: "),
    ],
)
def test_a_variable_that_is_missing_is_named(source, place):
    with pytest.raises(errors.ConfigError) as caught:
        loaded(source, {})
    assert f"{place}the environment has no variable 'NOPE'; set it" in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        one(["fake://a"], reads="${PW}"),
        one(["fake://a"], max_lag="${PW}"),
        one(["${PW}"]),
        one(["${PW}://h"]),
        one(["mysql://${PW}@h@h"]),
        one(["mysql://h?connect_timeout=${PW}"]),
        one(["sqlite:///x?${PW}=1"]),
        one(["sqlite:///x?mode=${PW}"]),
        one(["fake://a", {"dsn": "fake://b", "name": "${PW}", "x": 1}]),
        one([{"dsn": f"fake://{n}", "name": "${PW}"} for n in "ab"]),
        {**one(["fake://a"]), "default": "${PW}"},
        {**one(["fake://a"]), "dialect": "${PW}"},
        {**one(["fake://a"]), "functions": {"f": "${PW}"}},
        {**one(["fake://a"]), "tables": {"t": "${PW}"}},
        {**one(["fake://a"]), "tables": {"t": {"database": "${PW}"}}},
    ],
)
def test_what_a_variable_holds_is_in_no_error(content):
    with pytest.raises(errors.ConfigError) as caught:
        loaded(content, {"PW": SECRET})
    assert SECRET not in f"{caught.value!r} {caught.value} {caught.value.__cause__!r}"
