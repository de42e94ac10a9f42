"""A `ca_file` that cannot be used is one line and status 78, whichever command meets it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.commands import assert_refused, mailuptime
from tests.e2e.written import written


@pytest.mark.parametrize("command", ["check-config", "probe", "run"])
@pytest.mark.parametrize(
    ("make", "said"),
    [
        (Path.mkdir, "not a file"),
        (lambda path: path.write_text("garbage"), "no certificate in PEM in it"),
        (lambda path: path.symlink_to("/dev/zero"), "not a file"),
        (lambda _: None, "No such file or directory"),
    ],
    ids=["a-directory", "garbage", "a-device", "missing"],
)
def test_authorities_that_cannot_be_read_are_told_in_one_line(
    command: str, make: Callable[[Path], object], said: str, place: Path
) -> None:
    file = place / "ca.pem"
    make(file)
    target = {"name": "imap", "type": "imap", "host": "localhost", "tls": {"mode": "implicit", "ca_file": str(file)}}
    assert_refused(mailuptime(command, "-c", written(place, target)), 78, f"ca_file {file}: {said}")
