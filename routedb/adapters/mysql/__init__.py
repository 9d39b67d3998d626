"""MySQL and MariaDB: what every driver of them needs to know, and one file per driver.

Faults by error number, questions to the catalog, GTID positions and lag, the statements
that set how transactions run. No driver is imported but by its own file.
"""
