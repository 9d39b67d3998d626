"""How a PostgreSQL session becomes as new, and what no command makes so.

DISCARD ALL is sent whatever has run: a view may call a function that sets, locks or
prepares anything, and comparing is dearer than discarding. (`pg_settings` alone takes
35 times as long, and does not show ROLE, nor what only superusers may see.)
"""

from __future__ import annotations

import random

DISCARD = "DISCARD ALL"

# psycopg2 reads dates in this style only, and sets it where a new session has another.
DATESTYLE, READABLE, READABLE_DATES = "DateStyle", "ISO", "SET datestyle TO 'ISO'"

# What is kept where SQL does not reach: by languages that have variables of a session
# (%_SHARED of PL/Perl, GD of PL/Python …), or by a trigger at login, which is not run
# again. Operators are named in full: nothing that the user has made may be called.
OUT_OF_REACH = """
SELECT EXISTS (SELECT FROM pg_catalog.pg_language
  WHERE lanname OPERATOR(pg_catalog.<>)
    ALL (ARRAY['internal', 'c', 'sql', 'plpgsql']::pg_catalog.name[]))
OR EXISTS (SELECT FROM pg_catalog.pg_event_trigger
  WHERE evtevent OPERATOR(pg_catalog.=) 'login'::pg_catalog.name)
"""

_DICE = random.SystemRandom()


def remaining_text() -> str:
    """Return the text that undoes what DISCARD ALL does not.

    It ends a role, also one that ALTER ROLE … SET role has given to the new session;
    and it leaves the seed of random(), which the last user may know.
    """
    return f"RESET ROLE; SET seed TO {_DICE.uniform(-1, 1):.17f}"
