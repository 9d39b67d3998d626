"""The pool's decisions and states."""
