"""routedb.monitor"""
