"""Running a statement that the hot path leaves, to its result or its error.

In comes a text with its plan and a call that runs it on a raw cursor. The executor has
it decided, an attempt reaches a link, faults are recovered from by the table in
`routedb.session.recovery`, and the session is told what the outcome means. Also
statements for several shards, and transaction control written as text.
"""
