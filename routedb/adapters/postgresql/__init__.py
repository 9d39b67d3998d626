"""PostgreSQL: what every driver of it needs to know, and one file per driver.

Faults by SQLSTATE, questions to the catalog, positions in the WAL, the words that begin
a transaction, what became of a commit. No driver is imported but by its own file.
"""
