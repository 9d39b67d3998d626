"""SQLite: what all its drivers have in common, and one file per driver.

Faults by result code, queries to the library, the words that begin a transaction, and
the gate that keeps a fork out of SQLite. Only a driver's own file imports it.
"""
