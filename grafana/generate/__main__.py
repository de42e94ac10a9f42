"""Write every dashboard into `grafana/dashboards/`."""

from pathlib import Path

from grafana.generate.dashboards import written

for name, text in written().items():
    (Path(__file__).parents[1] / "dashboards" / name).write_text(text, encoding="utf-8")
