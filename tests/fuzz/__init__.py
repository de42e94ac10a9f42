"""Inputs without end for what reads a stranger's bytes: `make fuzz`, and a small seeded part in the tests."""
