"""Programs with a Spark of their own: spark-submit to a cluster, Spark Connect, the
command line.

What they print, what Spark logs and what its pages show is searched for the password.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.live.spark.conftest import PATIENCE, run_on
from tests.live.spark.standalone import BIN, logs, standalone
from tests.live.spark.test_rows import sharded
from tests.support.servers import PASSWORD

pytestmark = PATIENCE

ROWS = 4000
FOUND = f"found {ROWS} {sum(range(4, ROWS + 4))}"
# The three ways to say where the configuration is.
REPORT = """
import sys, urllib.request
from pyspark.sql import SparkSession
from routedb.integrations.spark import Command, register_tables, table

spark = SparkSession.builder.getOrCreate()
whole, masked = sys.argv[1:]
for config in ("shipped.toml", Command(f"cat {whole}"), eval(masked)):
    frame = table(spark, config, "v", partition_rows=500)
    frame.explain("extended")
    print(frame._jdf.queryExecution().toString())
    count, total = frame.selectExpr("count(*)", "sum(id)").collect()[0]
    print("found", count, total, flush=True)
try:
    table(spark, "shipped.toml", "bad").collect()
except Exception as exc:
    print("refused", exc, flush=True)
names = register_tables(spark, "shipped.toml", ["v"])
print("views", names, spark.sql("SELECT count(*) FROM v").collect()[0][0])
for page in ("environment/", "executors/", "stages/", "SQL/", "SQL/execution/?id=0",
             "jobs/", "stages/stage/?id=0&attempt=0"):
    with urllib.request.urlopen(f"{spark.sparkContext.uiWebUrl}/{page}") as answer:
        print("page", page, answer.read().decode())
spark.stop()
"""
CONNECTED = """
import sys
from pyspark.sql import SparkSession
from routedb.integrations.spark import register_tables, sql, table

spark = SparkSession.builder.remote("local[2]").getOrCreate()
config = sys.argv[1]
frame = table(spark, config, "v", partition_rows=500)
count, total = frame.selectExpr("count(*)", "sum(id)").collect()[0]
print("found", count, total, type(spark).__module__, flush=True)
print("views", register_tables(spark, config, ["v"]))
print("sql", sql(spark, config, "SELECT max(id) FROM v").collect()[0][0])
rows = spark.range(100_000, 100_100).selectExpr("id", "'new' AS t")
for _ in range(2):
    rows.write.format("routedb").mode("append").options(
        config=config, table="v", load_id="once").save()
print("written", table(spark, config, "v").where("id >= 100000").count())
frame.explain("extended")
spark.stop()
"""


@pytest.fixture
def path(shards, written):
    """Four shards with a table of rows, and one with a value that Spark has not."""
    for number, dsn in enumerate(shards):
        run_on(
            dsn,
            "CREATE TABLE v (id bigint PRIMARY KEY, t text)",
            f"INSERT INTO v SELECT 4 * n + {number}, 'row ' || n "
            f"FROM generate_series(1, {ROWS // 4}) n",
            "CREATE TABLE bad (id bigint PRIMARY KEY, n numeric)",
            f"INSERT INTO bad VALUES ({number}, 'NaN')",
        )
    rules = sharded(shards, "v")
    return written(rules + rules.splitlines()[-1].replace('"v"', '"bad"') + "\n")


def program(folder: Path, text: str) -> str:
    path = folder / "report.py"
    path.write_text(text, encoding="utf-8")
    return str(path)


def run(argv: list[str], folder: Path, **environ: str) -> str:
    """Run a program in `folder`; return all it has printed."""
    given = {
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_LOCAL_DIRS": str(folder / "local"),
    }
    done = subprocess.run(
        argv,
        cwd=folder,
        env=os.environ | given | environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=1500,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_a_program_on_a_cluster_shows_no_password_anywhere(path, shards, tmp_path):
    """The workers have it in their environment, and the driver in its own."""
    shipped = tmp_path / "shipped.toml"
    shipped.write_text(Path(path).read_text(encoding="utf-8"), encoding="utf-8")
    folders = [tmp_path / name for name in ("events", "ran", "cluster")]
    for folder in folders:
        folder.mkdir()
    events, ran, cluster = folders
    submit = [
        *(str(BIN / "spark-submit"), "--files", str(shipped)),
        *("--executor-cores", "1", "--executor-memory", "512m"),
        *("--conf", "spark.eventLog.enabled=true"),
        *("--conf", f"spark.eventLog.dir=file:{events}"),
        *("--conf", "spark.log.level=INFO"),
        *("--conf", "spark.eventLog.compress=false"),
    ]
    argv = [program(tmp_path, REPORT), path, repr(referred(shards))]
    with standalone(cluster, SHOP_PASSWORD=PASSWORD) as url:
        said = run([*submit, "--master", url, *argv], ran, SHOP_PASSWORD=PASSWORD)
    assert said.count(FOUND) == 3, said
    assert f"views ['v'] {ROWS}" in said
    assert "DataError: table bad, node 127.0.0.1" in said
    logged = events.rglob("events_*")  # there are checksums beside them
    events_text = "".join(file.read_text(encoding="utf-8") for file in logged)
    names = {json.loads(line)["Event"] for line in events_text.splitlines()}
    assert "SparkListenerTaskEnd" in names
    assert "Finished task" in logs(cluster)  # of executors
    for text in (said, events_text, logs(cluster)):
        assert PASSWORD not in text


def referred(shards: list[str]) -> dict[str, Any]:
    """The same configuration as a mapping, whose password is in the environment."""
    nodes = [[dsn.replace(PASSWORD, "${SHOP_PASSWORD}")] for dsn in shards]
    rule = {"database": "all", "shard_key": "id", "function": "modulo"}
    return {"databases": {"all": {"shards": nodes}}, "tables": {"v": rule}}


def test_the_same_by_spark_connect(path, tmp_path):
    said = run([sys.executable, program(tmp_path, CONNECTED), path], tmp_path)
    assert f"{FOUND} pyspark.sql.connect" in said
    assert "views ['v']" in said
    assert f"sql {ROWS + 3}" in said
    assert "written 100" in said
    assert PASSWORD not in said


def test_the_command_line_runs_queries_in_spark(path, tmp_path):
    argv = [sys.executable, "-m", "routedb", "sql", "--engine", "spark", path]
    texts = ["-c", "SELECT count(*), sum(id) FROM v", "-c", "SELECT avg(id) FROM v"]
    said = run([*argv, *texts], tmp_path)
    assert str(sum(range(4, ROWS + 4))) in said
    assert said.count("Spark's types and semantics") == 2
    assert PASSWORD not in said
