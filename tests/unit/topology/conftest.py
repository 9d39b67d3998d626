"""Hypothesis without its own clock: on a busy machine an example may take long."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
