"""Packages of routedb by themselves, without any server."""
