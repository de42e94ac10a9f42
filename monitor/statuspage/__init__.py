"""The status page: customers see for themselves.

`observing` pictures in the daemon what is shown, `keeper` keeps a process of its own that shows it, and `process`, with
all that it uses, is that process: readers, however many and however hostile, take no time from checks. What crosses
between the two is in `view`, and it crosses in one direction.
"""
