"""Queries of SQLAlchemy's Core and ORM, each a function of a session."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ForeignKey,
    and_,
    bindparam,
    case,
    cast,
    delete,
    distinct,
    exists,
    extract,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    tuple_,
    types,
    union,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by, array_agg
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    aliased,
    joinedload,
    mapped_column,
    relationship,
    selectinload,
    subqueryload,
)


class Base(DeclarativeBase):
    pass


class Customer(Base):
    __tablename__ = "customer"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    city: Mapped[str | None]
    score: Mapped[int | None]
    joined: Mapped[date | None]
    seen: Mapped[Any] = mapped_column(types.DateTime, nullable=True)
    balance: Mapped[Decimal | None] = mapped_column(types.Numeric(10, 2))
    ratio: Mapped[float | None] = mapped_column(types.Double)
    purchases: Mapped[list[Purchase]] = relationship(
        back_populates="customer", order_by="Purchase.id"
    )


class Purchase(Base):
    __tablename__ = "purchase"
    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    total: Mapped[Decimal] = mapped_column(types.Numeric(10, 2))
    note: Mapped[str | None]
    customer: Mapped[Customer] = relationship(back_populates="purchases")


C, P = Customer, Purchase
Cc, Pp = Customer.__table__.c, Purchase.__table__.c
_other = aliased(Customer)
_sums = (
    select(P.customer_id, func.sum(P.total).label("all"))
    .group_by(P.customer_id)
    .cte("sums")
)
_by_name = select(C.id, C.name).order_by(C.id)
_per = (C.city, func.count(), func.sum(C.score), func.avg(C.score), func.min(C.joined))

# What is selected; rows are compared in their order.
SELECTS: list[Any] = [
    select(C).order_by(C.id),
    select(C.name).where(C.name == "ada").order_by(C.id),
    select(C.name).where(C.name.in_(["Ada", "eve", "Çelik"])).order_by(C.id),
    select(C.id).where(C.name.not_in(["Ada", "Eve"])).order_by(C.id),
    select(C.id).where(C.name != "ADA").order_by(C.id),
    select(C.id).where(C.name < "b").order_by(C.id),
    select(C.id).where(C.name.like("A%")).order_by(C.id),
    select(C.id).where(C.name.ilike("A%")).order_by(C.id),
    select(C.id).where(C.name.contains("%", autoescape=True)).order_by(C.id),
    select(C.id).where(C.name.startswith("e")).order_by(C.id),
    select(C.id).where(C.name.endswith(" ")).order_by(C.id),
    select(C.id).where(C.name.regexp_match("^[A-B]")).order_by(C.id),
    select(C.id).where(C.name == "back\\slash").order_by(C.id),
    select(C.id).where(C.name == "D'Arcy").order_by(C.id),
    select(C.id).where(C.name == "eve").order_by(C.id),
    select(C.id).where(C.city.is_(None)).order_by(C.id),
    select(C.id).where(C.city.is_distinct_from("Oslo")).order_by(C.id),
    select(C.id).where(C.score == 13),
    select(C.id).where(C.score.between(5, 20)).order_by(C.score, C.id),
    select(C.id).where(or_(C.score > 20, C.city == "Rome")).order_by(C.id),
    select(C.id).where(and_(C.id > 3, C.id <= 9)).order_by(C.id.desc()),
    select(C.id).where(~(C.id > 3)).order_by(C.id),
    select(C.id).where(C.joined > date(2021, 1, 1)).order_by(C.joined).limit(3),
    select(C.id).where(C.balance >= Decimal("100.10")).order_by(C.balance),
    select(C.id).where(C.ratio > 2.5).order_by(C.ratio),
    select(C.id).where(tuple_(C.id, C.name).in_([(1, "Ada"), (2, "Ada")])),
    select(C.id).order_by(C.score, C.id),
    select(C.id).order_by(C.score.desc(), C.id),
    select(C.id).order_by(C.score.desc().nulls_last(), C.id),
    select(C.id).order_by(C.score.nulls_first(), C.id).limit(5).offset(2),
    select(C.name).order_by(C.name, C.id),
    select(C.name).distinct().order_by(C.name),
    text("SELECT DISTINCT ON (city) city, name FROM customer ORDER BY city, id"),
    select(*_per).group_by(C.city).order_by(C.city),
    select(C.city).group_by(C.city).having(func.count() > 5).order_by(C.city),
    select(func.count()).select_from(C),
    select(func.count(distinct(C.name)), func.count(C.city)).select_from(C),
    select(func.max(C.name), func.min(C.city)),
    select(func.sum(C.balance), func.avg(C.balance), func.sum(C.score)),
    select(func.string_agg(C.name, literal(",")).filter(C.id < 5)),
    select(func.string_agg(C.name, aggregate_order_by(literal("-"), C.id))),
    select(func.array_to_string(array_agg(aggregate_order_by(C.id, C.id.desc())), ",")),
    select(C.score / 2, C.score // 2, C.score % 5, -C.score).order_by(C.id),
    select(C.balance * 3, C.balance / 7, C.balance + C.score).order_by(C.id),
    select(C.ratio * 2, func.round(C.balance), func.abs(C.score)).order_by(C.id),
    select(cast(C.score, types.String), cast(C.id, types.Float)).order_by(C.id),
    select(cast(C.name, types.String(3)), cast(C.seen, types.Date)).order_by(C.id),
    select(C.name + "!", C.name.concat(C.city)).order_by(C.id),
    select(func.lower(C.name), func.upper(C.city)).order_by(C.id),
    select(func.length(C.name), func.char_length(C.name)).order_by(C.id),
    select(func.substring(C.name, 2, 3), func.trim(C.name)).order_by(C.id),
    select(func.replace(C.name, "a", "-"), func.left(C.name, 2)).order_by(C.id),
    select(func.coalesce(C.city, "none"), func.nullif(C.city, "")).order_by(C.id),
    select(extract("year", C.joined), extract("dow", C.seen)).order_by(C.id),
    select(func.date_trunc("month", C.seen), C.joined + 3).order_by(C.id),
    select(func.to_char(C.seen, "YYYY-MM HH24"), C.joined - date(2020, 1, 1)),
    select(C.id, C.score > 5, (C.city == "Oslo").label("there")).order_by(C.id),
    select(case((C.score > 10, "high"), else_="low"), C.id).order_by(C.id),
    select(func.greatest(C.score, 7), func.least(C.id, 4)).order_by(C.id),
    select(C.name, P.total).join(P, P.customer_id == C.id).order_by(P.id),
    select(C.id, P.id).outerjoin(C.purchases).order_by(C.id, P.id),
    select(C.id, _other.id).join(_other, C.name == _other.name).order_by(text("1, 2")),
    select(C.id).where(C.purchases.any(P.total > 20)).order_by(C.id),
    select(P.id).where(P.customer.has(C.city == "Oslo")).order_by(P.id),
    select(C.id).where(exists().where(P.customer_id == C.id)).order_by(C.id),
    select(C.id).where(C.id.in_(select(P.customer_id).where(P.note.is_(None)))),
    select(C.id).where(C.id.not_in(select(P.customer_id))).order_by(C.id),
    select(C.id, select(func.count()).where(P.customer_id == C.id).scalar_subquery()),
    select(C.name, _sums.c.all).join(_sums, _sums.c.customer_id == C.id),
    union(select(C.city), select(P.note)).order_by("city"),
    union_all(select(C.id), select(P.id)).order_by("id").limit(9),
    select(C.id, func.row_number().over(partition_by=C.city, order_by=C.id)),
    select(C.id, func.sum(C.score).over(order_by=C.id)).order_by(C.id),
    select(C.id, func.lag(C.name).over(order_by=C.id)).order_by(C.id),
    select(P.note, func.count()).group_by(P.note).order_by(func.count(), P.note),
    select(func.count()).select_from(select(C.city).distinct().subquery()),
    select(C).options(selectinload(C.purchases)).order_by(C.id),
    select(C).options(joinedload(C.purchases)).order_by(C.id),
    select(C).options(subqueryload(C.purchases)).order_by(C.id),
    select(P).options(joinedload(P.customer)).order_by(P.id),
    select(C.id).where(C.id == bindparam("n", 5)),
    select(C.id).where(C.id == 3).with_for_update(),
    select(C.id).where(C.id == 3).with_for_update(read=True, of=C),
    select(text("count(*)")).select_from(C),
    text('SELECT "customer"."id" FROM "customer" WHERE name || city = \'AdaOslo\''),
    text("SELECT name FROM customer WHERE id = :n AND 1 = 1").bindparams(n=3),
    text("SELECT id::text || 'x' FROM customer ORDER BY 1"),
    text("SELECT g FROM generate_series(1, 3) g LEFT JOIN customer ON id = g"),
    text("SELECT id FROM customer WHERE id = ANY(ARRAY[1, 2]) ORDER BY id"),
    text("SELECT json_agg(name ORDER BY id)::text FROM customer WHERE id < 4"),
    text("SELECT id, seen AT TIME ZONE 'UTC' FROM customer WHERE id = 2"),
    text("SELECT row_to_json(c)::text FROM customer c WHERE id = 2"),
    text("SELECT city, count(*) FROM customer GROUP BY ROLLUP (city) ORDER BY 1, 2"),
    text("SELECT nothing FROM customer"),
    text("SELECT name + 1 FROM customer"),
]  # fmt: skip

# What is written; then all rows are compared.
CHANGES: list[Any] = [
    insert(C).values(name="new", score=1, balance=Decimal("1.005")),
    insert(C).values(name="New").returning(C.id, C.name),
    insert(C).values([{"name": "x"}, {"name": "y", "city": "Paris"}][0]),
    insert(C).values([{"name": "m", "score": 1}, {"name": "n", "score": 2}]),
    insert(C).from_select(["name"], select(P.note).where(P.note.is_not(None))),
    insert(P).values(customer_id=1, total=Decimal("99.99"), note="ü"),
    update(C).where(C.name == "x").values(score=5),
    update(C).where(C.name == "X").values(score=6),
    update(C).where(C.id == 2).values(score=C.score + 1, name=C.name + "!"),
    update(C).where(C.id < 4).values(city=func.upper(C.city)),
    update(C).where(C.id == 1).values(city="Nice").returning(C.id, C.city),
    update(C).values(ratio=case((C.score > 10, 1.5), else_=C.ratio)),
    update(P).where(P.customer_id.in_(select(C.id).where(C.city == "Rome"))).values(
        note="rome"
    ),
    update(C).where(C.id == 5).values(joined=date(2030, 1, 1), seen=func.date_trunc(
        "day", C.seen)),
    delete(P).where(P.note == "Note 1"),
    delete(P).where(P.note == "note 1"),
    delete(P).where(~exists().where(C.id == P.customer_id)),
    delete(C).where(C.id > 25).returning(C.name),
    insert(C).values(name=None),
    insert(C).values(id=1, name="again"),
    insert(C).values(name="big", score=2**40),
    pg_insert(C).values(id=1, name="again").on_conflict_do_nothing(),
    update(C).where(P.customer_id == C.id).values(score=0),
]  # fmt: skip


def add_one(session: Any) -> Any:
    customer = Customer(name="unit", purchases=[Purchase(total=Decimal(1))])
    session.add(customer)
    session.flush()
    return customer.id is not None and customer.purchases[0].id is not None


def add_many(session: Any) -> Any:
    session.add_all([Customer(name=f"many {n}", score=n) for n in range(7)])
    session.flush()
    return None


def change_one(session: Any) -> Any:
    customer = session.get(Customer, 3)
    customer.name, customer.balance = "changed", Decimal("2.50")
    customer.purchases.clear() if not customer.purchases else None
    session.flush()
    session.refresh(customer)
    return customer.name, customer.balance


def delete_one(session: Any) -> Any:
    customer = Customer(name="gone")
    session.add(customer)
    session.flush()
    session.delete(customer)
    session.flush()
    return session.get(Customer, customer.id)


def update_many(session: Any) -> Any:
    rows = [{"id": n, "score": n * 100} for n in (1, 2, 3)]
    session.execute(update(Customer), rows)
    return None


def insert_many(session: Any) -> Any:
    made = session.execute(
        insert(Customer).returning(Customer.id, Customer.name),
        [{"name": f"bulk {n}"} for n in range(5)],
    )
    return sorted(name for number, name in made if number)


def undo(session: Any) -> Any:
    with session.begin_nested() as point:
        session.add(Customer(name="undone"))
        session.flush()
        point.rollback()
    return session.scalar(select(func.count()).select_from(Customer))


UNITS: list[Callable[[Any], Any]] = [
    add_one, add_many, change_one, delete_one, update_many, insert_many, undo,
]  # fmt: skip
