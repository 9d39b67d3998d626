"""A password that stands where none belongs is not shown by the error about it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from routedb import errors
from routedb.config import load, schema, small_entries

SECRET = "Hunter2xyz"
KEYS = ["password", "pasword", "pswd", "passw0rd", "token_key", "api_key"]
TEXTS = [
    *("host=h {}={} user=u", "host=h {} = {}", "postgresql://h/d?{}={}"),
    *("mysql://u@h/d?{}={}", "{}={}", "{}:{}", "{} = '{} and more'"),
]
LOGINS = ["postgresql://u:{}@h/d", "u:{}@h/d", "postgresql:/u:{}@h/d"]
ODD = [
    *("postgresql://h/d?p%61ssword={}", "mysql://h/d?x=1&p%61sw%64={}"),
    *("postgresql://u%3A{}@h/d", "postgresql://u:{}", "mysql://u:{}/d"),
    *("host=h password=my {} user=u", "host=h passwd\t=\t{}", "password\n=\n{}"),
    *("postgresql://h/d?options=-c%20my.password%3D{}", "mysql://u:{}\udcff@h/d"),
    *("mysql://u:{}\0@h/d", "postgresql://u:{}@h1,u2:{}@h2/d", "mysql://u:%{}@h/d"),
]
OPTIONS = [
    *("reads", "consistency", "max_lag", "connect_timeout", "pool", "urls", "options"),
    *("discovery", "urls_ca", "read_only", "keepalive", "retry_after", "commit_check"),
]


def main(**options):
    return {"databases": {"main": {"nodes": ["fake://a"], **options}}}


def table(rule):
    return {**main(), "tables": {"t": {"database": "main", "shard_key": "a", **rule}}}


def node(**entry):
    return {"databases": {"main": {"nodes": [{"dsn": "fake://a", **entry}]}}}


def option(key, text):
    return main(**{key: text})


def listed(key, text):
    return main(**{key: [text]})


# Where a text may be put: as a source, a value, a list, a name, a key.
PLACES: dict[str, Callable[[str], Any]] = {
    "the source": lambda text: text,
    "a list": lambda text: [text],
    "a path": lambda text: f"{text}.toml",
    "nodes": lambda text: {"databases": {"main": {"nodes": text}}},
    "shards": lambda text: {"databases": {"main": {"shards": text}}},
    "a shard": lambda text: {"databases": {"main": {"shards": [text, [[text]]]}}},
    "databases": lambda text: {"databases": text},
    "a list of databases": lambda text: {"databases": [text]},
    "a database": lambda text: {"databases": {"main": text}},
    "a database's name": lambda text: {"databases": {text: {"nodes": [], "x": 1}}},
    "a database's key": lambda text: main(**{text: 1}),
    "a key at the top": lambda text: {text: 1, **main()},
    "a node's name": lambda text: node(name=text),
    "a node's weight": lambda text: node(weight=text),
    "a node's balanced": lambda text: node(balanced=text),
    "a node's key": lambda text: node(**{text: 1}),
    "default": lambda text: {**main(), "default": text},
    "dialect": lambda text: {**main(), "dialect": text},
    "hints": lambda text: {**main(), "hints": text},
    "shadow": lambda text: {**main(), "shadow": [text]},
    "token_key": lambda text: {**main(), "token_key": {text: text}},
    "a pool's key": lambda text: main(pool={text: 1}),
    "a pool's max": lambda text: main(pool={"max": text}),
    "tables": lambda text: {**main(), "tables": text},
    "a rule": lambda text: {**main(), "tables": {"t": text}},
    "a pattern": lambda text: {**main(), "tables": {text: "x"}},
    "a rule's database": lambda text: table({"database": text}),
    "a rule's function": lambda text: table({"function": text}),
    "a rule's bounds": lambda text: table({"bounds": [text]}),
    "a rule's type": lambda text: table({"key_type": text}),
    "functions": lambda text: {**main(), "functions": text},
    "a function": lambda text: {**main(), "functions": {"f": text}},
    "a function's name": lambda text: {**main(), "functions": {text: "x"}},
    "a variable": lambda text: [f"${{{text}}}"],
    **{key: partial(option, key) for key in OPTIONS},
    **{f"[{key}]": partial(listed, key) for key in OPTIONS},
}


def texts():
    yield from (text.format(SECRET, SECRET) for text in [*LOGINS, *ODD])
    yield from (text.format(key, SECRET) for text in TEXTS for key in KEYS)


def no_file(path):
    raise FileNotFoundError(2, "no such file")


def shown(source):
    """All that anybody may see of this configuration."""
    try:
        config = load(source, {}, environ={}, read_file=no_file)
    except errors.ConfigError as exc:
        return f"{exc!r} {exc} {exc.__cause__!r} {exc.__context__!r}"
    return f"{config!r} {config.nodes} {config.source}"


@pytest.mark.parametrize("place", PLACES)
def test_it_is_not_shown(place):
    told = {text: shown(PLACES[place](text)) for text in texts()}
    assert [text for text, said in told.items() if SECRET in said] == []


KINDS = {
    schema.ClusterEntry: lambda key, value: {**main(), key: value},
    schema.DatabaseEntry: lambda key, value: main(**{key: value}),
    small_entries.NodeEntry: lambda key, value: node(**{key: value}),
    small_entries.PoolEntry: lambda key, value: main(pool={key: value}),
    small_entries.MergeEntry: lambda key, value: main(merge={key: value}),
    schema.TableEntry: lambda key, value: table({key: value}),
}
FORMS: list[Callable[[str], Any]] = [
    lambda text: text,
    lambda text: [text],
    lambda text: [[text]],
    lambda text: {"a": text},
    lambda text: {text: 1},
    lambda text: {"a.b": text, text: "c.d"},
    lambda text: [{text: [text]}],
    lambda text: {text: {text: text}},
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_it_is_not_shown_under_any_key_there_is(kind):
    """Also those that come to be: they are the schema's."""
    told = {}
    for key in (*kind.__struct_fields__, "no_key"):
        for text in ("u:{0}@h/d", "pasword={0}", "x pwd = '{0}'", "mysql://u:{0}@h"):
            for form in FORMS:
                value = form(text.format(SECRET))
                told[key, str(value)] = shown(KINDS[kind](key, value))
    assert [what for what, said in told.items() if SECRET in said] == []


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("byte", [b"\xff", b"\xc3"])
def test_bytes_that_are_no_text_show_nothing_either(place, byte):
    """An error about an encoding has all of the text; what is said can be printed."""
    for before in ("host=h password=", "postgresql://u:", "mysql://u:"):
        text = f"{before}{SECRET}".encode() + byte + b"@h/d"
        source = PLACES[place](text.decode("utf-8", "surrogateescape"))
        said = shown(source)
        assert SECRET not in said
        assert said.encode()


@pytest.mark.parametrize(
    "keys", [f"{SECRET}", [SECRET], [], ["x" * 16, SECRET], "", [""], {"a": SECRET}, 1]
)
def test_a_key_of_tokens_is_not_shown(keys):
    said = shown({**main(), "token_key": keys})
    assert "token_key" in said
    assert SECRET not in said


def test_keys_of_tokens_are_not_shown_either_when_they_are_right():
    keys = [SECRET * 2, SECRET * 3]
    config = load({**main(), "token_key": keys}, {}, environ={}, read_file=no_file)
    assert list(config.token_keys) == keys
    assert SECRET not in f"{config!r}"
    config = load("fake://a", {"token_key": keys[0]}, environ={}, read_file=no_file)
    assert config.token_keys == (keys[0],)
