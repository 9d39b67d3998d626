"""PostgreSQL: what all its drivers have in common, and one file per driver.

Faults by SQLSTATE, queries to the catalog, positions in the WAL, the words that begin a
transaction, what became of a commit. Only a driver's own file imports it.
"""
