"""Alerts without Prometheus: the rules of `config/prometheus/rules` over the daemon's snapshots, and their sending."""
