"""The dashboards as code: `make dashboards` writes `grafana/dashboards/` from these files.

What a query asks for stands in the file of its dashboard; how panels look, once, in `panels`.
"""
