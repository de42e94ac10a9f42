"""The software bill of materials of what is installed: CycloneDX 1.5 in JSON, from the lock and the packages' own data.

`python .ci/sbom.py requirements.lock > sbom.json`. Nothing is asked over the network, and the same lock gives the same
bytes: no time, no serial number.
"""

import json
import re
import sys
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path
from typing import Any

_PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(\S+)", re.MULTILINE)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def components(lock: str) -> list[dict[str, Any]]:
    """One for each pinned package, with the digests that an installation accepts."""
    found = list(_PINNED.finditer(lock))
    ends = [match.start() for match in found[1:]] + [len(lock)]
    made = []
    for match, end in zip(found, ends, strict=True):
        name, pinned = match[1].lower(), match[2].rstrip("\\ ;")
        one: dict[str, Any] = {
            "type": "library",
            "bom-ref": f"pkg:pypi/{name}@{pinned}",
            "name": name,
            "version": pinned,
            "purl": f"pkg:pypi/{name}@{pinned}",
            "properties": [
                {"name": "mailuptime:accepted-sha256", "value": digest}
                for digest in _HASH.findall(lock[match.end() : end])
            ],
        }
        if licence := _licence(name):
            one["licenses"] = [{"license": {"name": licence}}]
        made.append(one)
    return made


def _licence(name: str) -> str | None:
    """As the package says, where it is installed."""
    try:
        data = distribution(name).metadata
    except PackageNotFoundError:
        return None
    said = data.get("License-Expression") or data.get("License") or ""
    classified = [line.rpartition(" :: ")[2] for line in data.get_all("Classifier") or () if line.startswith("License")]
    return (said.strip().partition("\n")[0] or ", ".join(classified))[:100] or None


def bill(lock: Path) -> dict[str, Any]:
    parts = components(lock.read_text(encoding="utf-8"))
    own = f"pkg:pypi/mailuptime@{version('mailuptime')}"
    subject = {"type": "application", "bom-ref": own, "name": "mailuptime", "version": version("mailuptime")}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": subject | {"licenses": [{"license": {"id": "GPL-3.0-or-later"}}]}},
        "components": parts,
        "dependencies": [{"ref": own, "dependsOn": [part["bom-ref"] for part in parts]}],
    }


if __name__ == "__main__":
    json.dump(bill(Path(sys.argv[1])), sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")
