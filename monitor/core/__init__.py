"""The accounting: pure arithmetic over recorded facts, in exact integer microseconds.

Nothing here reads a clock, a file or a socket; every instant is an argument. The rules R1 to R16 that code and
tests cite are those of `docs/ACCOUNTING.md`.
"""

ACCOUNTING_VERSION = 1
"""Recorded with every closed month; a change of any rule raises it."""
