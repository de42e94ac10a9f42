"""Security facts: what a mail service should refuse, and what its domain should publish.

They stand beside availability and never inside it: no fact makes a service down.
"""
