"""`routedb check --queries`: each shape of a log, where it would go and why."""

from __future__ import annotations

import pytest

from routedb.cli.dry_run import DryRun, with_values
from routedb.cli.logs import Query
from routedb.runtime import read_config
from routedb.topology.snapshot import Role
from tests.support.rows import rows_of

CONFIG = """
default = "main"

[databases.main]
nodes = ["postgresql://app:s3cret@nowhere1.invalid/x", "postgresql://nowhere2.invalid/x"]

[databases.crm]
nodes = ["postgresql://nowhere3.invalid/x"]
read_only = true

[databases.orders]
shards = ["postgresql://nowhere4.invalid/x", "postgresql://nowhere5.invalid/x"]

[tables]
"crm_*" = "crm"
orders = { database = "orders", shard_key = "id", key_type = "integer" }
"""


@pytest.fixture
def config(tmp_path):
    """A configuration whose servers do not exist."""
    path = tmp_path / "nowhere.toml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


@pytest.fixture
def rehearse(config):
    """Route statements, each a pair of a session and a text; return the lines."""

    def run(*pairs, **options):
        dry_run = DryRun(read_config(config, options))
        return dry_run.run(Query(session, sql) for session, sql in pairs).lines

    return run


R, W = Role.REPLICA, Role.WRITER
WENT = [
    ("SELECT a FROM t", "main", R, "plain read"),
    ("SELECT 1", "main", R, "plain read"),
    ("SELECT a FROM t FOR UPDATE", "main", W, "locks rows"),
    ("SELECT f(a) FROM t", "main", W, "calls f, which no list of functions has"),
    (
        "SELECT a FROM t /* routedb: role=writer */",
        "main",
        W,
        "hint asks for the writer",
    ),
    ("INSERT INTO t VALUES (1)", "main", W, "INSERT writes"),
    ("BEGIN; UPDATE t SET a = 1; COMMIT", "main", W, "BEGIN writes"),
    ("SELECT a FROM crm_people", "crm", W, "the group has one node"),
    (
        "SELECT a FROM orders WHERE id = 7",
        "orders",
        W,
        "by shard key; the group has one node",
    ),
    ("SET work_mem = '1MB'", "main", W, "changes the session"),
]


@pytest.mark.parametrize(("sql", "database", "role", "reason"), WENT)
def test_a_statement_goes_where_the_engine_would_send_it(
    rehearse, sql, database, role, reason
):
    [line] = rehearse(("", sql))
    assert (line.database, line.role, line.reason) == (database, role, reason)


REFUSED = [
    ("SELECT a FROM t, crm_people", "CrossDatabaseError"),
    ("UPDATE crm_people SET a = 1", "ReadOnlyError"),
    ("SELECT a FROM orders", "ShardError"),
    ("SELECT a FROM t /* routedb: role=banana */", "HintError"),
]


@pytest.mark.parametrize(("sql", "refusal"), REFUSED)
def test_a_statement_is_refused_as_the_engine_would_refuse_it(rehearse, sql, refusal):
    [line] = rehearse(("", sql))
    assert (line.refusal, line.database, line.role) == (refusal, None, None)


def test_a_transaction_is_followed_in_each_session(rehearse):
    lines = rehearse(
        *[("1", "BEGIN"), ("2", "SELECT a FROM t"), ("1", "SELECT b FROM t")],
        *[("1", "COMMIT"), ("1", "SELECT c FROM t")],
        *[("2", "BEGIN READ ONLY"), ("2", "SELECT d FROM t"), ("2", "ROLLBACK")],
        *[("3", "BEGIN"), ("3", None), ("3", "SELECT e FROM t")],
    )
    roles = {line.shape[7]: line.role for line in lines}
    assert roles == {"a": R, "b": W, "c": R, "d": R, "e": R}


def test_a_transaction_over_two_databases_is_refused_at_the_second(rehearse, config):
    text = config.read_text("utf-8").replace("read_only = true", "")
    config.write_text(text, encoding="utf-8")
    statements = ["BEGIN", "UPDATE t SET a = 1", "UPDATE crm_people SET a = 1"]
    [refused, fine] = rehearse(*(("1", sql) for sql in [*statements, "COMMIT"]))
    assert (refused.refusal, fine.database) == ("CrossDatabaseError", "main")


def test_replicas_are_thought_to_have_caught_up_between_transactions(rehearse):
    statements = ["UPDATE t SET a = 1", "SELECT a FROM t"]
    lines = rehearse(*(("1", sql) for sql in statements))
    assert {line.role for line in lines} == {R, W}


def test_mysql_s_autocommit_and_implicit_commit_are_followed():
    nodes = {"databases": {"main": {"nodes": ["mysql://a/x", "mysql://b/x"]}}}
    dry_run = DryRun(read_config(nodes, {}))
    statements = ["SET autocommit = 0", "SELECT a FROM t", "CREATE TABLE u (i int)"]
    statements += ["SET autocommit = 1", "SELECT b FROM t"]
    lines = dry_run.run(Query("1", sql) for sql in statements).lines
    roles = {line.shape: line.role for line in lines}
    assert roles["SELECT a FROM t"] is W
    assert roles["SELECT b FROM t"] is R


BOUND = [
    ("SELECT $1, '$1', $2 -- $1", "SELECT 7, '$1', 'a''b' -- $1"),
    ("SELECT $3, $11", "SELECT $3, $11"),
    ("SELECT 1", "SELECT 1"),
]


@pytest.mark.parametrize(("sql", "text"), BOUND)
def test_values_of_a_log_stand_where_the_placeholders_stood(sql, text):
    assert with_values(sql, ((1, "'7'"), (2, "'a''b'"))) == text


def test_a_shard_is_found_by_the_values_of_the_log(config):
    dry_run = DryRun(read_config(config, {}))
    query = Query("1", "SELECT a FROM orders WHERE id = $1", ((1, "'7'"),))
    [line] = dry_run.run([query, query]).lines
    assert (line.database, line.count, line.shape) == ("orders", 2, query.sql)


LOG = """\
SELECT a FROM t WHERE id = 1
BEGIN
UPDATE t SET password = 'hunter2' WHERE id = 1
COMMIT
/* nothing */
SELECT a FROM t WHERE id = 22
"""


def test_the_table_and_the_totals_are_printed(shell, config, tmp_path):
    path = tmp_path / "log"
    path.write_text(LOG, encoding="utf-8")
    result = shell("check", "--queries", path, config)
    assert result.exit_code == 0, result.output
    assert rows_of(result.stdout) == [
        ["2", "main", "replica", "plain read", "SELECT a FROM t WHERE id = ?"],
        *[
            [
                "1",
                "main",
                "writer",
                "UPDATE writes",
                "UPDATE t SET password = ? WHERE id = ?",
            ]
        ],
    ]
    assert result.stdout.splitlines()[-3:] == [
        "3 statements of 2 shapes: 2 (66.7%) replica, 1 (33.3%) writer, "
        "0 (0.0%) refused",
        "databases: 3 (100.0%) main",
        "beside them 2 BEGIN, COMMIT and the like",
    ]
    assert "hunter2" not in result.output


def test_a_refused_statement_comes_first_and_exits_with_1(shell, config):
    given = "SELECT 1\nSELECT 1\nSELECT a FROM t, crm_people\n"
    result = shell("check", "--queries", "-", config, given=given)
    assert result.exit_code == 1
    first, _ = rows_of(result.stdout)
    assert first[1:3] == ["refused", "CrossDatabaseError"]
    assert "t is in main, crm_people is in crm" in first[3]
    assert "1 (33.3%) refused" in result.stdout
    assert "s3cret" not in result.output


def test_the_format_can_be_said(shell, config):
    line = "[1] LOG:  statement: SELECT 1\n"
    words = ("check", config, "--queries", "-")
    [found] = rows_of(shell(*words, given=line).stdout)
    assert found[-1] == "SELECT ?"
    [told] = rows_of(shell(*words, "--format", "lines", given=line).stdout)
    assert told[-1] != "SELECT ?"


def test_bytes_that_are_no_text_do_no_harm(shell, config):
    result = shell("check", config, "--queries", "-", given=b"SELECT '\xff\xfe'\n")
    assert result.exit_code == 0, result.output


def test_a_format_without_a_log_is_refused(shell, config):
    result = shell("check", config, "--format", "mysql")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--queries" in result.stderr


def test_a_log_that_is_not_there_is_told(shell, config):
    result = shell("check", config, "--queries", "missing.log")
    assert result.exit_code == 2
    assert "missing.log" in result.stderr


def test_members_that_patroni_would_name_take_reads():
    source = {"nodes": ["postgresql://a/x"], "urls": ["http://a:8008"]}
    source["discovery"] = "patroni"  # type: ignore[assignment]
    dry_run = DryRun(read_config({"databases": {"main": source}}, {}))
    lines = dry_run.run([Query("1", "SELECT a"), Query("1", "DELETE FROM t")]).lines
    assert {line.shape: line.role for line in lines} == {
        "SELECT a": R,
        "DELETE FROM t": W,
    }
