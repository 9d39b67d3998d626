"""From the tokens of one statement to what it does, without a tree.

`dispatch` chooses a reader by the first word; readers fill a `StatementBuilder`, of
which `routedb.sql.classifier` makes the `Statement`.
"""
