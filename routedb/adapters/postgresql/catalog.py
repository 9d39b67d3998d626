"""Queries to PostgreSQL's catalog."""

from __future__ import annotations

# Parameters: name, schema, schema. One row; NULL when there is no such routine.
VOLATILITY = """
SELECT bool_or(p.provolatile = 'v' OR p.prokind = 'p')
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE p.proname = %s
  AND CASE WHEN %s::text IS NULL THEN pg_catalog.pg_function_is_visible(p.oid)
           ELSE n.nspname = %s END
"""
