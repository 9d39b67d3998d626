"""The engine: runs the statements of virtual connections on the links of their nodes.

`execute` is the hot path, `fast_path` chooses its link, `session` is the state of one
connection; what they leave goes to the packages here. In come texts and parameters from
a frontend's cursor; out go raw cursors with results, and errors that say what to do.
docs/architecture.rst follows a statement through.
"""
