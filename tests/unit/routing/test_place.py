"""From tables to a database, or to a refusal that names what is missing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from routedb import errors
from routedb.config.model import TableRule
from routedb.routing import Reason, Rules, find_placement
from routedb.sql.statement import Hints, Kind, Statement, Table

from .cluster import cluster, rule


def read(*tables, **facts):
    named = tuple(Table(*t) if isinstance(t, tuple) else Table(None, t) for t in tables)
    return Statement(Kind.READ, "SELECT", read_only=True, tables=named, **facts)


def write(*tables, **facts):
    named = tuple(Table(None, t) for t in tables)
    return Statement(Kind.WRITE, "INSERT", tables=named, writes=named, **facts)


RULES = (
    rule("crm_*", "crm"),
    rule("old.*", "archive", schema="old"),
    rule("orders", "orders", shard_key="customer_id"),
    rule("countries", "orders", is_reference=True),
)


def placed(statement, using=None, **options):
    return find_placement(statement, Rules(cluster(RULES, **options)), using)


@pytest.mark.parametrize(
    ("statement", "using", "database", "reason"),
    [
        (read("crm_people"), None, "crm", Reason.TABLE),
        (read("people"), None, "main", Reason.DEFAULT),
        (read(("old", "people")), None, "archive", Reason.TABLE),
        (read(("new", "people")), None, "main", Reason.DEFAULT),
        (read(), None, None, Reason.DEFAULT),
        (read("pg_class", ("information_schema", "t")), None, None, Reason.DEFAULT),
        (read("pg_class", "crm_people"), None, "crm", Reason.TABLE),
        (read("crm_people"), "archive", "archive", Reason.USING_DATABASE),
        (
            read("crm_people", hints=Hints(database="archive")),
            "main",
            "archive",
            Reason.HINT_DATABASE,
        ),
        (read("people", "crm_people"), "archive", "archive", Reason.USING_DATABASE),
        (read("orders", "countries"), None, "orders", Reason.TABLE),
    ],
)
def test_a_statement_has_the_database_and_the_reason(
    statement, using, database, reason
):
    placement = placed(statement, using)
    assert (placement.database, placement.reason) == (database, reason)


def test_sharded_tables_come_with_their_rules():
    placement = placed(read("orders", "countries"))
    assert [r.shard_key for r in placement.sharded.values()] == ["customer_id", None]
    assert placement.unruled == ()


def test_a_table_that_using_sends_to_a_sharded_database_is_unruled_there():
    placement = placed(read("people"), "orders")
    assert placement.unruled == (Table(None, "people"),)


@pytest.mark.parametrize(
    ("statement", "error", "fragments"),
    [
        (
            read("people", "crm_people"),
            errors.CrossDatabaseError,
            ["people is in main", "crm_people is in crm", "using"],
        ),
        (
            write("crm_people"),
            errors.ReadOnlyError,
            ["INSERT on crm_people", "database crm", "read_only"],
        ),
        (
            read("people", hints=Hints(database="nowhere")),
            errors.HintError,
            ["nowhere", "main, crm, archive, orders"],
        ),
        (
            read("people", hints=Hints(unknown=("databse=x",))),
            errors.HintError,
            ["databse=x", "database="],
        ),
    ],
)
def test_a_refusal_says_what_was_asked_and_what_to_do(statement, error, fragments):
    with pytest.raises(error) as caught:
        placed(statement)
    assert all(fragment in str(caught.value) for fragment in fragments)


UNKNOWN = Statement(Kind.UNKNOWN, "", reason="'NOVELTY' begins no statement")


def test_what_cannot_be_read_is_refused_where_a_rule_may_be_for_its_tables():
    with pytest.raises(errors.UnknownTableError) as caught:
        placed(UNKNOWN)
    said = str(caught.value)
    for fragment in ("'NOVELTY'", "archive, crm, orders", "using", "database="):
        assert fragment in said


def test_what_cannot_be_read_runs_where_it_is_sent():
    assert placed(UNKNOWN, using="archive").database == "archive"
    hinted = replace(UNKNOWN, hints=Hints(database="archive"))
    assert placed(hinted).database == "archive"


@pytest.mark.parametrize("rules", [(), (rule("a_*", "main"), rule("b", "main"))])
def test_what_cannot_be_read_runs_where_all_tables_are_in_one_database(rules):
    assert find_placement(UNKNOWN, Rules(cluster(rules)), None).database is None


def test_without_a_default_an_unlisted_table_is_an_error():
    with pytest.raises(errors.UnknownTableError, match="people"):
        placed(read("people"), default=None)


def test_ignored_hints_change_nothing():
    statement = read("people", hints=Hints(database="nowhere", unknown=("x",)))
    assert placed(statement, hints=False).database == "main"


@pytest.mark.parametrize(
    "kind", [Kind.WRITE, Kind.DDL, Kind.CALL, Kind.UNKNOWN, Kind.LOCK, Kind.COPY]
)
def test_a_read_only_database_runs_nothing_that_may_write(kind):
    statement = Statement(kind, "X", tables=(Table(None, "crm_people"),))
    with pytest.raises(errors.ReadOnlyError):
        placed(statement, using="crm")


def test_the_first_rule_that_matches_wins():
    rules = Rules(cluster((rule("crm_old_*", "archive"), rule("crm_*", "crm"))))
    found = [rules.rule_for(Table(None, t)) for t in ("crm_old_x", "crm_x", "x")]
    homes = [each and each.database for each in found]
    assert homes == ["archive", "crm", None]


def test_a_rule_for_a_long_name_is_cut_as_postgresql_cuts_that_of_the_text():
    rules = Rules(cluster((rule("é" * 40, "crm"), rule("n" * 70, "archive"))))
    found = [rules.rule_for(Table(None, name)) for name in ("é" * 31, "n" * 63, "n")]
    assert [r.database if r else None for r in found] == ["crm", "archive", None]


def test_a_rule_matches_whole_names_only():
    rules = Rules(cluster((TableRule("order", None, "order", "archive"),)))
    assert rules.rule_for(Table(None, "orders")) is None
