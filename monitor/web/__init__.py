"""HTTP: metrics, health, API, and the control socket."""
