"""What monitoring systems are given: `otel` and `prometheus`, an extra each.

Both subscribe with `routedb.observe` and ask `routedb.status()` when they are read.
Nothing here is imported unless a program asks for it.
"""
