"""Tests on real servers; most of them break these, or the line to them."""
