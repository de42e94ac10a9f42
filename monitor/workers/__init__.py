"""Probe processes: checks are made in processes of their own, and judged, recorded and shown in the daemon's.

`pool` is the daemon's side, `process` the other, `wire` what they say to each other.
"""
