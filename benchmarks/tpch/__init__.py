"""The 22 queries of TPC-H over several databases, against one PostgreSQL.

`data` has the tables made by `tpchgen-cli` and loads them, `queries` obtains the texts,
`worlds` makes the databases, `compare` asks and compares.
"""
