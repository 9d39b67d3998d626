"""What is known of a server without asking: its functions and its own views.

In comes the name of a function or a table, out goes what a call of it does, or whether
it shows the server's own state.
"""
