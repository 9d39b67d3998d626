"""The command line over real servers."""
