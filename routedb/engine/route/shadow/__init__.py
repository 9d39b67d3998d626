"""`shadow = true`: all runs on writers, and where it would have gone is counted."""
