"""routedb.adapters"""
