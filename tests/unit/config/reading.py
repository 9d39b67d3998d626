"""What the tests of the configuration share: a shop's file, and how it is loaded."""

from __future__ import annotations

from routedb.config import load

SHOP = """
default = "main"

[databases.main]
nodes = [
  "postgresql://app:${PW}@db1/shop",
  { dsn = "postgresql://db2/shop", weight = 2 },
]
reads = "replica"
consistency = "process"
max_lag = "500ms"

[databases.crm]
nodes = ["mysql://old1/crm"]
read_only = true
connect_timeout = 2

[databases.orders]
shards = [["postgresql://a1/o", "postgresql://a2/o"], "postgresql://b1/o"]
failover_timeout = "2m"
commit_check = true

[tables]
"crm_*" = "crm"
"orders" = { database = "orders", shard_key = "Customer_id" }
[tables."sales.items"]
database = "orders"
shard_key = "id"
function = "range"
bounds = [9]

[tables.countries]
database = "orders"
reference = true

[functions]
my_lookup = "read"
"""


def loaded(source=None, environ=None, files=None, **keywords):
    """Load with an environment and files of the test's own."""
    environ = {"PW": "s3cret"} if environ is None else environ
    return load(
        source, keywords, environ=environ, read_file=lambda p: (files or {})[str(p)]
    )


def shop(**keywords):
    """Load the shop, with keywords of `connect` above it."""
    return loaded("shop.toml", files={"shop.toml": SHOP}, **keywords)


def one(nodes, **options):
    """Write a mapping with one database, `main`."""
    return {"databases": {"main": {"nodes": nodes, **options}}}
