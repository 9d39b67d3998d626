"""From the tokens of one statement to what it does, without a tree.

In come the `Tokens` of a statement, out goes a filled `StatementBuilder`, of which
`routedb.sql.classifier` makes the `Statement`. `dispatch` chooses a verb reader by the
first word. Each verb reader takes the tokens and the builder, which is told all that is
found; it returns nothing, and raises UnreadableStatement, or LookupError, when the
tokens make no statement of that verb.
"""
