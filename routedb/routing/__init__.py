"""routedb.routing"""
