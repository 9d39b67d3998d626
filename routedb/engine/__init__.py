"""routedb.engine"""
