"""Gives the tests a ledger of tickets that no daemon has open, with an outage from 10:00 to 12:00 on 10 November."""

from tests.declare.conftest import ledgers, office

__all__ = ["ledgers", "office"]
