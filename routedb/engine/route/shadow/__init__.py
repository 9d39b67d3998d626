"""`shadow = true`: all runs on writers, and where it would have gone is counted.

In comes each statement with the decision about it; out go the writer's route, and the
counts by shape that `routedb.report()` returns.
"""
