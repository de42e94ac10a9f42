"""Whether a locked package has a known vulnerability: 0 none has, 1 one has, 3 not every package was asked about.

pip-audit itself ends well where its database does not know a package at all, or cannot be reached. That is no answer,
and is said here.
"""

import json
import subprocess
import sys

LOCKS = ("requirements.lock", "requirements-dev.lock")


def main() -> int:
    known, unasked, vulnerable = 0, [], []
    for lock in LOCKS:
        command = [sys.executable, "-m", "pip_audit", "-r", lock, "--require-hashes", "--disable-pip"]
        done = subprocess.run(  # noqa: S603 - our own program
            [*command, "--progress-spinner", "off", "--format", "json"], capture_output=True, text=True, check=False
        )
        try:
            packages = json.loads(done.stdout)["dependencies"]
        except (ValueError, KeyError):
            why = (done.stderr.strip().splitlines() or ["no answer"])[-1]
            print(f"audit: NOT ASKED: {lock}: {why}", file=sys.stderr)
            return 3
        unasked += [f"{one['name']} {one.get('version', '')}".strip() for one in packages if "skip_reason" in one]
        known += sum("vulns" in one for one in packages)
        vulnerable += [
            f"{one['name']} {one['version']}: {found['id']}, mended in {', '.join(found['fix_versions']) or 'none'}"
            for one in packages
            for found in one.get("vulns", ())
        ]
    print(*dict.fromkeys(vulnerable), sep="\n", end="\n" if vulnerable else "")
    print(f"audit: {known} packages asked about, {len(set(vulnerable))} known vulnerabilities")
    if unasked:
        what = f"audit: NOT ASKED: the database answered nothing about {len(unasked)} packages, such as {unasked[0]}"
        print(what, file=sys.stderr)
    return 1 if vulnerable else 3 if unasked else 0


if __name__ == "__main__":
    sys.exit(main())
