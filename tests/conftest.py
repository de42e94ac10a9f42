"""Gives every test the fixtures of the lab."""

pytest_plugins = ["tests.lab.fixtures"]
