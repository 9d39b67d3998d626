"""SQLAlchemy on routedb: its dialects, and where statements go."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import String, create_engine, exc, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

import routedb
from tests.support.servers import wait_until


class Base(DeclarativeBase):
    pass


class Item(Base):
    __tablename__ = "item"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(50))


@pytest.fixture
def engine_for(request):
    """Make an engine; its connections are closed after the test."""

    def make(*args: Any, **options: Any) -> Any:
        engine = create_engine(*args, **options)
        request.addfinalizer(engine.dispose)
        return engine

    return make


@pytest.fixture
def files(sqlite_dir):
    """A configuration of two databases; `main` has a replica that tells itself by its
    row. Returns the path of the file."""
    rows = {"shop": "writer", "copy": "replica", "old": "archive"}
    for name, row in rows.items():
        with closing(sqlite3.connect(sqlite_dir / f"{name}.db")) as db, db:
            db.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT)")
            db.execute("INSERT INTO item (name) VALUES (?)", (row,))
    path = sqlite_dir / "routedb.toml"
    path.write_text(f"""
        default = "main"
        [databases.main]
        nodes = [
            "sqlite:///{sqlite_dir}/shop.db", "sqlite:///{sqlite_dir}/copy.db?mode=ro"
        ]
        consistency = "eventual"
        [databases.archive]
        nodes = ["sqlite:///{sqlite_dir}/old.db"]
    """)
    return path


def settled(engine):
    """Wait until an engine's replica is known to be one, and return the engine."""
    with engine.connect() as connection:
        core = connection.connection.dbapi_connection.session.core
        main = next(g.id for g in core.config.groups if g.database == "main")
        wait_until(lambda: core.topology.groups[main].read_ring, "a replica is known")
    return engine


NAME = text("SELECT name FROM item")


def urls(path):
    return [
        (f"routedb:///{path}", {}),
        ("routedb://", {"source": str(path)}),
        ("routedb+sqlite://", {"source": str(path)}),
    ]


@pytest.mark.parametrize("way", [0, 1, 2])
def test_a_file_names_the_dialect_and_the_servers(files, engine_for, way):
    url, given = urls(files)[way]
    engine = engine_for(url, connect_args=given)
    assert (engine.dialect.name, engine.dialect.paramstyle) == ("sqlite", "qmark")
    with engine.connect() as connection:
        assert isinstance(connection.connection.dbapi_connection, routedb.Connection)
        assert connection.scalar(NAME) == "writer"


def test_without_a_path_the_environment_names_the_configuration(
    files, engine_for, monkeypatch
):
    monkeypatch.setenv("ROUTEDB_CONFIG", str(files))
    with engine_for("routedb://").connect() as connection:
        assert connection.scalar(NAME) == "writer"


AIMS = [
    ({}, "writer"),
    ({"routedb_role": "replica"}, "replica"),
    ({"routedb_role": "writer"}, "writer"),
    ({"routedb_using": "archive"}, "archive"),
    ({"routedb_using": "main", "routedb_role": "replica"}, "replica"),
]


@pytest.mark.parametrize(("options", "found"), AIMS)
def test_execution_options_of_a_statement_route_it(files, engine_for, options, found):
    with settled(engine_for(f"routedb:///{files}")).connect() as connection:
        assert connection.execute(NAME.execution_options(**options)).scalar() == found


@pytest.mark.parametrize(("options", "found"), AIMS)
def test_execution_options_of_a_connection_route_all(files, engine_for, options, found):
    engine = settled(engine_for(f"routedb:///{files}"))
    with engine.connect().execution_options(**options) as connection:
        assert connection.scalar(NAME) == found
    with engine.connect() as connection:  # the pool's connection forgets them
        assert connection.scalar(NAME) == "writer"


def test_execution_options_of_an_engine_route_all(files, engine_for):
    engine = engine_for("routedb://", connect_args={"source": str(files)})
    with engine.execution_options(routedb_using="archive").connect() as connection:
        assert connection.scalar(NAME) == "archive"


def test_options_of_the_dialect_are_taken(files, engine_for):
    given = {"source": str(files)}
    engine = engine_for("routedb://", connect_args=given, json_serializer=repr)
    assert engine.dialect._json_serializer is repr


def test_execution_options_reach_the_orm(files, engine_for):
    with Session(engine_for(f"routedb:///{files}")) as session:
        found = session.get(Item, 1, execution_options={"routedb_using": "archive"})
        assert found is not None
        assert found.name == "archive"


def test_in_autocommit_reads_go_to_replicas(files, engine_for):
    engine = engine_for(f"routedb:///{files}", isolation_level="AUTOCOMMIT")
    with settled(engine).connect() as connection:
        assert connection.scalar(NAME) == "replica"


def test_options_of_a_database_may_stand_in_the_url(files, engine_for):
    engine = engine_for(
        f"routedb:///{files}?reads=writer", isolation_level="AUTOCOMMIT"
    )
    with settled(engine).connect() as connection:
        assert connection.scalar(NAME) == "writer"


def test_an_unknown_database_is_an_error_of_sqlalchemy(files, engine_for):
    aimed = NAME.execution_options(routedb_using="nowhere")
    with (
        engine_for(f"routedb:///{files}").connect() as connection,
        pytest.raises(exc.ProgrammingError, match=r"using\('nowhere'\)"),
    ):
        connection.execute(aimed)


def test_an_engine_that_sqlalchemy_does_not_know_is_refused():
    with pytest.raises(routedb.ConfigError, match="no dialect for fake"):
        create_engine("routedb://", connect_args={"source": "fake://a"})


def test_the_orm_writes_and_reads_sqlite_files(sqlite_dir, engine_for):
    engine = engine_for(f"routedb+sqlite:///{sqlite_dir}/a%20b.db")
    Base.metadata.create_all(engine)
    write_and_read(engine)
    with Session(engine) as session:
        found = session.scalars(text("SELECT name FROM item WHERE name LIKE '%s'"))
        assert found.all() == ["pins"]


def write_and_read(engine):
    with Session(engine) as session, session.begin():
        session.add_all([Item(id=1, name="pin"), Item(id=2, name="x")])
    with Session(engine) as session:
        session.query(Item).filter_by(id=1).one().name = "pins"
        session.delete(session.query(Item).filter_by(id=2).one())
        session.commit()
        assert [(item.id, item.name) for item in session.query(Item)] == [(1, "pins")]


def test_a_failed_statement_is_sqlalchemy_s_error_of_both_kinds(files, engine_for):
    with Session(engine_for(f"routedb:///{files}")) as session:
        session.add(Item(id=1, name="again"))
        with pytest.raises(exc.IntegrityError) as caught:
            session.flush()
    assert isinstance(caught.value.orig, routedb.IntegrityError)
    assert isinstance(caught.value.orig, sqlite3.IntegrityError)
