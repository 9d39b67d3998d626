"""Suites of SQL that nobody wrote for routedb: see benchmarks/corpora/.

They are downloaded once, and a suite that cannot be had fails its test. The long tests
take those of whole servers; all of MariaDB's needs an hour, so of its files some.
"""

from __future__ import annotations

import pytest

from benchmarks import corpus
from benchmarks.corpora import mysqltest_scripts, sqlite_scripts
from benchmarks.corpora.at_once import Work, scores
from benchmarks.corpora.compare import Score, compare
from benchmarks.corpora.obtain import File, MissingCorpus, in_folder, obtain
from benchmarks.corpora.psql_scripts import texts as psql_texts
from benchmarks.corpora.quoted_scripts import texts as quoted_texts
from benchmarks.corpora.remembering import Remembering
from benchmarks.corpora.sources import of_checkout
from benchmarks.corpora.sqlite_judge import SQLiteJudge
from benchmarks.corpora.verdict import Verdict
from routedb.sql import Classifier
from tests.support.later import later
from tests.support.servers import MissingServer


def score_of(name, every=1):
    try:
        return corpus.run(name, every=every)
    except MissingCorpus as missing:
        pytest.fail(str(missing), pytrace=False)


@pytest.mark.parametrize(
    ("name", "judged"),
    [
        ("sqlglot-postgresql", 700),
        *later([("sqlglot-identity-sqlite", 60), ("sqlglot-sqlite", 100)]),
        *later([("sqlglot-identity-postgresql", 500)]),
    ],
)
def test_sqlglots_statements_are_what_their_judges_say(name, judged):
    score = score_of(name)
    assert score.judged > judged
    assert score.missed() == []


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "every", "judged"),
    [
        ("postgresql", 1, 40_000),
        ("postgis", 1, 5_000),
        ("sqlite", 1, 40_000),
        ("mariadb", 30, 5_000),
    ],
)
def test_the_suites_of_servers_are_what_their_judges_say(name, every, judged):
    score = score_of(name, every)
    assert score.judged > judged
    assert score.missed() == []


def test_psql_scripts():
    script = b"select 1 \\gset\n\\d x\ncopy a from stdin;\n1;2\n\\.\nselect ';' ;\n"
    assert list(psql_texts(script)) == ["select 1", "copy a from stdin", "select ';'"]


def test_mysqltest_scripts():
    script = b"""
# a comment; of the program
--source include/x.inc
--error 1064
select 1; select ';';
let $a = `select 2`;
eval select $a;
send select 3;
connect (con1,localhost,root,,);
if (`select 4`)
{
  select 5;
}
delimiter //;
create procedure p() begin select 6; end//
delimiter ;//
write_file x;
select 7;
EOF
select 8 # behind it
;
"""
    assert list(mysqltest_scripts.texts(script)) == [
        *("select 1", "select ';'", "select 3", "select 5"),
        "create procedure p() begin select 6; end",
        "select 8 # behind it",
    ]


def test_sqlites_scripts():
    script = b"""
do_execsql_test a-1.0 {
  CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; END; SELECT 'x;';
} {1 {x}}
db eval { SELECT 2 }
"""
    assert list(sqlite_scripts.tcl_texts(script)) == [
        "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; END",
        *("SELECT 'x;'", "SELECT 2"),
    ]


def test_literals_of_a_program():
    program = b"f('SELECT 1;')\nf('select')\nf(2, 'no statement')\n"
    assert list(quoted_texts(program)) == ["SELECT 1"]


JUDGED = {
    "SELECT x FROM a": "read a",
    "INSERT INTO a VALUES (1)": "write a",
    "SELECT changes()": "write -",
    "EXPLAIN DELETE FROM a": "read a",
    "PRAGMA user_version": "read -",
    "PRAGMA user_version = 3": "write -",
    "PRAGMA table_info(a)": "read -",
    "CREATE TABLE b (y)": "write b",
    "SELECT value FROM json_each('[1]')": "read -",
    "WITH n(i) AS (SELECT 1 UNION SELECT i+1 FROM n LIMIT 3) SELECT i FROM n": "read -",
    "SELECT nothing FROM a": "refused",
    "ATTACH 'x' AS y": "refused",
}


@pytest.mark.parametrize(("sql", "expected"), JUDGED.items(), ids=JUDGED)
def test_what_sqlite_says(sql, expected):
    judge = SQLiteJudge()
    judge.start(["CREATE TABLE a (x)"])
    judge.judge("CREATE TABLE a (x)")
    verdict = judge.judge(sql)
    judge.close()
    if verdict is None:
        assert expected == "refused"
    else:
        tables = ",".join(name for _, name in verdict.tables or ()) or "-"
        assert f"{'read' if verdict.is_read else 'write'} {tables}" == expected


def test_a_score_counts_what_differs():
    script = ["CREATE TABLE a (x)", "SELECT x FROM a", "SELECT x FRM a"]
    judge = SQLiteJudge()
    score = compare("mine", Classifier("sqlite"), [script], judge)
    judge.close()
    assert (score.statements, score.refused, score.reads, score.writes) == (3, 1, 1, 1)
    assert score.missed() == []
    score.writes_as_reads.append("DELETE FROM a")
    assert score.missed() == ["1 writes taken for reads, more than 0.0"]


class Counting:
    """A judge that takes each text for a read of no table, and knows what it judged."""

    def __init__(self):
        self.judged = []

    def start(self, script):
        self.judged.append("start")

    def judge(self, text):
        self.judged.append(text)
        return None if "FRM" in text else Verdict(True, None)

    def name(self, schema, name):
        return schema, name

    def close(self):
        self.judged.append("close")


def no_judge():
    raise MissingServer("no server here")


def test_a_judge_is_asked_once_about_statements_of_one_kind():
    kinds = [
        ["SELECT 1, 'a' FROM t -- x", "SELECT 22.5, 'b''c' FROM t # y", "SELECT 3"],
        ["INSERT INTO t VALUES (1, '')", "INSERT INTO t VALUES (1, 'a')"],
        ["SELECT 1 /*!10000 + 2 */", "SELECT 1 /*!99999 + 2 */"],
        ["SELECT a1", "SELECT a2"],
    ]
    counting = Counting()
    judge = Remembering(counting)
    judge.start([])
    for text in kinds[0]:
        assert judge.judge(text) == Verdict(True, None)
    assert judge.judge("SELECT FRM 1") is judge.judge("SELECT FRM 2") is None
    assert counting.judged == ["start", kinds[0][0], kinds[0][2], "SELECT FRM 1"]
    for different in kinds[1:]:
        counting.judged.clear()
        assert [judge.judge(text) for text in different]
        assert counting.judged == different


def test_a_judge_is_asked_again_when_more_than_rows_may_have_changed():
    counting = Counting()
    judge = Remembering(counting)
    texts = ["SELECT 1", "CREATE TABLE t (x int)", "SELECT 2", "SET a = 1", "SELECT 3"]
    for text in texts:
        judge.judge(text)
    judge.start([])
    judge.judge("SELECT 4")
    assert counting.judged == [*texts, "start", "SELECT 4"]
    judge.judge("ALTER FRM t")  # refused, so nothing has changed
    judge.judge("SELECT 5")
    assert counting.judged[-1] == "ALTER FRM t"


@pytest.mark.parametrize("processes", [1, *later([2])])
def test_each_script_is_judged_once_by_whoever_is_free(processes):
    scripts = [[f"SELECT x{n} FROM t", "SELECT FRM"] for n in range(20)]
    work = Work("mine", "mysql", scripts, Counting)
    total = Score("mine")
    for score in scores(work, processes):
        assert (score.statements, score.reads, score.refused) == (2, 1, 1)
        total.add(score)
    assert (total.statements, total.reads, total.refused) == (40, 20, 20)


@pytest.mark.parametrize("processes", [1, *later([2])])
def test_a_server_that_is_missing_is_told(processes):
    work = Work("mine", "mysql", [["SELECT 1"]], no_judge)
    with pytest.raises(MissingServer, match="no server here"):
        list(scores(work, processes))


def test_files_come_from_a_checkout(tmp_path):
    (tmp_path / "test").mkdir()
    (tmp_path / "test" / "select1.test").write_bytes(b"db eval {SELECT 1}")
    (suite,) = of_checkout(tmp_path)
    assert suite.name == "sqlite"
    assert suite.scripts(tmp_path) == [["SELECT 1"]]
    with pytest.raises(MissingCorpus, match="no checkout"):
        of_checkout(tmp_path / "test")
    with pytest.raises(MissingCorpus, match="no folder"):
        in_folder(tmp_path / "nothing", bool)


def test_files_come_by_the_first_way_that_leads_to_them(tmp_path, monkeypatch):
    def refused(folder):
        raise MissingCorpus("the first is not there")

    def led(folder):
        yield File("a/b.sql", b"SELECT 2")
        yield File("c.txt", b"")

    monkeypatch.setattr("benchmarks.corpora.obtain.HOME", tmp_path / "kept")
    for ways in ((refused, led), (refused,)):  # the second time what is kept
        found = obtain("mine", ways, lambda path: path.endswith(".sql"))
        assert found == [File("a/b.sql", b"SELECT 2")]
    with pytest.raises(MissingCorpus, match="not there; there are no such files"):
        obtain("other", (refused, led), lambda path: False)


def test_a_suite_that_cannot_be_had_is_named_and_told_by_the_status(
    monkeypatch, capsys
):
    def run(name, *_):
        if name == "citus":
            raise MissingCorpus("no network")
        return Score(name, statements=1, reads=1)

    monkeypatch.setattr(corpus, "run", run)
    assert corpus.main(["citus", "postgis"]) == 3
    assert "NOT RUN  citus: no network" in capsys.readouterr().out
    assert corpus.main(["postgis"]) == 0


def test_a_bar_that_is_not_met_is_told_by_the_status(monkeypatch, capsys):
    wrong = Score("postgis", reads=1, writes_as_reads=["DELETE FROM a"])

    def run(name, folder, every, processes, tell):
        tell(wrong, 1, 1)
        return wrong

    monkeypatch.setattr(corpus, "run", run)
    assert corpus.main(["postgis", "-v"]) == 1
    shown = capsys.readouterr().out
    assert "postgis writes_as_reads: DELETE FROM a" in shown
    assert "NOT MET  postgis: 1 writes taken for reads" in shown
