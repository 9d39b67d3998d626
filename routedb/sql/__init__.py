"""routedb.sql"""
