"""Which tables SQLAlchemy finds, and what they are, where rules give them several
databases.

Its dialects ask catalogs, and a catalog names no table of the program's: it would be
that of the default database, so that `create_all` made a table twice. Each question
about tables that are named is asked of the database that the rules give them. Lists are
of the tables that are where the rules say, in all databases of the dialect's engine: a
name in a list and a question about it mean the same table, and so does DROP TABLE.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from copy import copy
from typing import Any

from routedb.engine.session import Session
from routedb.integrations.places import place_of, places_of

_HERE: AbstractContextManager[Any] = nullcontext()


def _named(ask: Callable[..., Any], name: str) -> Callable[..., Any]:
    ask.__name__ = name
    ask.__doc__ = "Return what SQLAlchemy's dialect does, of the table's database."
    return ask


def _of_one(name: str) -> Callable[..., Any]:
    """Return the method `name` of a dialect, about one table, asked where that is."""

    def ask(self: Any, connection: Any, table: str, *args: Any, **options: Any) -> Any:
        schema = options.get("schema", args[0] if args else None)
        places = _places(connection, self.engine)
        place = _place(connection, schema, table) if places else None
        place = _told(connection) or (place if place in places else None)
        dialect, block = _dialect(self, connection, place) if place else (self, _HERE)
        with block:
            return getattr(super(Reflection, dialect), name)(
                connection, table, *args, **options
            )

    return _named(ask, name)


def _of_lists(name: str) -> Callable[..., Any]:
    """Return the method `name` of a dialect, which lists tables, without those that
    have a state of ours: who compares the list with a program's would drop them."""

    def ask(self: Any, connection: Any, schema: Any = None, **options: Any) -> Any:
        told = _told(connection)
        places: list[str | None] = [*_places(connection, self.engine)] or [told]
        cache = options.pop("info_cache", {})  # which knows no databases
        found: list[str] = []
        for place in places:
            dialect, block = (
                _dialect(self, connection, place) if place else (self, _HERE)
            )
            options["info_cache"] = cache.setdefault(("routedb", place), {})
            with block:
                listed = getattr(super(Reflection, dialect), name)
                names = listed(connection, schema, **options)
            found += _placed(connection, schema, names, place if not told else None)
        return _foreign(found)

    return _named(ask, name)


def _of_several(name: str) -> Callable[..., Any]:
    """Return the method `name` of PostgreSQL's dialect, about several tables, asked
    where these are."""

    def ask(
        self: Any,
        connection: Any,
        schema: Any = None,
        filter_names: Any = None,
        **options: Any,
    ) -> Any:
        method = getattr(super(SeveralReflection, self), name)
        places = _places(connection, self.engine)
        if not places:
            return method(
                connection, schema=schema, filter_names=filter_names, **options
            )
        options.pop("info_cache", None)
        found: dict[Any, Any] = {}
        for place in places:
            names = filter_names and _placed(connection, schema, filter_names, place)
            if filter_names and not names:
                continue
            with _raw(connection).using(place):
                told = dict(
                    method(connection, schema=schema, filter_names=names, **options)
                )
            known = filter_names or _foreign(key[1] for key in told)
            here = _placed(connection, schema, known, place)
            found |= {key: told[key] for key in told if key[1] in here}
        return found.items()

    return _named(ask, name)


def _has_several(name: str) -> Callable[..., Any]:
    def ask(
        self: Any, connection: Any, table_names: Any, schema: Any = None, **options: Any
    ) -> Any:
        has_table = self.has_table
        return {
            (schema, table): has_table(connection, table, schema=schema, **options)
            for table in table_names
        }.items()

    return _named(ask, name)


class Reflection:
    """The part of a dialect that knows of several databases."""

    engine: str

    has_table = _of_one("has_table")
    has_index = _of_one("has_index")
    get_columns = _of_one("get_columns")
    get_pk_constraint = _of_one("get_pk_constraint")
    get_foreign_keys = _of_one("get_foreign_keys")
    get_indexes = _of_one("get_indexes")
    get_unique_constraints = _of_one("get_unique_constraints")
    get_check_constraints = _of_one("get_check_constraints")
    get_table_comment = _of_one("get_table_comment")
    get_table_options = _of_one("get_table_options")
    get_view_definition = _of_one("get_view_definition")
    get_table_names = _of_lists("get_table_names")
    get_view_names = _of_lists("get_view_names")
    has_multi_table = _has_several("has_multi_table")


class SeveralReflection(Reflection):
    """The same for PostgreSQL's dialect, which asks about many tables at once."""

    get_multi_columns = _of_several("get_multi_columns")
    get_multi_pk_constraint = _of_several("get_multi_pk_constraint")
    get_multi_foreign_keys = _of_several("get_multi_foreign_keys")
    get_multi_indexes = _of_several("get_multi_indexes")
    get_multi_unique_constraints = _of_several("get_multi_unique_constraints")
    get_multi_check_constraints = _of_several("get_multi_check_constraints")
    get_multi_table_comment = _of_several("get_multi_table_comment")
    get_multi_table_options = _of_several("get_multi_table_options")


# -- where -----------------------------------------------------------------------------


def _raw(connection: Any) -> Any:
    """Return the routedb connection of SQLAlchemy's."""
    return connection.connection.dbapi_connection


def _told(connection: Any) -> str | None:
    """Return the database that an execution option names, if one does."""
    name: str | None = connection.get_execution_options().get("routedb_using")
    return name


def _dialect(
    dialect: Any, connection: Any, place: str
) -> tuple[Any, AbstractContextManager[Any]]:
    """Return what asks the database `place`, and a block in which it does so. MySQL's
    qualifies tables with the name of its default database, if it is given none."""
    block: AbstractContextManager[Any] = _raw(connection).using(place)
    if dialect.engine == "mysql":
        config = _raw(connection).session.core.config
        options = config.databases[place].groups[0].nodes[0].options
        dialect = copy(dialect)  # another thread may use it
        dialect.default_schema_name = options.get("database")
    return dialect, block


def _foreign(names: Iterable[str]) -> list[str]:
    """Return those `names` of tables that are none of ours."""
    return [name for name in names if not name.startswith("routedb_")]


def _placed(
    connection: Any, schema: Any, names: Iterable[str], place: str | None
) -> list[str]:
    """Return those `names` of tables that the rules give to `place`; all, without."""
    return [
        name for name in names if not place or _place(connection, schema, name) == place
    ]


def _place(connection: Any, schema: Any, table: str) -> str | None:
    return place_of(_raw(connection).session, schema, table)


def _places(connection: Any, engine: str) -> list[str]:
    """Return the databases whose catalogs tell of tables; none where the program has
    said which, or there is one."""
    session = getattr(_raw(connection), "session", None)
    if not isinstance(session, Session) or _told(connection) is not None:
        return []
    return places_of(session, engine)
