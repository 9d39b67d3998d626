"""docs/moving-sqlalchemy.rst: a program moves from MariaDB to PostgreSQL table by
table; what it does is the same before, between and after."""

from __future__ import annotations

import os
import subprocess
import sys
from textwrap import dedent

import pytest

from routedb import move
from tests.docs.documentation import blocks
from tests.docs.readme import ROOT
from tests.live.moving.conftest import open_world

pytestmark = pytest.mark.long

MODELS = """
    from datetime import datetime, timezone
    from sqlalchemy import JSON, DateTime, ForeignKey, String
    from sqlalchemy.dialects import mysql, postgresql
    from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

    class Base(DeclarativeBase):
        pass

    class Item(Base):
        __tablename__ = "item"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str] = mapped_column(String(50), unique=True)
        is_sold: Mapped[bool] = mapped_column(default=False)
        facts = mapped_column(JSON().with_variant(postgresql.JSONB(), "postgresql"))
        parts: Mapped[list["Part"]] = relationship(back_populates="item")

    class Part(Base):
        __tablename__ = "part"
        id: Mapped[int] = mapped_column(primary_key=True)
        item_id: Mapped[int] = mapped_column(ForeignKey("item.id"), index=True)
        at = mapped_column(
            DateTime(timezone=True).with_variant(mysql.DATETIME(fsp=6), "mysql")
        )
        item: Mapped[Item] = relationship(back_populates="parts")

    class Note(Base):
        __tablename__ = "note"
        id: Mapped[int] = mapped_column(primary_key=True)
        said: Mapped[str] = mapped_column(String(200))
"""
USE = """
    import sys, uuid
    from datetime import datetime, timezone
    from sqlalchemy import func, select
    from models import Item, Note, Part
    from placing import Placed

    now = datetime.now(timezone.utc)
    name = uuid.uuid4().hex
    with Placed() as session:
        before = session.scalar(select(func.count()).select_from(Item))
        parts = [Part(at=now), Part(at=now)]
        item = Item(name=name, facts={"a": [1, 2.5]}, parts=parts)
        note = Note(said=name)
        session.add_all([item, note])
        session.commit()
        key = item.id
    with Placed() as session:
        unsold = select(Item).where(Item.is_sold.is_(False), Item.id == key)
        item = session.scalars(unsold).one()
        assert item.facts == {"a": [1, 2.5]}
        assert len(item.parts) == 2
        stamp = item.parts[0].at
        assert stamp.replace(tzinfo=timezone.utc) == now
        item.is_sold = True
        session.delete(item.parts[0])
        session.commit()
        assert session.scalar(select(func.count()).select_from(Item)) == before + 1
        joined = select(Part.id).join(Item).where(Item.name == name)
        assert len(session.scalars(joined).all()) == 1
        noted = select(func.count()).select_from(Note).where(Note.said == name)
        assert session.scalar(noted) == 1
    print(before + 1)
"""


def test_a_program_moves_table_by_table(request, tmp_path):
    with (
        open_world(request, "my-pg") as world,
        request.getfixturevalue("postgresql").database() as scratch,
    ):
        places = {
            "postgresql://app:secret@db1/shop": world.new.writer_dsn,
            "mysql://app:secret@db2/shop": world.old.writer_dsn,
        }
        for block in blocks("moving-sqlalchemy"):
            if block.text.startswith("# "):
                text = block.text
                for written, found in places.items():
                    text = text.replace(written, found)
                named = text.splitlines()[0].removeprefix("# ")
                (tmp_path / named).write_text(text)
        (tmp_path / "models.py").write_text(dedent(MODELS))
        (tmp_path / "use.py").write_text(dedent(USE))

        def python(*words):
            done = subprocess.run(
                [sys.executable, *words],
                cwd=tmp_path,
                capture_output=True,
                text=True,
                env={**os.environ, "PYTHONPATH": f"{ROOT}:{tmp_path}"},
                timeout=100,
                check=False,
            )
            assert done.returncode == 0, done.stdout + done.stderr
            return done.stdout

        made = (
            "from models import Base; from sqlalchemy import create_engine; "
            "Base.metadata.create_all(create_engine({!r}))"
        )
        old = world.old.writer_dsn.replace("mysql://", "mysql+mysqldb://")
        new = scratch.writer_dsn.replace("postgresql://", "postgresql+psycopg2://")
        for dsn in (old, new):
            python("-c", made.format(dsn))
        config = str(tmp_path / "routedb.toml")
        assert python("use.py") == "1\n"
        moves = (("items", ["item", "part"]), ("notes", ["note"]))
        for number, (name, tables) in enumerate(moves):
            chosen = [word for table in tables for word in ("-t", table)]
            dump = ["pg_dump", "--schema-only", "--no-owner", *chosen]
            ddl = subprocess.run(
                [*dump, scratch.writer_dsn], check=True, capture_output=True, text=True
            ).stdout
            move.start(config, name, tables, "main", ddl=ddl)
            assert python("use.py") == f"{2 + 3 * number}\n"
            move.switch(config, name)
            assert python("use.py") == f"{3 + 3 * number}\n"
            move.undo(config, name)
            assert python("use.py") == f"{4 + 3 * number}\n"
            move.abort(config, name)
            again = f"{name} again"
            move.start(config, again, tables, "main", ddl=ddl)
            move.switch(config, again)
            move.finish(config, again)
        assert python("use.py") == "8\n"
        count = "SELECT count(*), max(id) FROM {}"
        assert world.new.execute(count.format("item")) == [(8, 8)]
        assert world.new.execute(count.format("note")) == [(8, 8)]
