"""Whether a wheel holds every file of the packages: `python .ci/wheel.py WHEEL`."""

import sys
from pathlib import Path
from zipfile import ZipFile

packed = set(ZipFile(sys.argv[1]).namelist())
files = (file for package in ("monitor", "probes") for file in Path(package).rglob("*") if file.is_file())
forgotten = sorted({str(file) for file in files if "__pycache__" not in file.parts} - packed)
for name in forgotten:
    print(f"{name}: not in {sys.argv[1]}; name it in package-data of pyproject.toml", file=sys.stderr)
sys.exit(bool(forgotten))
