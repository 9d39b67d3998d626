"""Queries of Django's ORM, run as a program of its own on the databases `default` and
`plain` that its argument names: prints what each answers, as JSON."""

# ruff: noqa: E501  (a query is a line)
from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any


def main() -> None:
    import django  # noqa: PLC0415  (not for those who only ask where this is)
    from django.apps import AppConfig  # noqa: PLC0415
    from django.conf import settings  # noqa: PLC0415

    databases = json.loads(sys.argv[1])
    app = AppConfig("legacy", sys.modules[__name__])
    settings.configure(DATABASES=databases, INSTALLED_APPS=[app], USE_TZ=False)
    django.setup()
    from django.db import transaction  # noqa: PLC0415

    customers, purchases = _models()
    found = []
    for number, how in enumerate(_queries(customers, purchases)):
        got = _outcome(transaction, how, "default", customers, purchases)
        keeps = got[0] != "refused"
        plain = _outcome(transaction, how, "plain", customers, purchases, keeps)
        found.append((f"query {number}", got, plain))
    print(json.dumps(found))


def _models() -> tuple[Any, Any]:
    from django.db import models  # noqa: PLC0415

    class Customer(models.Model):  # type: ignore[misc]  # it has no types
        name = models.TextField()
        city = models.TextField(null=True)
        score = models.IntegerField(null=True)
        joined = models.DateField(null=True)
        seen = models.DateTimeField(null=True)
        balance = models.DecimalField(max_digits=10, decimal_places=2, null=True)
        ratio = models.FloatField(null=True)

        class Meta:
            app_label, db_table, managed = "legacy", "customer", False

    class Purchase(models.Model):  # type: ignore[misc]  # it has no types
        customer = models.ForeignKey(Customer, models.DO_NOTHING)
        total = models.DecimalField(max_digits=10, decimal_places=2)
        note = models.TextField(null=True)

        class Meta:
            app_label, db_table, managed = "legacy", "purchase", False

    return Customer, Purchase


def _outcome(
    transaction: Any,
    how: Callable[..., Any],
    alias: str,
    customers: Any,
    purchases: Any,
    keeps: bool = True,
) -> Any:
    from django import db  # noqa: PLC0415

    try:
        with transaction.atomic(using=alias):
            seen = how(customers.objects.using(alias), purchases.objects.using(alias))
            seen = _plain(seen)
            if not keeps:
                transaction.set_rollback(True, using=alias)
    except db.NotSupportedError as error:
        return "refused", str(error)
    except db.Error as error:
        return "error", type(error).__name__
    rows = [
        sorted(map(repr, model.objects.using(alias).values_list(*names)))
        for model, names in (
            (
                customers,
                ("name", "city", "score", "joined", "seen", "balance", "ratio"),
            ),
            (purchases, ("customer_id", "total", "note")),
        )
    ]
    return "seen", seen, rows


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (int, str)):
        return value
    if hasattr(value, "_meta"):
        return [repr(getattr(value, field.attname)) for field in value._meta.fields]
    if isinstance(value, dict):
        return {str(name): _plain(each) for name, each in value.items()}
    try:
        return [_plain(each) for each in value]
    except TypeError:
        return repr(value)


def _queries(customers: Any, purchases: Any) -> list[Callable[[Any, Any], Any]]:
    from django.db.models import (  # noqa: PLC0415
        Avg,
        Case,
        CharField,
        Count,
        Exists,
        F,
        IntegerField,
        Max,
        Min,
        OuterRef,
        Q,
        Subquery,
        Sum,
        TextField,
        Value,
        When,
        Window,
    )  # fmt: skip
    from django.db.models.functions import (  # noqa: PLC0415
        Cast,
        Coalesce,
        Concat,
        ExtractYear,
        Length,
        Lower,
        Round,
        RowNumber,
        Substr,
        TruncMonth,
        Upper,
    )  # fmt: skip

    high = Case(When(score__gt=9, then=Value("high")), default=Value("low"))
    newest = purchases.objects.filter(customer=OuterRef("pk")).order_by("-id")

    def bulk(c: Any, p: Any) -> Any:
        made = c.bulk_create([customers(name=f"bulk {n}") for n in range(4)])
        return [each.name for each in made if each.pk]

    def save(c: Any, p: Any) -> Any:
        one = c.get(name="D'Arcy", score=10) if False else c.order_by("id")[4]
        one.city, one.balance = "saved", Decimal("7.25")
        one.save()
        return c.get(pk=one.pk)

    return [
        lambda c, p: c.order_by("id"),
        lambda c, p: c.get(pk=3),
        lambda c, p: c.filter(name="ada").order_by("id"),
        lambda c, p: c.filter(name__iexact="ADA").order_by("id"),
        lambda c, p: c.filter(name__contains="a").order_by("id"),
        lambda c, p: c.filter(name__icontains="A").order_by("id"),
        lambda c, p: c.filter(name__startswith="E").order_by("id"),
        lambda c, p: c.filter(name__endswith=" ").order_by("id"),
        lambda c, p: c.filter(name__contains="%").order_by("id"),
        lambda c, p: c.filter(name__contains="\\").order_by("id"),
        lambda c, p: c.filter(name__regex="^[A-C]").order_by("id"),
        lambda c, p: c.filter(name__iregex="^[a-c]").order_by("id"),
        lambda c, p: c.filter(name__in=["Ada", "eve"]).order_by("id"),
        lambda c, p: c.exclude(name="ADA").order_by("id"),
        lambda c, p: c.filter(name__gt="a").order_by("id"),
        lambda c, p: c.filter(pk__in=[1, 5, 99]).order_by("-pk"),
        lambda c, p: c.filter(score__range=(3, 20)).order_by("score", "id"),
        lambda c, p: c.filter(score__isnull=True).order_by("id"),
        lambda c, p: c.filter(joined__year=2021).order_by("id"),
        lambda c, p: c.filter(joined__gte=date(2021, 5, 1)).order_by("id"),
        lambda c, p: c.filter(seen__date=date(2021, 3, 2)).order_by("id"),
        lambda c, p: c.filter(balance__lt=Decimal("50.5")).order_by("id"),
        lambda c, p: c.filter(Q(score__gt=20) | Q(city="Rome")).order_by("id"),
        lambda c, p: c.filter(~Q(score__gt=20)).order_by("id"),
        lambda c, p: c.filter(score=F("id") + 1).order_by("id"),
        lambda c, p: c.order_by("score", "id").values_list("id"),
        lambda c, p: c.order_by(F("score").desc(nulls_last=True), "id").values("id"),
        lambda c, p: c.order_by("name", "id").values_list("name", flat=True),
        lambda c, p: c.order_by("id")[3:7],
        lambda c, p: c.order_by("-id").first(),
        lambda c, p: c.order_by("city", "id").distinct("city"),
        lambda c, p: c.values("name").distinct().order_by("name"),
        lambda c, p: c.count(),
        lambda c, p: c.filter(name="nobody").exists(),
        lambda c, p: c.filter(name="Ada").exists(),
        lambda c, p: c.aggregate(Sum("score"), Avg("balance"), Min("seen")),
        lambda c, p: c.aggregate(Max("name")),
        lambda c, p: c.aggregate(n=Count("city", distinct=True)),
        lambda c, p: c.values("city").annotate(n=Count("id")).order_by("city"),
        lambda c, p: c.annotate(n=Count("purchase")).filter(n__gt=1).order_by("id"),
        lambda c, p: c.annotate(s=Sum("purchase__total")).order_by("id").values("s"),
        lambda c, p: p.select_related("customer").order_by("id"),
        lambda c, p: c.prefetch_related("purchase_set").order_by("id"),
        lambda c, p: p.filter(customer__city="Oslo").order_by("id"),
        lambda c, p: c.filter(purchase__total__gt=20).distinct().order_by("id"),
        lambda c, p: c.filter(Exists(newest.filter(total__gt=9))).order_by("id"),
        lambda c, p: c.annotate(x=Subquery(newest.values("total")[:1])).order_by("id")
        .values_list("id", "x"),
        lambda c, p: c.filter(pk__in=p.values("customer")).order_by("id"),
        lambda c, p: c.exclude(pk__in=p.values("customer")).order_by("id"),
        lambda c, p: c.annotate(x=Lower("name"), y=Upper("city"), z=Length("name"))
        .order_by("id").values_list("x", "y", "z"),
        lambda c, p: c.annotate(x=Concat("name", Value("-", TextField()), "city")).order_by("id")
        .values_list("x"),
        lambda c, p: c.annotate(x=Substr("name", 2, 2)).order_by("id").values_list("x"),
        lambda c, p: c.annotate(x=Coalesce("city", Value("?", TextField())))
        .order_by("id").values_list("x"),
        lambda c, p: c.annotate(x=Cast("score", CharField()), y=Cast("name", CharField()))
        .order_by("id").values_list("x", "y"),
        lambda c, p: c.annotate(x=ExtractYear("joined"), y=TruncMonth("seen"))
        .order_by("id").values_list("x", "y"),
        lambda c, p: c.annotate(x=Round("balance")).order_by("id").values_list("x"),
        lambda c, p: c.annotate(x=high).order_by("id").values("x"),
        lambda c, p: c.annotate(x=Window(RowNumber(), partition_by="city", order_by="id"))
        .order_by("id").values_list("x"),
        lambda c, p: c.annotate(x=F("score") / 2, y=F("score") % 5).order_by("id")
        .values_list("x", "y"),
        lambda c, p: c.filter(id__lt=3).values("name").union(p.values("note"))
        .order_by("name"),
        lambda c, p: c.annotate(x=Value(1, IntegerField())).order_by("id").values("x"),
        lambda c, p: c.select_for_update().get(pk=2),
        lambda c, p: list(c.order_by("id").iterator(chunk_size=5)),
        lambda c, p: c.in_bulk([1, 2]),
        lambda c, p: c.raw("SELECT id, name FROM customer WHERE id = %s", [4])[0].name,
        lambda c, p: c.dates("joined", "year"),
        lambda c, p: c.order_by("id").only("name")[0].name,
        lambda c, p: c.order_by("id").defer("name")[0].name,
        # What writes.
        lambda c, p: c.create(name="made", score=4, balance=Decimal("1.10")).name,
        lambda c, p: c.get_or_create(name="once", defaults={"score": 1})[1],
        lambda c, p: c.get_or_create(name="once", defaults={"score": 2})[1],
        lambda c, p: c.update_or_create(name="once", defaults={"score": 3})[0].score,
        bulk,
        save,
        lambda c, p: c.filter(name="ADA").update(score=1),
        lambda c, p: c.filter(name="Ada").update(score=F("score") + 1),
        lambda c, p: c.filter(id__lt=5).update(city=Upper("name")),
        lambda c, p: c.filter(pk=6).update(joined=date(2031, 1, 1), ratio=0.1),
        lambda c, p: p.filter(customer__city="Rome").update(note="rome"),
        lambda c, p: c.bulk_update([customers(pk=n, score=7 * n) for n in (1, 2)],
                                   ["score"]),
        lambda c, p: p.filter(note="note 1").delete()[0],
        lambda c, p: p.filter(customer__name="ada").delete()[0],
        lambda c, p: c.filter(name="made").delete()[0],
        lambda c, p: c.create(name="x" * 9, score=2**40),
        lambda c, p: p.create(customer_id=1, total=None),
        lambda c, p: c.create(pk=1, name="again"),
        lambda c, p: c.bulk_create([customers(pk=1, name="a")], ignore_conflicts=True),
    ]  # fmt: skip


if __name__ == "__main__":
    main()
