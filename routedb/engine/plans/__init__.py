"""The plans of texts that were seen before.

In comes a text, out goes what is known of it, classified and placed once per shape.
Plans are shared by all connections of a configuration and are kept within bounds.
"""
