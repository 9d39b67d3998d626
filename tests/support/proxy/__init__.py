"""A proxy between a client and a server, for breaking the line at will.

Proxy      relays bytes; cuts, refuses, swallows          line.py
Balancer   leads connections to several servers           balancer.py
Wire       knows the messages, and stops at one of them   wire.py
dialects   PostgreSQL's messages, MySQL's packets         postgresql.py, mysql.py
"""

from __future__ import annotations

from tests.support.proxy.balancer import Balancer
from tests.support.proxy.line import Lost, Proxy
from tests.support.proxy.messages import Message
from tests.support.proxy.wire import Stop, Wire

__all__ = ["Balancer", "Lost", "Message", "Proxy", "Stop", "Wire"]
