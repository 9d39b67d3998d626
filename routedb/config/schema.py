"""The shape of a configuration, as msgspec checks it. Imported when a file is read.

Every class is a table of the file; an unknown key is an error. What goes beyond types
(allowed words, durations, rules that shadow one another) is checked where it is used.

The text under a key is its documentation: `docs/draw_keys.py` writes the tables of
docs/configuration.rst from it. Type, allowed words and default are taken from the code;
`:type:` and `:default:` say what the code cannot.
"""

from __future__ import annotations

import re
from typing import Any, NoReturn

import msgspec

from routedb.config.document import Document, Path, suggest
from routedb.config.small_entries import MergeEntry, NodeEntry, PoolEntry

Nodes = list[str | NodeEntry]
Duration = str | float | None


class DatabaseEntry(msgspec.Struct, forbid_unknown_fields=True):
    """One table under [databases]."""

    nodes: Nodes | None = None
    """One group: a writer and its replicas: ``nodes = ["sqlite:///shop.db"]``

    :type: list of nodes
    """

    shards: list[str | NodeEntry | Nodes] | None = None
    """One group for each shard; a shard of one node may stand without its list:
    ``shards = ["fake://a", ["fake://b", "fake://c"]]``

    :type: list of lists of nodes
    """

    reads: str | None = None
    """Where plain reads go: ``reads = "writer"``"""

    consistency: str | None = None
    """``session``: a connection reads its own writes. ``process``: and those of all
    connections of this process. ``eventual``: a replica may lack them. ``strong``: the
    writer reads. See :doc:`consistency`: ``consistency = "process"``"""

    read_only: bool | None = None
    """Refuse everything that is not certainly a read: ``read_only = true``"""

    transaction_reads: str | None = None
    """``replica``: reads before the first write of a READ COMMITTED transaction may use
    a replica, a weaker promise: ``transaction_reads = "replica"``"""

    begin: str | None = None
    """``with-statement``: the BEGIN of a transaction goes to PostgreSQL in one message
    with its first statement, which saves a round trip; see :doc:`transactions`:
    ``begin = "with-statement"``"""

    max_lag: Duration = None
    """A replica further behind is not read. When the key is written, one whose lag
    is not known is not read either: ``max_lag = "500ms"``

    :type: duration or ``"off"``
    """

    connect_timeout: Duration = None
    """Bounds opening one link: ``connect_timeout = "2s"``"""

    failover_timeout: Duration = None
    """Bounds all waiting of one call for a node: ``failover_timeout = "1m"``"""

    retry_after: Duration = None
    """A dead node is tried again after this: ``retry_after = "500ms"``"""

    commit_check: bool | None = None
    """PostgreSQL only. After a commit whose answer was lost, ask what became of it, at
    one short query before the commit of each transaction that wrote (see
    :doc:`outcomes`): ``commit_check = true``"""

    keepalive: Duration = None
    """A line on which nothing has come for so long is probed; one that stays silent for
    as long again is dead (:doc:`pool`): ``keepalive = "10s"``

    :type: duration or ``"off"``
    """

    max_age: Duration = None
    """A link that is older is replaced while it is idle (:doc:`pool`):
    ``max_age = "1h"``

    :type: duration or ``"off"``
    """

    pool: str | PoolEntry | None = None
    """A pool of links for each node (:doc:`pool`); ``"on"`` is a table of defaults:
    ``pool = { max = 20, wait_timeout = "5s" }``

    :type: table, ``"on"`` or ``"off"``
    :default: ``"off"``
    """

    merge: MergeEntry | None = None
    """What statements over several groups may take that read this database; with
    several databases the least of each counts (:doc:`explain`):
    ``merge = { max_bytes = "1GB", timeout = "30s" }``

    :type: table
    :default: empty
    """

    options: dict[str, Any] | None = None
    """Keywords for the driver of each node: ``options = { charset = "utf8mb4" }``

    :default: empty
    """

    discovery: str | None = None
    """The members: ``nodes``, for good, or those that Patroni names (see
    :doc:`patroni`): ``discovery = "patroni"``

    :default: ``"nodes"``
    """

    urls: list[str] | None = None
    """Where Patroni is asked; required with ``discovery = "patroni"``:
    ``urls = ["http://db1:8008", "http://db2:8008"]``"""

    urls_ca: str | None = None
    """The certificates to trust for ``https`` URLs: ``urls_ca = "/etc/ssl/db.pem"``

    :type: path
    :default: those the system trusts
    """


class TableEntry(msgspec.Struct, forbid_unknown_fields=True):
    """One line under [tables], written as a table."""

    database: str
    """The table's home: ``database = "orders"``

    :type: name of a database
    """

    shard_key: str | None = None
    """The column that chooses the shard: ``shard_key = "customer_id"``"""

    reference: bool = False
    """Every shard has a full copy: ``reference = true``"""

    id: str | None = None
    """A column of keys that routedb makes for the rows of INSERTs which leave it out
    (:doc:`ids`): ``id = "id"``
    """

    function: str | None = None
    """How the key chooses: a stable hash, the whole number itself, or as below:
    ``function = "modulo"``

    :default: ``"hash"``; with ``bounds`` ``"range"``, with ``values`` ``"list"``
    """

    key_type: str | None = None
    """The column's type, into which keys are brought first: ``key_type = "uuid"``

    :default: that of each value
    """

    bounds: list[Any] | None = None
    """For ``range``: rising; a shard holds the keys from the bound before it up to its
    own, which is the next one's: ``bounds = [1000, 2000]``

    :type: list, one shorter than the shards
    """

    values: list[list[Any]] | None = None
    """For ``list`` and ``directory``: the keys of each shard:
    ``values = [["de", "at"], ["fr"]]``

    :type: list of lists, one for each shard
    """

    buckets: list[list[Any]] | None = None
    """For ``hash``: the buckets of each shard, of 16,384, as numbers and runs
    (:doc:`sharding`): ``buckets = [["0-8191"], ["8192-16383"]]``

    :type: list of lists, one for each shard
    :default: as many for each, in one run
    """

    otherwise: str | None = None
    """For ``directory``: what is done with a key that it does not have:
    ``otherwise = "refuse"``

    :default: ``"hash"``
    """

    moving: dict[str, Any] | None = None
    """Of a placement, while rows move between the shards (:doc:`moving`), not to be
    written by hand: ``moving = { hidden = "keys", key = ["id"], guard = 7 }``

    :type: table
    """


class ClusterEntry(msgspec.Struct, forbid_unknown_fields=True):
    """The top level. Tables under it are checked one by one, to be named in errors:
    msgspec writes [...] for a key of a dict."""

    databases: dict[str, Any]
    """The databases by name, at least one: ``[databases.main]``

    :type: table of tables
    """

    default: str | None = None
    """Where tables that no rule names live; without it they are refused:
    ``default = "main"``

    :type: name of a database
    :default: none; of one database, that one
    """

    state: str | None = None
    """Where routedb keeps its own tables about the whole cluster, those of placements
    (:doc:`placements`): ``state = "main"``

    :type: name of a database
    :default: ``default``
    """

    dialect: str | None = None
    """How every text is read: ``dialect = "mysql"``

    :default: that of the database
    """

    hints: bool | str = True
    """Whether ``/* routedb: … */`` in a text is obeyed. With ``"using-only"`` none is,
    as with ``false``: only ``conn.using()`` chooses, and no text of a user's can
    (:doc:`routing`): ``hints = "using-only"``

    :type: true, false or ``"using-only"``
    """

    shadow: bool = False
    """Run everything on writers and count where it would have gone, for
    ``routedb.report()`` (:doc:`adoption`): ``shadow = true``"""

    max_shapes: int = 25_000
    """How many shapes of texts are known at most (:doc:`classification`); those used
    most stay, and at most about 64 MB of them: ``max_shapes = 5_000``

    :type: number
    """

    joins: str = "merge"
    """``refuse``: a statement whose rows are on several groups, or in several
    databases, is an error, as it was before such rows were merged (:doc:`explain`):
    ``joins = "refuse"``"""

    foreign_keys: str = "refuse"
    """``record``: a foreign key to a table in another database is left out of the
    definition and recorded, for ``routedb check --references``; ``refuse``: it is an
    error (:doc:`joins`): ``foreign_keys = "record"``"""

    transactions: str = "two-phase"
    """``two-phase``: a transaction may write to several databases and shards, and is
    committed in all of them or in none. ``single``: it writes to one
    (:doc:`two-phase`): ``transactions = "single"``"""

    atomic_reads: bool | str = False
    """``true``: a read over several databases or shards never shows half of a
    transaction over several of them. ``"asked"``: under ``conn.using(atomic=True)``
    alone. All programs that write to these databases need the key
    (:doc:`two-phase`): ``atomic_reads = true``

    :type: true, false or ``"asked"``
    """

    name: str | None = None
    """What prepared branches are called by, the same in all programs that share these
    databases: letters, digits and ``_``, at most 16: ``name = "shop"``

    :default: made of the names of the databases
    """

    decision_retention: Duration = "7d"
    """How long a database remembers what was decided there about transactions over
    several (:doc:`two-phase`): ``decision_retention = "14d"``

    :type: duration
    """

    id_node: int | None = None
    """The number of this process among all that make keys for rows, which no other has,
    from 0 to 1023 (:doc:`ids`): ``id_node = 7``

    :default: borrowed from a table
    """

    token_key: str | list[str] | None = None
    """Sign the tokens of ``connection.token()``, and refuse others
    (:doc:`security`). Of a list the first one signs, and all are accepted:
    ``token_key = "${TOKEN_KEY}"``

    :type: text of 16 bytes or more, or a list of such
    """

    tables: dict[str, Any] = {}
    """The rules, below"""

    references: dict[str, Any] = {}
    """Which rows need one of another table, where no foreign key can say so because the
    tables are in different databases; ``routedb check --references`` finds those that
    have none (:doc:`joins`): ``"orders.customer_id" = "crm_customers.id"``"""

    functions: dict[str, Any] = {}
    """What functions do, above the built-in list: ``"read"`` may run on a replica,
    ``"write"`` needs the writer, ``"session"`` depends on the session:
    ``price_of = "read"``"""


def check_shape(document: Document, top: dict[str, Any]) -> None:
    """Check the types and keys of a whole document. Raises ConfigError.

    `top` is its top level, with the keywords of `connect` that are not a database's.
    """
    _check(document, (), top, ClusterEntry)
    for name, database in top["databases"].items():
        _check(document, ("databases", name), database, DatabaseEntry)
    for pattern, rule in top.get("tables", {}).items():
        if not isinstance(rule, str):
            _check(document, ("tables", pattern), rule, TableEntry)


# What the tables under a key of a database are.
_INSIDE: dict[Path, type] = {
    ("nodes",): NodeEntry,
    ("shards",): NodeEntry,
    ("pool",): PoolEntry,
    ("merge",): MergeEntry,
}

_PLACE = re.compile(r" - at (?:`key` in )?`\$?(?P<path>[^`]*)`")
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")
_UNKNOWN = re.compile(r"contains unknown field `(?P<key>[^`]*)`")
_MISSING = re.compile(r"missing required field `(?P<key>[^`]*)`")
_EXPECTED = re.compile(r"Expected `(?P<types>[^`]*)`")
_WORDS = {  # msgspec's words for types, and TOML's
    "array": "a list",
    "bool": "true or false",
    "float": "a number",
    "int": "a whole number",
    "object": "a table",
    "str": "a string",
}


def _check(document: Document, path: Path, value: object, kind: type) -> None:
    is_text = True
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as exc:
        _refuse(document, path, str(exc), kind)
    except UnicodeEncodeError:
        is_text = False
    if not is_text:  # out of the handler: that exception has the whole text
        document.refuse(path, "has text that is no UTF-8", found=False)


def _refuse(document: Document, path: Path, text: str, kind: type) -> NoReturn:
    place = _PLACE.search(text)
    steps = _STEP.findall(place["path"]) if place else []
    inside: Path = tuple(name or int(number) for name, number in steps)
    unknown = _UNKNOWN.search(text)
    if unknown is not None:
        _refuse_key(document, (*path, *inside), unknown["key"], kind)
    missing = _MISSING.search(text)
    if missing is not None:
        here = (*path, *inside, missing["key"])
        document.refuse(here, "is missing", found=False)
    expected = _EXPECTED.search(text)
    types = expected["types"].split(" | ") if expected else []
    words = [_WORDS.get(name, name) for name in types if name != "null"]
    document.refuse(
        (*path, *inside), f"expected {' or '.join(words)}" if words else text
    )


def _refuse_key(document: Document, path: Path, key: str, kind: type) -> NoReturn:
    fields = msgspec.structs.fields(_INSIDE.get(path[2:3], kind))
    allowed = [field.encode_name for field in fields]
    hint = suggest(key, allowed)
    if kind is ClusterEntry and key in DatabaseEntry.__struct_fields__:
        hint = "; it is an option of a database: write it under [databases.NAME]"
    what = f"no such key; allowed are {', '.join(allowed)}{hint}"
    document.refuse((*path, key), what, found=False)
