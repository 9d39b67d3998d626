"""docs/configuration.rst has every key that is accepted, and no other."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import msgspec
import pytest

from routedb.config import DatabaseConfig, PoolConfig, load
from routedb.config.dsn import parse_dsn
from routedb.config.load import CLUSTER_KEYWORDS
from routedb.config.options import OPTIONS
from routedb.config.schema import ClusterEntry, DatabaseEntry, TableEntry
from routedb.config.shard_functions import FUNCTIONS, KEY_TYPES
from routedb.config.small_entries import MergeEntry, NodeEntry, PoolEntry

PAGE = Path(__file__).parents[3].joinpath("docs/configuration.rst").read_text("utf-8")
HEADINGS: dict[str, type[msgspec.Struct]] = {
    "The top level": ClusterEntry,
    "A database": DatabaseEntry,
    "A node": NodeEntry,
    "A pool": PoolEntry,
    "A merge": MergeEntry,
    "A table rule": TableEntry,
}
CHAPTERS = dict(
    zip(
        re.findall(r"^(.+)\n-{4,}$", PAGE, re.MULTILINE),
        re.split(r"^.+\n-{4,}$", PAGE, flags=re.MULTILINE)[1:],
        strict=True,
    )
)
ROW = re.compile(
    r"^   \* - (.*)\n     -(.*(?:\n       .*)*)\n     -(.*)\n", re.MULTILINE
)


def rows(heading):
    """Return key, type and default of the rows of a chapter's table."""
    found = ROW.findall(CHAPTERS[heading])
    return {key.strip("`"): (kind, default.strip()) for key, kind, default in found[1:]}


@pytest.mark.parametrize("heading", HEADINGS)
def test_every_key_is_documented_and_every_documented_key_exists(heading):
    fields = msgspec.structs.fields(HEADINGS[heading])
    assert set(rows(heading)) == {f.name for f in fields}


@pytest.mark.parametrize("heading", HEADINGS)
def test_every_row_has_an_example(heading):
    table = CHAPTERS[heading].partition("* - key")[2]
    for key in set(rows(heading)) - {"databases", "tables", "references", "functions"}:
        assert re.search(rf"\s``{key} = ", table), key


def test_required_keys_are_called_so():
    for heading, kind in HEADINGS.items():
        required = {f.name for f in msgspec.structs.fields(kind) if f.required}
        said = {
            key for key, (_, default) in rows(heading).items() if default == "required"
        }
        assert said == required


def test_the_defaults_of_a_database_are_those_of_the_code():
    said = {key: rows("A database")[key][1].strip('`"') for key in OPTIONS}
    content = {"nodes": ["fake://a"], **said}
    for flag in ("read_only", "commit_check"):
        content[flag] = said[flag] == "true"
    del content["max_lag"]  # to write it asks for more
    del content["urls"], content["urls_ca"], content["merge"]  # they have none
    source = {"databases": {"main": content}}
    written = load(source, {}, environ={}, read_file=str).databases["main"]
    plain = load("fake://a", {}, environ={}, read_file=str).databases["main"]
    assert written == plain
    assert (
        said["max_lag"]
        == f"{DatabaseConfig.__dataclass_fields__['max_lag_s'].default:g}s"
    )


def test_the_defaults_of_a_pool_are_those_of_the_code():
    said = {
        key: int(default) if default.isdigit() else default
        for key, (_, text) in rows("A pool").items()
        for default in [text.strip('`"')]
    }
    for pool in (said, {}, "on"):
        source = {"databases": {"main": {"nodes": ["fake://a"], "pool": pool}}}
        config = load(source, {}, environ={}, read_file=str)
        assert config.databases["main"].pool == PoolConfig()


@pytest.mark.parametrize(
    ("heading", "key", "words"),
    [
        ("A table rule", "function", FUNCTIONS),
        ("A table rule", "key_type", KEY_TYPES),
    ],
)
def test_the_allowed_words_are_listed(heading, key, words):
    assert tuple(re.findall(r'"(\w+)"', rows(heading)[key][0])) == tuple(words)


def test_keywords_of_connect_are_keys_of_the_file():
    assert set(CLUSTER_KEYWORDS) == set(ClusterEntry.__struct_fields__) - {
        "databases",
        "tables",
        "references",
    }
    assert set(OPTIONS) <= set(DatabaseEntry.__struct_fields__)


def test_the_file_of_the_page_loads():
    [block] = re.findall(r"code-block:: toml\n\n((?:   .*\n|\n)+)", PAGE)
    text = textwrap.dedent(block)
    config = load(
        "page.toml", {}, environ={"CRM_PASSWORD": "x"}, read_file=lambda _: text
    )
    assert list(config.databases) == ["main", "crm", "orders"]


def test_the_dsns_of_the_page_are_read():
    blocks = re.findall(r"code-block:: text\n\n((?:      .*\n)+)", CHAPTERS["DSNs"])
    dsns = [line.strip() for block in blocks for line in block.splitlines()]
    engines = [parse_dsn(dsn.replace("${PW}", "x")).engine for dsn in dsns]
    assert engines == ["postgresql"] * 4 + ["mysql"] * 4 + ["sqlite"] * 4
