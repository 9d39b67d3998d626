"""routedb.sharding"""
