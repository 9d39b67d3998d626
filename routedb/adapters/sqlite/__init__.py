"""SQLite: what every driver of it needs to know, and one file per driver.

Faults by result code, questions to the library, the words that begin a transaction, and
the gate that keeps a fork out of SQLite. No driver is imported but by its own file.
"""
