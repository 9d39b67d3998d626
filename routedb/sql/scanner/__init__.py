"""From a text to code, literals and comments, and on to names and tokens.

In comes a text and its dialect, out go its `Scan` (the shape, the literals) and the
tokens of its statements. Nothing here knows what a statement does.
"""
