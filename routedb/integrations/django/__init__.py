"""Django backends whose connections are routedb's.

DATABASES = {"default": {
    "ENGINE": "routedb.integrations.django.postgresql",
    "OPTIONS": {"routedb": {"nodes": ["postgresql://app@db1/shop", …]}},
}}

settings    from Django's settings to a routedb configuration
wrapper     what the backends share: connecting, test databases
migrations  what they share when migrations run
postgresql, mysql, sqlite3    Django's own backends, with that
"""
