"""routedb.config"""
