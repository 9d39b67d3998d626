"""Texts taken apart and put together: masked for sqlglot, INSERTs split by shard.

In comes a text with its `Scan`; out go a masked text with numbered values, the rows of
an INSERT, and the text that each shard gets.
"""
