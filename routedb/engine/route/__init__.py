"""Decisions that are shown or counted instead of being carried out.

`explain` decides about a text and returns the route with its reasons; `shadow` counts
where statements would have gone. In comes a text with its parameters; nothing is run.
"""
