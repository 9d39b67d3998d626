"""What a statement leaves behind in the session, kept so that every link shows it.

The text is repeated on other links only when it does nothing but set values that are
written in it. Of anything else (`set_config` in a query, MySQL's `SET a = @b`) the
value that came out is asked for, and that is what other links are given.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from routedb.engine.links.link import Link
from routedb.engine.run.pin_effects import note_pins
from routedb.engine.session import Session
from routedb.routing.plan import ParsedText
from routedb.session.settings_log import Clear, Setting
from routedb.sql import Kind, SessionEffect, Statement, TxEffect
from routedb.sql.catalog.system_tables import is_settings_view
from routedb.sql.scanner.literal_settings import sets_literals_only
from routedb.sql.scanner.splitter import pieces
from routedb.sql.scanner.told_names import (
    body_tells_names,
    tells_names,
    tells_values,
)
from routedb.sql.scanner.updated_settings import updated_settings
from routedb.sql.session_objects import EVERY, ObjectKind, SessionObject

# RESET ALL leaves these as they are (PostgreSQL manual, RESET and SET ROLE).
_KEPT_BY_RESET = frozenset({"role", "session_authorization"})

# The name in set_config('name', …): literals are masked in the shape, and without the
# name every call would add a line to the replay log.
_CONFIG_NAMES = re.compile(
    r"set_config\s*\(\s*(?:'([^']+)'|(%s)|%\((\w+)\)s)\s*(?:::\s*text\s*)?,",
    re.IGNORECASE,
).finditer
_CONFIG_CALLS = re.compile(r"set_config\b", re.IGNORECASE).findall

_HOLD = ObjectKind.CURSOR  # WITH HOLD

# What is prepared, or declared, is run by these.
_LATER = frozenset({SessionEffect.PREPARE, SessionEffect.CURSOR})
_SETTING_LATER = frozenset({"EXECUTE", "FETCH", "MOVE"})
# In a body; a name with a dot is of the user's own, which pg_settings does not show.
_SETS_INSIDE = re.compile(r"\b(?:set_config|set)\b", re.IGNORECASE).search
_OWN_INSIDE = re.compile(
    r"\bset\s+(?:session\s+)?(\w+\.[\w.]+)|'(\w+\.[\w.]+)'", re.IGNORECASE
).findall

_IS_NAME = re.compile(r"[\w.]+").fullmatch


def note_effects(
    session: Session, link: Link | None, text: ParsedText, params: Any
) -> None:
    """Take note of the effects of `text`, which has succeeded on `link` with
    `params`."""
    if link is None or not text.plan.has_session_effects:
        return
    if text.plan.statement.parts > 1:
        _note_several(session, link, text, params)
    else:
        _note(session, link, text, params, _is_undone(session, link))


def _note(
    session: Session, link: Link, text: ParsedText, params: Any, is_undone: bool
) -> None:
    statement = text.plan.statement
    for effect in statement.session:
        action = _ACTIONS.get(effect)
        if action is not None:
            action(session, link, text, params, is_undone)
    effects = set(statement.session)
    if SessionEffect.SET in effects and not effects.isdisjoint(_LATER):
        are_all = tells_names(text.scan.shape, text.source)
        session.links.settings.add_later(_named_in(text, params), are_all)
    elif (names := _set_inside(session, link, text, params)) is not None:
        _add(session, link, _as_they_are(link, names), is_undone)
    has_own = link.adapter.session_settings is not None
    if has_own and _sets_untold(session, text, is_undone):
        _pin_settings(session, link, is_undone)
    note_pins(session, link, text, params, is_undone)


def _sets_untold(session: Session, text: ParsedText, is_undone: bool) -> bool:
    """Tell whether `text` may have set something of the user's own whose name it does
    not tell, or will at the commit, as a cursor WITH HOLD is read out then. `is_undone`
    tells whether a commit is to come."""
    statement, shape = text.plan.statement, text.scan.shape
    verb, later = statement.verb, session.links.settings
    if verb in _SETTING_LATER:
        is_told = not later.has_untold_later
        is_told = is_told and (verb != "EXECUTE" or tells_values(shape))
        return later.is_set_later and not is_told
    if verb == "DO":
        return _sets_inside(text.source) and not body_tells_names(text.source)
    if SessionEffect.SET not in statement.session or verb == "PREPARE":
        return False
    if SessionEffect.CURSOR in statement.session:
        is_held = _HOLD in {each.kind for each in statement.holds}
        return is_held and (is_undone or not tells_names(shape, text.source))
    return not tells_names(shape, text.source)


def _pin_settings(session: Session, link: Link, is_undone: bool) -> None:
    is_undone = is_undone and link.adapter.rollback_undoes_settings
    session.links.pins.hold(SessionObject(ObjectKind.SETTING), link.id, "", is_undone)


def _set_inside(
    session: Session, link: Link, text: ParsedText, params: Any
) -> tuple[str, ...] | None:
    """Return the names of what may be set by something inside `text` that is not its
    own: what was prepared or declared before, the body of DO. None: nothing is."""
    verb, later = text.plan.statement.verb, session.links.settings
    if verb in _SETTING_LATER and later.is_set_later:
        return (*_set_names(link), *later.set_later, *_named_in(text, params))
    if verb == "DO" and _sets_inside(text.source):
        own = [name for found in _OWN_INSIDE(text.source) for name in found if name]
        return (*_set_names(link), *map(str.lower, own))
    return None


def _sets_inside(source: str) -> bool:
    return _SETS_INSIDE(source) is not None


def _note_several(session: Session, link: Link, text: ParsedText, params: Any) -> None:
    """Each of several statements leaves its own. Where they run in a transaction, one
    of them may end it."""
    statement = text.plan.statement
    found = pieces(text.scan, params)
    if len(found) != statement.parts:  # it defines a routine as well
        found = [(text.source, params)] if statement.kind is Kind.SESSION else []
    was_open = session.transaction.is_open
    is_undone = link.adapter.script_is_transaction or _is_undone(session, link)
    before = session.links.settings.version
    for sql, its in found:
        piece = session.learn(sql)
        _follow(session, piece.plan.statement)
        _note(session, link, piece, its, is_undone)
    if not was_open and link.is_idle():
        session.links.settings.commit()
        session.links.pins.commit()
    if session.links.settings.version != before:
        link.settings_version = session.links.settings.version


def _follow(session: Session, statement: Statement) -> None:
    """Do with what is pending what a statement among several does to its transaction.
    What comes of the transaction itself, the driver is asked afterwards."""
    for step in statement.tx:
        if step.effect in (TxEffect.COMMIT, TxEffect.COMMIT_AND_CHAIN):
            session.links.settings.commit()
            session.links.pins.commit()
        elif step.effect in (TxEffect.ROLLBACK, TxEffect.ROLLBACK_AND_CHAIN):
            session.links.settings.rollback()
            session.links.pins.rollback()
        elif step.name is not None and step.effect in _ON_SAVEPOINTS:
            _ON_SAVEPOINTS[step.effect](session)(step.name)


_ON_SAVEPOINTS: dict[TxEffect, Callable[[Session], Callable[[str], None]]] = {
    TxEffect.SAVEPOINT: lambda session: session.links.savepoint,
    TxEffect.RELEASE: lambda session: session.links.release,
    TxEffect.ROLLBACK_TO: lambda session: session.links.rollback_to,
}


def _is_undone(session: Session, link: Link) -> bool:
    """Tell whether the open transaction's rollback undoes what is made."""
    return link.adapter.rollback_undoes_objects and session.transaction.is_open


def _set(
    session: Session, link: Link, text: ParsedText, params: Any, is_undone: bool
) -> None:
    _add(session, link, _settings(link, text, params), is_undone)


def _add(
    session: Session, link: Link, settings: list[Setting], is_undone: bool
) -> None:
    is_undone = is_undone and link.adapter.rollback_undoes_settings
    for setting in settings:
        level = _level(link, setting)
        session.links.settings.add(setting._replace(isolation=level), is_undone)
        if not is_undone:
            link.settings_version = session.links.settings.version


def _level(link: Link, setting: Setting) -> str | None:
    """Ask what the default isolation level is now, when it may have been set and
    decides whether a replica may answer."""
    name = link.adapter.isolation_setting
    if name is None or name not in setting.names:
        return None
    return str(link.ask_setting(name)).upper()


def _use(
    session: Session, link: Link, text: ParsedText, params: Any, is_undone: bool
) -> None:
    """USE names a schema of that database's servers; others may not have it."""
    setting = Setting(link.node.engine, text.source, params, (), link.node.database)
    session.links.settings.add(setting, transactional=False)
    link.settings_version = session.links.settings.version


def _settings(link: Link, text: ParsedText, params: Any) -> list[Setting]:
    """Return what other links are to run so that they have what was set."""
    engine, names = link.node.engine, _names(text, params)
    if names == ("*",) and link.adapter.session_settings is not None:
        names = (*_set_names(link), *_named_in(text, params))
    is_sure = bool(names) and all(map(_IS_NAME, names))
    dialect, verb = link.adapter.dialect, text.plan.statement.verb
    if is_sure and not sets_literals_only(dialect, verb, text.scan.shape):
        return _as_they_are(link, names)
    if text.plan.statement.kind not in (Kind.SESSION, Kind.READ):
        return []  # it does more, and what it sets is not known by name
    return [Setting(engine, text.source, _copy(params), names)]


def _as_they_are(link: Link, names: tuple[str, ...]) -> list[Setting]:
    """Return what gives other links the values that these have on `link`."""
    told = [(name, link.ask_setting(name)) for name in dict.fromkeys(names)]
    return [
        Setting(link.node.engine, *link.adapter.setting_text(name, value), (name,))
        for name, value in told
        if value is not None  # pg_settings has no row of this name
    ]


def _writes_view(text: ParsedText) -> bool:
    """Tell whether it is an UPDATE of PostgreSQL's pg_settings. A replica would refuse
    that, so the text cannot be repeated there."""
    writes = text.plan.statement.writes
    return any(is_settings_view(table, text.plan.dialect) for table in writes)


def _set_names(link: Link) -> tuple[str, ...]:
    """Ask for the names of all that is set in the session of a link."""
    asking = link.adapter.session_settings
    if asking is None:
        return ()
    return tuple(name.lower() for (name,) in link.run(asking))


def _named_in(text: ParsedText, params: Any) -> tuple[str, ...]:
    """Return the strings of a text that may be names of the user's own settings, which
    pg_settings does not show: they have a dot in them."""
    strings = [literal.strip("'") for literal in text.scan.literals]
    values = params.values() if isinstance(params, Mapping) else params or ()
    strings += [value for value in values if isinstance(value, str)]
    own = (string for string in strings if "." in string and _IS_NAME(string))
    return tuple(dict.fromkeys(own))


def _copy(params: Any) -> Any:
    """Return the parameters as they are now: the caller may change them later."""
    if isinstance(params, Mapping):
        return dict(params)
    return tuple(params) if isinstance(params, list) else params


def _reset(
    session: Session, link: Link, text: ParsedText, params: Any, is_undone: bool
) -> None:
    names = text.plan.statement.settings
    if names and "*" not in names and "all" not in names:
        _set(session, link, text, params, is_undone)
        return
    pins = session.links.pins
    pins.free(SessionObject(ObjectKind.SETTING, EVERY), link.id, "", is_undone)
    clear = Clear(link.node.engine, text.source, _KEPT_BY_RESET)
    session.links.settings.clear(clear, is_undone)
    if not is_undone:
        link.settings_version = session.links.settings.version


def _discard(
    session: Session, link: Link, text: ParsedText, params: Any, is_undone: bool
) -> None:
    """DISCARD ALL empties the session: this one at once, and each other one that has
    something; the rest before their next statement."""
    session.links.settings.clear(Clear(link.node.engine, text.source))
    link.settings_version = session.links.settings.version
    pins = session.links.pins
    pins.clear(link.id)
    for node in {held.node for held in pins}:
        if session.open[node].adapter is link.adapter:
            pins.clear(node)
            session.links.get(node)


def _names(text: ParsedText, params: Any) -> tuple[str, ...]:
    """Return the names of what is set; ("*",) when one of them is not told."""
    names = text.plan.statement.settings
    if "*" not in names:
        return names
    if _writes_view(text):
        return updated_settings(text.scan, params) or ("*",)
    found: list[str] = []
    for call in _CONFIG_NAMES(text.source):
        before = text.source[: call.start()].count("%s")
        name: Any = call[1]
        if name is None and params:
            key = before if call[2] else call[3]
            try:
                name = params[key]
            except (LookupError, TypeError):
                return ("*",)
        if not isinstance(name, str):
            return ("*",)
        found.append(name.lower())
    if len(found) != len(_CONFIG_CALLS(text.source)):
        return ("*",)  # a name is computed
    return tuple(dict.fromkeys(found)) or ("*",)


_Note = Callable[[Session, Link, ParsedText, Any, bool], None]
_ACTIONS: dict[SessionEffect, _Note] = {
    SessionEffect.SET: _set,
    SessionEffect.RESET: _reset,
    SessionEffect.DISCARD: _discard,
    SessionEffect.USE: _use,
}
