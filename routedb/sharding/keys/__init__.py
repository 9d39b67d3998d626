"""Shard keys: the value that a text gives for one, and the shard it stands for.

In comes a value, or a term that says where in a text it stands; out goes its canonical
form and the number of its shard.
"""
