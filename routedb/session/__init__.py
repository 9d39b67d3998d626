"""routedb.session"""
