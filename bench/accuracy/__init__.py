"""How far what is recorded of an outage lies from what happened: `make accuracy`."""
