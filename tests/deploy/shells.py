"""Interactive shells at a terminal of their own, for completion as somebody gets it who presses the tabulator."""

import os
import pty
import re
import select
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PATIENCE_S = 20.0
SHOW = b"\x18"  # Ctrl-X, to which each start file binds a widget that prints the line
_BASH = r"""
PS1='READY> '
bind 'set enable-bracketed-paste off'
source {script}
show() {{ printf 'LINE<%s>\n' "$READLINE_LINE"; READLINE_LINE=; }}
bind -x '"\C-x": show'
"""
_ZSH = r"""
PS1='READY> '
unset zle_bracketed_paste
fpath=({script.parent} $fpath)
autoload -U compinit
compinit -u -D
show() {{ zle -I; print -r -- "LINE<$BUFFER>"; BUFFER=; }}
zle -N show
bindkey "^X" show
"""
STARTS = {"bash": (["bash", "--noprofile", "--rcfile", "{start}", "-i"], _BASH), "zsh": (["zsh", "-d", "-i"], _ZSH)}


class Terminal:
    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._seen = ""

    def complete(self, typed: str) -> str:
        """The line after the tabulator was pressed at its end."""
        os.write(self._descriptor, typed.encode() + b"\t" + SHOW)
        return self.until(r"LINE<([^>]*)>")[1]

    def until(self, pattern: str) -> re.Match[str]:
        """Read on until something is seen; what comes before it is forgotten."""
        deadline = time.monotonic() + PATIENCE_S
        while not (found := re.search(pattern, self._seen)):
            ready, _, _ = select.select([self._descriptor], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, f"{pattern} was not seen in {self._seen!r}"
            self._seen += os.read(self._descriptor, 65536).decode(errors="replace")
        self._seen = self._seen[found.end() :]
        return found


@contextmanager
def terminal(shell: str, script: Path, directory: Path) -> Iterator[Terminal]:
    """A shell in `directory` that has loaded the script of completion, and nobody's own start files."""
    command, start = STARTS[shell]
    place = directory / (".zshrc" if shell == "zsh" else ".start")
    place.write_text(start.format(script=script), encoding="utf-8")
    environment = {"PATH": os.environ["PATH"], "TERM": "dumb", "HOME": str(directory), "ZDOTDIR": str(directory)}
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [part.format(start=place) for part in command],
        stdin=theirs, stdout=theirs, stderr=theirs, cwd=directory, env=environment, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    try:
        made = Terminal(ours)
        made.until("READY> ")
        yield made
    finally:
        process.kill()
        process.wait()
        os.close(ours)
