"""routedb.topology"""
