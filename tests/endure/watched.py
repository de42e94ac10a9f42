"""What a process holds, as the kernel counts it."""

import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Holding:
    memory: float  # resident, MiB
    descriptors: int
    threads: int


def holding(pid: int) -> Holding:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    kilobytes, threads = (int(number(status, name)) for name in ("VmRSS", "Threads"))
    return Holding(kilobytes / 1024, sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir()), threads)


def mapped(pid: int) -> int:
    """Bytes of its address space, which `RLIMIT_AS` limits."""
    return int(number(Path(f"/proc/{pid}/status").read_text(encoding="utf-8"), "VmSize")) * 1024


def number(text: str, name: str) -> float:
    """The first number after a name at the start of a line; 0 where there is none."""
    found = re.search(rf"^{re.escape(name)}:?\s+([-+.\de]+)", text, re.MULTILINE)
    return float(found[1]) if found else 0.0
