"""Manual pages and completions are made from the program, and are what man, bash and zsh take."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from monitor.cli import parser
from monitor.cli.completion import SHELLS
from monitor.cli.manual import PAGES
from monitor.cli.tree import commands, takes_file
from monitor.settings import LISTS, SECTIONS
from tests.deploy.shells import terminal

EVERY = list(commands(parser()))


def rendered(name: str, directory: Path) -> str:
    """The page as man shows it, once it has no complaint."""
    (directory / name).write_text(PAGES[name](), encoding="utf-8")
    environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "MANROFFSEQ": "", "MANWIDTH": "200"}
    shown = subprocess.run(
        ["man", "--warnings", "-l", name], cwd=directory, env=environment, capture_output=True, text=True, check=False
    )
    assert (shown.returncode, shown.stderr) == (0, "")
    return re.sub("\u2010\n *", "-", shown.stdout)


@pytest.mark.skipif(not shutil.which("man"), reason="man is missing: apt-get install man-db")
def test_the_manual_page_has_every_command_and_option(tmp_path: Path) -> None:
    page = rendered("mailuptime.1", tmp_path)
    assert "mailuptime - knows whether a mail service keeps the availability" in page
    names = [" ".join(one.path) for one in EVERY if not one.children]
    assert [name for name in names if f"\n   {name}\n" not in page] == []
    options = {option for one in EVERY for action in one.options for option in action.option_strings}
    assert [option for option in options - {"-h", "--help", "--version"} if option not in page] == []
    assert re.search(r"^ +78 +configuration refused", page, re.MULTILINE)


@pytest.mark.skipif(not shutil.which("man"), reason="man is missing: apt-get install man-db")
def test_the_manual_page_of_the_configuration_has_every_section_and_key(tmp_path: Path) -> None:
    page = rendered("mailuptime.yaml.5", tmp_path)
    assert [name for name in (*SECTIONS, *LISTS) if f"\n{name}\n" not in page and f"       {name}" not in page] == []
    assert re.search(r"availability\n +The promised availability\.\n +\(percentage; default 99\.5%", page)
    assert not re.search(r"\*\*|`", page)


@pytest.mark.parametrize("shell", SHELLS)
def test_completion_finishes_commands_options_values_and_files(shell: str, tmp_path: Path) -> None:
    if not shutil.which(shell):
        pytest.skip(f"{shell} is missing: apt-get install {shell}")
    script = tmp_path / "_mailuptime"
    script.write_text(SHELLS[shell](), encoding="utf-8")
    home = tmp_path / "home"
    home.mkdir()
    (home / "other.yaml").touch()
    with terminal(shell, script, home) as terminal_:
        for typed, completed in {
            "mailuptime mainte": "mailuptime maintenance ",
            "mailuptime maintenance sho": "mailuptime maintenance shorten ",
            "mailuptime sla --mo": "mailuptime sla --month",
            "mailuptime sla --format cs": "mailuptime sla --format csv ",
            "mailuptime sla --format=cs": "mailuptime sla --format=csv ",
            "mailuptime exclude add --category bus": "mailuptime exclude add --category business_continuity ",
            "mailuptime check-config -c oth": "mailuptime check-config -c other.yaml ",
            "mailuptime replay oth": "mailuptime replay other.yaml ",
            "mailuptime run --nothing": "mailuptime run --nothing",
        }.items():
            assert terminal_.complete(typed).rstrip("= ") == completed.rstrip(), typed


def test_bash_offers_every_command_and_option(tmp_path: Path) -> None:
    script = tmp_path / "completion"
    script.write_text(SHELLS["bash"](), encoding="utf-8")
    ask = 'source "$1"; shift; COMP_WORDS=(mailuptime "$@" ""); COMP_CWORD=$(($# + 1)); '
    ask += '_mailuptime mailuptime "" "${!#}"; printf "%s\\n" "${COMPREPLY[@]}"'
    for one in EVERY:
        offered = subprocess.run(
            ["bash", "-c", ask, "bash", script, *one.path], capture_output=True, text=True, check=True
        ).stdout.split()
        options = {option for action in one.options for option in action.option_strings}
        if not any(map(takes_file, one.arguments)):  # where files are offered in their place
            assert options | set(one.children) <= set(offered), one.path
