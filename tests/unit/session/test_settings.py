"""The replay log: what a link opened now, or used again, must still run."""

from __future__ import annotations

from routedb.session.settings_log import Clear, Setting, SettingsLog

PG, MY = "postgresql", "mysql"


def texts(settings, engine=PG, seen=-1, database="main"):
    return [s.sql for s in settings.since(engine, database, seen)]


def a_set(name, value, engine=PG, database=None):
    return Setting(engine, f"SET {name} = {value}", None, (name,), database)


def test_a_new_link_runs_all_settings_of_its_engine_in_order():
    settings = SettingsLog()
    for setting in (a_set("a", 1), a_set("b", 2), a_set("c", 3, MY)):
        settings.add(setting, transactional=False)
    assert texts(settings) == ["SET a = 1", "SET b = 2"]
    assert texts(settings, MY) == ["SET c = 3"]


def test_a_link_that_has_seen_a_version_runs_only_what_came_after():
    settings = SettingsLog()
    settings.add(a_set("a", 1), transactional=False)
    seen = settings.version
    settings.add(a_set("b", 2), transactional=False)
    assert texts(settings, seen=seen) == ["SET b = 2"]


def test_setting_a_name_again_replaces_the_earlier_text():
    settings = SettingsLog()
    for value in range(1000):
        settings.add(a_set("a", value), transactional=False)
    assert texts(settings) == ["SET a = 999"]


def test_a_text_that_sets_nobody_knows_what_is_kept():
    settings = SettingsLog()
    settings.add(Setting(PG, "SELECT f()", None, ("*",)), transactional=False)
    settings.add(Setting(PG, "SELECT g()", None, ("*",)), transactional=False)
    assert texts(settings) == ["SELECT f()", "SELECT g()"]


def test_a_transactional_setting_counts_from_the_commit_on():
    settings = SettingsLog()
    settings.add(a_set("a", 1), transactional=True)
    assert texts(settings) == []
    settings.commit()
    assert texts(settings) == ["SET a = 1"]


def test_rollback_drops_what_the_transaction_set():
    settings = SettingsLog()
    settings.add(a_set("a", 1), transactional=True)
    settings.rollback()
    settings.commit()
    assert texts(settings) == []


def test_rollback_to_a_savepoint_drops_what_was_set_since():
    settings = SettingsLog()
    settings.add(a_set("a", 1), transactional=True)
    settings.uncommitted.savepoint("s")
    settings.add(a_set("b", 2), transactional=True)
    settings.uncommitted.rollback_to("s")
    settings.add(a_set("c", 3), transactional=True)
    settings.commit()
    assert texts(settings) == ["SET a = 1", "SET c = 3"]


def test_discard_reaches_old_links_and_is_nothing_to_new_ones():
    settings = SettingsLog()
    settings.add(a_set("a", 1), transactional=False)
    seen = settings.version
    settings.clear(Clear(PG, "DISCARD ALL"))
    settings.add(a_set("b", 2), transactional=False)
    assert texts(settings, seen=seen) == ["DISCARD ALL", "SET b = 2"]
    assert texts(settings) == ["SET b = 2"]


def test_reset_all_keeps_the_role():
    settings = SettingsLog()
    settings.add(a_set("role", "app"), transactional=False)
    settings.add(a_set("a", 1), transactional=False)
    settings.clear(Clear(PG, "RESET ALL", frozenset({"role"})))
    assert texts(settings) == ["SET role = app"]


def test_a_setting_of_one_database_stays_there():
    settings = SettingsLog()
    settings.add(a_set("schema", "x", MY, "crm"), transactional=False)
    assert texts(settings, MY, database="crm") == ["SET schema = x"]
    assert texts(settings, MY, database="main") == []
