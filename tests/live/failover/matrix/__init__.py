"""Every fault at every moment: what is said of it, what is so, what goes on then."""
