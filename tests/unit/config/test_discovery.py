"""`discovery = "patroni"`: what is read, what is refused, how members are reached."""

from __future__ import annotations

import psycopg2.extensions
import pytest

from routedb import errors
from routedb.config import NodeConfig
from routedb.config.discovery import address_of, member_like
from tests.unit.config.reading import loaded, one

DSN = "postgresql://app:s3cret@db1/shop"
URLS = ["http://db1:8008", "https://op:hush@db2:8008/patroni/"]


def discovered(nodes=(DSN,), **options):
    """Load a database whose members Patroni names."""
    options = {"discovery": "patroni", "urls": URLS, **options}
    return loaded(one(list(nodes), **options), environ={}).databases["main"]


def first(dsn) -> NodeConfig:
    return discovered([dsn]).groups[0].nodes[0]


def test_urls_and_certificates_are_read():
    database = discovered(urls_ca="/etc/ca.pem")
    assert database.discovery is not None
    assert database.discovery.urls == tuple(URLS)
    assert database.discovery.ca == "/etc/ca.pem"
    [group] = database.groups
    assert (group.is_discovered, group.is_single) == (True, False)


def test_keywords_of_connect_do_as_well():
    database = loaded(DSN, discovery="patroni", urls=URLS).databases["main"]
    assert database == discovered()


def test_the_members_are_the_nodes_unless_said_otherwise():
    database = loaded(one([DSN], discovery="nodes")).databases["main"]
    assert database.discovery is None
    assert database.groups[0].is_single


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"discovery": "consul"}, "discovery: allowed are nodes, patroni; found 'con"),
        ({"urls": None}, "discovery: needs the addresses of Patroni: urls = ["),
        ({"urls": []}, "urls: expected a list of addresses"),
        ({"urls": "http://db1:8008"}, "urls: expected a list; found 'http://db1:8008'"),
        ({"urls": ["db1:8008"]}, "urls[0]: expected the address of one Patroni"),
        ({"urls": ["ftp://db1"]}, "urls[0]: expected the address of one Patroni"),
        ({"urls": ["http://"]}, "urls[0]: expected the address of one Patroni"),
        ({"urls": ["http://a,b:1"]}, "urls[0]: expected the address of one Patroni"),
        ({"urls": ["http://a", "http://b:0"]}, "urls[1]: expected the address of one"),
        ({"urls": ["http://a:hush@b@c"]}, "urls[0]: expected the address of one"),
        ({"urls": ["http://a?x=1"]}, "urls[0]: expected the address of one Patroni"),
        ({"discovery": "nodes"}, 'urls: is for discovery = "patroni"'),
        ({"urls_ca": ""}, "urls_ca: expected the path of a file"),
        ({"nodes": ["sqlite:///a.db"]}, "discovery: Patroni runs PostgreSQL; found sq"),
        ({"nodes": [DSN, "postgresql:///x"]}, "nodes[1]: names no host; write the DSN"),
        ({"nodes": []}, "nodes: is empty; a group has at least one node"),
        (
            {"nodes": None, "shards": [DSN]},
            "discovery: members are discovered of a dat",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(options, text):
    nodes = options.pop("nodes", [DSN])
    content = {"nodes": nodes, "discovery": "patroni", "urls": URLS, **options}
    content = {key: value for key, value in content.items() if value is not None}
    with pytest.raises(errors.ConfigError) as caught:
        loaded({"databases": {"main": content}}, environ={})
    assert text in str(caught.value)
    assert "hush" not in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_wrong_keyword_is_called_a_keyword():
    with pytest.raises(errors.ConfigError, match=r"^connect\(\): discovery: needs"):
        loaded(DSN, discovery="patroni")


@pytest.mark.parametrize(
    ("dsn", "address"),
    [
        (DSN, ("db1", 5432)),
        ("postgresql://db1:5433/shop", ("db1", 5433)),
        ("postgresql://[::1]:5433/shop", ("::1", 5433)),
        ("host=db1 port=6000 dbname=shop", ("db1", 6000)),
        ("hostaddr=10.0.0.1 dbname=shop", ("10.0.0.1", 5432)),
        ("postgresql://db1,db2/shop", ("db1", 5432)),
        ("service=shop", None),
    ],
)
def test_a_node_is_known_by_its_address(dsn, address):
    assert address_of(first(dsn)) == address


@pytest.mark.parametrize(
    ("dsn", "reached"),
    [
        (DSN, "user=app password=s3cret dbname=shop host=db9 port=5499"),
        (
            "postgresql://app@db1,db2/shop?target_session_attrs=read-write",
            "user=app dbname=shop host=db9 port=5499",
        ),
        (
            "host=db1 hostaddr=10.0.0.1 dbname='my shop' sslmode=require",
            "host=db9 port=5499 dbname='my shop' sslmode=require",
        ),
        ("service=shop port=1", "host=db9 port=5499 service=shop"),
    ],
)
def test_a_member_is_reached_as_the_first_node_is(dsn, reached):
    node = member_like(first(dsn), 7, "db9", 5499, ())
    parse, make = psycopg2.extensions.parse_dsn, psycopg2.extensions.make_dsn
    given = parse(make(node.dsn, **node.options))
    assert {key: value for key, value in given.items() if value} == {
        **{key: value for key, value in parse(reached).items() if value},
        "target_session_attrs": "any",
    }
    assert (node.id, node.group, node.database) == (7, 0, "main")
    assert "s3cret" not in repr(node)


def test_a_member_has_a_name_of_its_own():
    node = first(DSN)
    assert member_like(node, 1, "db9", 5499, ()).name == "db9:5499/shop"
    assert member_like(node, 1, "::1", 5499, ()).name == "[::1]:5499/shop"
    taken = {"db9:5499/shop"}
    assert member_like(node, 1, "db9", 5499, taken).name == "db9:5499/shop #2"
