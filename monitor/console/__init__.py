"""The console at `/console/`: declare, excuse, approve, look at evidence; behind authentication, without scripts.

Views are functions from a visit to what is shown; whatever they change goes through the desk, as commands do.
"""
