"""Pools over fake servers."""
