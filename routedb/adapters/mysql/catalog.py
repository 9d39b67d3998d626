"""Queries to MySQL's catalog."""

from __future__ import annotations

# Parameters: name, schema. One row; NULL when there is no such routine.
VOLATILITY = """
SELECT MAX(sql_data_access NOT IN ('NO SQL', 'READS SQL DATA')
           OR routine_type = 'PROCEDURE')
FROM information_schema.routines
WHERE routine_name = %s AND routine_schema = COALESCE(%s, DATABASE())
"""
