"""Incidents, service requests and complaints against the agreement's clocks."""
