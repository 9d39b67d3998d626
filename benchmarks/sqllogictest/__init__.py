"""SQLite's sqllogictest on tables over several groups, against one database.

`records` takes its files apart, `worlds` makes the one database and the groups and
keeps them alike, `judge` asks both and compares.
"""
