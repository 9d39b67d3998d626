"""Parameters that do not fit their text, where they are found before the driver is."""

from __future__ import annotations

from typing import Any

from routedb.engine.session import Session
from routedb.engine.shared.error_origin import is_from_program
from routedb.engine.shared.error_texts import as_dbapi_error
from routedb.engine.shared.let_go import lets_go
from routedb.routing.plan import ParsedText


@lets_go
def check_parameters(session: Session, text: ParsedText, params: Any) -> None:
    """Raise what the driver raises for `params` that are not those of `text`.

    For a statement whose shard cannot be told, maybe because the shard key's value is
    not among them. A driver that cannot tell without a statement raises nothing.
    """
    dialect = text.plan.dialect
    links = (link for link in session.links if link.adapter.dialect == dialect)
    link = next(links, None)
    if params is None or link is None:
        return
    raw: Any = link.adapter.cursor(link.raw)
    try:
        if hasattr(raw, "mogrify"):
            raw.mogrify(text.source, params)
    except Exception as exc:
        link.classify_error(exc)
        joined = exc
        if not is_from_program(exc):
            joined = as_dbapi_error(exc, link.adapter.error_class)
        if joined is exc:
            raise
        raise joined from exc
    finally:
        raw.close()
