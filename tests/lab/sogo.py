"""Decides how a real SOGo runs: sogod over a PostgreSQL and a memcached of its own, for the tests of one webmail."""

import contextlib
import glob
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.lab.configuration import free_port
from tests.lab.ports import HOST, accepts
from tests.lab.processes import Daemon, Keeper, LabUnavailableError

USERNAME = "probe@lab.test"
SOGOD, MEMCACHED = "/usr/sbin/sogod", "/usr/bin/memcached"
PATIENCE_S = 60.0  # it makes its tables first, which on a busy machine takes a while
POSTGRES = "/usr/lib/postgresql/*/bin/postgres"


class Sogo:
    """Alive from `__enter__` to `__exit__`, with one account. Its mail server is not there: a log-in needs none."""

    def __init__(self) -> None:
        self.password = secrets.token_urlsafe(18)
        self._port, self._database, self._cache = free_port(), free_port(), free_port()
        self._daemons: list[Daemon] = []
        self._closing = contextlib.ExitStack()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._port}/SOGo/"

    def __enter__(self) -> Self:
        missing = [path for path in (SOGOD, MEMCACHED, POSTGRES) if not glob.glob(path)]  # noqa: PTH207 absolute
        if missing:
            raise LabUnavailableError("SOGo needs packages: apt-get install sogo memcached postgresql")
        with contextlib.ExitStack() as stack:
            self._home = Path(tempfile.mkdtemp(prefix="sogo-", dir="/tmp"))
            self._home.chmod(0o711)
            stack.callback(self._collect)
            keeper = stack.enter_context(Keeper(["rm", "-rf", "--", str(self._home)]))
            self._start(keeper)
            self._closing = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.close()

    def _start(self, keeper: Keeper) -> None:
        programs = Path(max(glob.glob(POSTGRES))).parent  # noqa: PTH207 absolute
        data, home = self._owned("database", "postgres"), self._owned("home", "sogo")
        initdb = [*_as("postgres"), f"{programs}/initdb", "-A", "trust", "-U", "sogo", "-N", "-D", str(data)]
        subprocess.run(initdb, check=True, capture_output=True, cwd="/")
        options = {"listen_addresses": HOST, "port": self._database, "unix_socket_directories": "", "fsync": "off"}
        flags = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        database = self._daemon("postgres", [*_as("postgres"), f"{programs}/postgres", "-D", str(data), *flags], keeper)
        self._daemon("memcached", [*_as("nobody"), MEMCACHED, "-l", HOST, "-p", str(self._cache)], keeper)
        psql = ["psql", "-qX", "-h", HOST, "-p", str(self._database), "-U", "sogo", "postgres", "-c", self._accounts]

        def filled() -> bool:
            return subprocess.run(psql, check=False, capture_output=True).returncode == 0

        database.wait_until(filled, "a database", seconds=PATIENCE_S)
        sogod = self._daemon("sogod", [*_as("sogo"), "env", f"HOME={home}", SOGOD, *self._settings(home)], keeper)
        sogod.wait_until(lambda: accepts(self._port), "a listener", seconds=PATIENCE_S)
        sogod.wait_until(self._answers, "the log-in page", seconds=PATIENCE_S)

    @property
    def _accounts(self) -> str:
        columns = "c_uid text, c_name text, c_password text, c_cn text, mail text"
        row = f"'{USERNAME}', '{USERNAME}', '{self.password}', 'Probe', '{USERNAME}'"
        return f"begin; create table accounts ({columns}); insert into accounts values ({row}); commit"

    def _settings(self, home: Path) -> list[str]:
        """As arguments, since the path of its file is fixed."""
        database = f"postgresql://sogo@{HOST}:{self._database}/postgres"
        source = f'({{type=sql;id=a;viewURL="{database}/accounts";canAuthenticate=YES;userPasswordAlgorithm=none;}})'
        settings = {
            "WONoDetach": "YES", "WOPort": f"{HOST}:{self._port}", "WOWorkersCount": "1", "WOLogFile": "-",
            "WOPidFile": f"{home}/pid", "SOGoMemcachedHost": f"{HOST}:{self._cache}", "SOGoUserSources": source,
            "SOGoProfileURL": f"{database}/profiles", "OCSFolderInfoURL": f"{database}/folders",
            "OCSSessionsFolderURL": f"{database}/sessions",
        }  # fmt: skip
        return [word for name, value in settings.items() for word in (f"-{name}", value)]

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(self.url, timeout=5) as response:
                return bool(response.status == 200)
        except OSError:
            return False

    def _daemon(self, name: str, command: list[str], keeper: Keeper) -> Daemon:
        daemon = Daemon(name, command, log=self._home / f"{name}.log", keeper=keeper)
        self._daemons.append(daemon)
        daemon.start()
        return daemon

    def _owned(self, name: str, user: str) -> Path:
        directory = self._home / name
        directory.mkdir(mode=0o700)
        if os.geteuid() == 0:
            shutil.chown(directory, user, pwd.getpwnam(user).pw_gid)
        return directory

    def _collect(self) -> None:
        for daemon in self._daemons:
            daemon.collect()


def _as(user: str) -> list[str]:
    """What runs a command as this user where it is root that asks; anybody else runs all as himself."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", f"--reuid={user}", f"--regid={pwd.getpwnam(user).pw_gid}", "--clear-groups"]
