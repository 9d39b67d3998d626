"""Runs other people's test suites on the plain driver and on routedb; see README.rst.

python -m tests.suites --suite psycopg2
"""
