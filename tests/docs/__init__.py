"""The pages of docs/ and the README: what they say is so, what they show runs."""
