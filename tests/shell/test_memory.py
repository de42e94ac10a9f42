"""What was taken for a moment goes back to the machine."""

import gc
import subprocess
import sys

import pytest

from monitor import memory

PINNED = """
from monitor import memory
memory.lean()
def held():
    return int(open("/proc/self/statm").read().split()[1]) * 4096
bytearray(1 << 20)  # what glibc would learn from
before, blocks, small = held(), [], []
for _ in range(100):  # a small block above each large one, as keeps a heap from shrinking
    blocks.append(bytearray(1 << 20))
    small.append(bytearray(1000))
while_held = held()
del blocks
print(while_held - before, held() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="of glibc")
def test_large_blocks_leave_nothing_behind() -> None:
    done = subprocess.run([sys.executable, "-c", PINNED], capture_output=True, text=True, check=True)
    while_held, after = map(int, done.stdout.split())
    assert while_held > 100 << 20
    assert after < 10 << 20


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda _: object())
    memory.lean()
    assert not gc.isenabled()
    memory.settle()
    assert gc.isenabled()
    gc.unfreeze()
