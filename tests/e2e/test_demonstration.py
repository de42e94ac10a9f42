"""The demonstration plays by itself where nobody looks on."""

from tests.e2e.commands import demonstration


def test_the_demonstration_without_a_terminal_shows_an_outage_and_its_figures() -> None:
    done = demonstration()
    assert (done.status, done.err) == (0, "")
    assert "\nOutages\n" in done.out
    (figures,) = (line for line in done.out.splitlines() if line.startswith("lab ") and line.endswith(" met"))
    assert " %" in figures
    told = [line for line in done.out.splitlines() if line.startswith(("lab/imap: ", "lab/pop3: "))]
    assert len(told) == 4
    assert [line for line in told if " inside " not in line] == []
