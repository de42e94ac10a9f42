"""A machine with a really booted systemd: this machine's own files under an overlay, in a container of its own.

It boots in a second and a half. Nothing that happens in it is seen outside, and all of it ends with the test.
"""

import json
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.lab.processes import LabError, wait_until

ROOT = Path(__file__).parents[2]
PATIENCE_S = 40.0
PAUSE_S = 0.1
"""Between looks; each is a process."""
BOOT = "systemd.unit=basic.target"
_ENTER = ("-m", "-u", "-i", "-n", "-p", "-C")
_SHUTDOWN = 38  # SIGRTMIN+4: power off, as systemd(1) takes it
_USELESS = ("tmpfiles-setup", "random-seed", "update-utmp", "udevd", "timesyncd", "networkd-wait-online")
"""Of no use in a container, or slow."""

_ASSEMBLE = """
set -eu
mount -t tmpfs tmpfs "$place"
mkdir "$place/upper" "$place/work" "$place/root"
for layer in $layers; do cp -a "$layer/." "$place/upper"; done
mount -t overlay overlay -o "lowerdir=/,upperdir=$place/upper,workdir=$place/work" "$place/root"
"""
_PREPARE = """
cd "$place/root"
rm -f .dockerenv usr/sbin/policy-rc.d
rm -rf etc/systemd/system/*.wants
: > etc/machine-id
for unit in $useless; do ln -sf /dev/null "etc/systemd/system/systemd-$unit.service"; done
SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 exec systemd-nspawn --quiet --directory="$place/root" --boot --register=no \\
    --keep-unit --private-network --console=pipe --link-journal=no --capability=all \\
    --system-call-filter="bpf perf_event_open" "$@"
"""


def patiently(condition: Callable[[], bool], what: str) -> None:
    """Return once the condition holds; raise LabError where it never does."""
    wait_until(condition, what, seconds=PATIENCE_S, pause=PAUSE_S)


def obstacle() -> str | None:
    """Why this machine cannot boot another, in one line; None where it can."""
    if os.geteuid() != 0:
        return "booting a systemd takes root"
    if not shutil.which("systemd-nspawn"):
        return "systemd-nspawn is missing: apt-get install systemd-container"
    with tempfile.TemporaryDirectory() as place:
        environment = os.environ | {"place": place, "layers": ""}
        tried = subprocess.run(
            ["unshare", "-m", "sh", "-c", _ASSEMBLE], env=environment, capture_output=True, text=True, check=False
        )
    return f"no overlay can be mounted here: {tried.stderr.strip().splitlines()[-1]}" if tried.returncode else None


class Machine:
    """Booted from `__enter__` to `__exit__`. `layers` are directories that lie over this machine's files.

    `binds` are directories of this machine, by where they are seen in the other.
    """

    def __init__(self, directory: Path, *layers: Path, binds: dict[str, Path] | None = None) -> None:
        self._log = directory / "console.log"
        self._place = directory / "machine"
        self._layers = layers
        self._binds = binds or {}
        self._leader = 0

    def __enter__(self) -> Self:
        self._place.mkdir(parents=True)
        environment = os.environ | {
            "place": str(self._place),
            "layers": " ".join(map(str, self._layers)),
            "useless": " ".join(_USELESS),
        }
        binds = [f"--bind-ro={path}:{seen}" for seen, path in self._binds.items()]
        # Mounts in a namespace of their own, and a signal at this process' death: nothing stays behind.
        command = ["setpriv", "--pdeathsig", "KILL", "unshare", "-m", "sh", "-c", _ASSEMBLE + _PREPARE, "sh"]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*command, *binds, BOOT], env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            patiently(self._booted, "the machine boots")
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(ProcessLookupError):
            os.kill(self._leader, _SHUTDOWN)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        self._end()

    def _end(self) -> None:
        self._process.kill()
        self._process.wait()

    def _booted(self) -> bool:
        if self._process.poll() is not None:
            raise LabError(f"the machine did not boot\n{self._log.read_text(errors='replace')[-2000:]}")
        if not self._leader:
            with suppress(FileNotFoundError):
                pid = self._process.pid
                children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
                if children and Path(f"/proc/{children[0]}/comm").read_text(encoding="ascii") == "systemd\n":
                    self._leader = int(children[0])
            return False
        return self.run("systemctl", "is-active", "-q", "basic.target", check=False).returncode == 0

    def run(
        self, *command: str | Path, check: bool = True, given: str | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """A command in the machine, as root; `given` is its standard input."""
        clean = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", **environment}
        done = subprocess.run(
            ["nsenter", "-t", str(self._leader), *_ENTER, *map(str, command)],
            env=clean,
            input=given,
            stdin=subprocess.DEVNULL if given is None else None,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        if check and done.returncode:
            said = f"{done.stdout}{done.stderr}".strip()
            raise LabError(f"{shlex.join(map(str, command))} ended with status {done.returncode}\n{said}")
        return done

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        self.run("install", "-D", "-m", f"{mode:o}", "/dev/stdin", path, given=text)

    def read(self, path: str) -> str:
        return self.run("cat", path).stdout

    def show(self, unit: str, *properties: str) -> dict[str, str]:
        """Properties of a unit, by name."""
        shown = self.run("systemctl", "show", unit, *(f"-p{one}" for one in properties)).stdout
        return dict(line.split("=", 1) for line in shown.splitlines())

    def property(self, unit: str, name: str) -> str:
        return self.show(unit, name)[name]

    def until(self, unit: str, **wanted: str) -> None:
        """Return once the unit's properties are as wanted; on the way it may be anything."""

        def holds() -> bool:
            shown = self.show(unit, *wanted)
            return all(wanted[name] == shown[name] for name in wanted)

        try:
            patiently(holds, f"{unit}: {wanted}")
        except LabError as error:
            status = self.run("systemctl", "status", "--no-pager", unit, check=False).stdout
            raise LabError(f"{error}\n{status}") from None

    def journal(self, unit: str) -> list[dict[str, Any]]:
        """Every entry of the unit's, with all its fields."""
        said = self.run("journalctl", "-q", "--no-pager", "-o", "json", "-u", unit).stdout
        return [json.loads(line) for line in said.splitlines()]
