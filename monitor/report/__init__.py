"""The monthly service report (section 8 of the agreement): gathered once from a ledger, then written in any format."""
