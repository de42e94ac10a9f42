"""Decides what a lab consists of, in which order it starts, and which faults it can suffer."""

import contextlib
import dataclasses
import glob
import os
import pwd
import secrets
import shutil
import ssl
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from tests.lab import dovecot, postfix, webmail
from tests.lab.certificates import Certificates, issue
from tests.lab.dovecot import Account, Dovecot, Impostor
from tests.lab.ports import HOST, Ports, reserved_ports
from tests.lab.postfix import Postfix
from tests.lab.processes import Change, Keeper, LabUnavailableError
from tests.lab.tokens import Tokens
from tests.lab.webmail import Webmail

Freezable = Literal["imap-login", "auth", "smtpd"]

_OTHERS = ("alice", "bob", "carol")
_PROVIDERS = {  # patterns of files, since PHP's lie under its version
    dovecot.EXECUTABLE: "dovecot-core",
    "/usr/lib/dovecot/imap-login": "dovecot-imapd",
    "/usr/lib/dovecot/pop3-login": "dovecot-pop3d",
    "/usr/lib/dovecot/managesieve-login": "dovecot-managesieved",
    "/usr/lib/dovecot/lmtp": "dovecot-lmtpd",
    postfix.EXECUTABLE: "postfix",
    webmail.NGINX: "nginx-light",
    str(webmail.SCHEMA): "roundcube-core",
    str(webmail.DEFAULTS): "roundcube-core",
    webmail.PHP_FPM: "php-fpm",
    "/usr/lib/php/*/dom.so": "php-xml",
    "/usr/lib/php/*/intl.so": "php-intl",
    "/usr/lib/php/*/mbstring.so": "php-mbstring",
    "/usr/lib/php/*/pdo_sqlite.so": "php-sqlite3",
}


class Lab:
    """Real mail servers on loopback, alive from `__enter__` to `__exit__`.

    `directory` gets the CA, the password files and the logs, and keeps them; without one they go with the lab, as
    do the servers' own files, in a short directory under /tmp that every system user can traverse.
    `dovecot_extra` is more configuration for the Dovecot that serves everything, `users` are more accounts.
    Raises LabUnavailableError on entering where the machine lacks something.
    """

    host = HOST
    directory: Path
    ports: Ports
    ca_file: Path
    context: ssl.SSLContext  # trusts the lab's CA and nothing else
    webmail_url: str

    def __init__(
        self, directory: Path | None = None, *, dovecot_extra: str = "", users: Sequence[str] = (), probe: str = "probe"
    ) -> None:
        self._users = (probe, *_OTHERS, *users)
        self._dovecot_extra = dovecot_extra
        self._given_directory = directory
        self._accounts: dict[str, Account] = {}
        self._servers: list[Webmail | Postfix | Dovecot | Impostor] = []
        self._closing = contextlib.ExitStack()

    def __enter__(self) -> Self:
        _demand_packages()
        in_namespace = postfix.namespace()
        with contextlib.ExitStack() as stack:
            self.ports = stack.enter_context(reserved_ports())
            self._run = Path(tempfile.mkdtemp(prefix="lab-", dir="/tmp"))
            self._run.chmod(0o711)  # names within are guessable, but nothing is listed
            stack.callback(self._collect)
            keeper = stack.enter_context(Keeper([*in_namespace, "rm", "-rf", "--", str(self._run)]))
            with _umask(0o022):  # other users' servers read what is written here; secrets have modes of their own
                self._build(keeper)
            self._start()
            self._closing = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.close()

    @property
    def accounts(self) -> tuple[Account, ...]:
        """All mailboxes with their present passwords; the first is the probe's."""
        return tuple(self._accounts.values())

    @property
    def probe(self) -> Account:
        return self.accounts[0]

    @property
    def password_file(self) -> Path:
        return self.probe.password_file

    def token(self, seconds: float = 3600) -> str:
        """A bearer token of the probe's account for XOAUTH2, valid for so many seconds."""
        return self._tokens.issue(self.probe.username, seconds)

    def stop_dovecot(self) -> Change:
        return self._dovecot.stop()

    def start_dovecot(self) -> Change:
        return self._dovecot.start()

    def configure_postfix(self, **parameters: str) -> None:
        """Restart it with other parameters of main.cf."""
        self._postfix.configure(**parameters)

    def stop_postfix(self) -> Change:
        return self._postfix.stop()

    def start_postfix(self) -> Change:
        return self._postfix.start()

    def stop_webmail(self) -> Change:
        return self._webmail.stop()

    def start_webmail(self) -> Change:
        return self._webmail.start()

    def freeze(self, name: Freezable) -> Change:
        """Suspend it as an overloaded host would: connections are still accepted, nothing answers.

        `imap-login` hangs before TLS, `smtpd` before the banner, `auth` at every login and SMTP AUTH (in an
        smtpd that has not spoken to `auth` yet, at the EHLO that would offer AUTH).
        """
        return self._postfix.freeze() if name == "smtpd" else self._dovecot.freeze(name)

    def thaw(self, name: Freezable) -> Change:
        """Return when the service answers again."""
        return self._postfix.thaw() if name == "smtpd" else self._dovecot.thaw(name, self.probe)

    def change_password(self, username: str, password: str | None = None) -> Change:
        """Give the account this or a random password; return when the old one fails.

        The account's password file keeps what it held, as it does where somebody changes a password and
        forgets the monitor. With the password from that file, the change is undone.
        """
        old = self._accounts[username]
        new = dataclasses.replace(old, password=password or secrets.token_urlsafe(18))
        before = time.time()
        self._accounts[username] = new
        dovecot.write_users(self._run / "users", self._accounts)
        self._dovecot.wait_for_verdict(old, accepted=False)
        self._dovecot.wait_for_verdict(new, accepted=True)
        return Change(before, time.time())

    def hold_delivery(self) -> Change:
        """Let Postfix accept mail that it cannot hand to the mailboxes, until `release_delivery`.

        Dovecot must not be restarted meanwhile: it would make the path anew.
        """
        before = time.time()
        self._dovecot.lmtp_socket.rename(self._run / "lmtp-held")
        return Change(before, time.time())

    def release_delivery(self) -> Change:
        """Make delivery possible again; Postfix retries every two seconds."""
        before = time.time()
        (self._run / "lmtp-held").rename(self._dovecot.lmtp_socket)
        return Change(before, time.time())

    def _build(self, keeper: Keeper) -> None:
        run, ports = self._run, self.ports
        self.directory = (self._given_directory or run / "own").resolve()
        logs = self.directory / "log"
        logs.mkdir(parents=True, exist_ok=True)
        certificates = issue(run)
        self.ca_file = Path(shutil.copy(certificates.ca, self.directory / "ca.pem"))
        self.context = ssl.create_default_context(cafile=self.ca_file)
        self.webmail_url = f"https://localhost:{ports.https}/"
        self._open_accounts()
        self._dovecot = Dovecot(
            run / "dovecot",
            run,
            certificate=certificates.server,
            logs=logs,
            keeper=keeper,
            ports=ports,
            extra=self._dovecot_extra,
        )
        self._postfix = Postfix(
            run / "postfix",
            certificate=certificates.server,
            bad_certificate=certificates.doubly_bad,
            recipients=list(self._accounts),
            lmtp=self._dovecot.lmtp_socket,
            sasl=self._dovecot.sasl_socket,
            logs=logs,
            ports=ports,
            keeper=keeper,
        )
        self._webmail = Webmail(
            run / "web",
            certificate=certificates.server,
            bad_certificate=certificates.doubly_bad,
            ca=certificates.ca,
            logs=logs,
            ports=ports,
            keeper=keeper,
        )
        impostors = self._build_impostors(certificates, logs, keeper)
        self._servers = [self._webmail, self._postfix, self._dovecot, *impostors]

    def _build_impostors(self, certificates: Certificates, logs: Path, keeper: Keeper) -> list[Impostor]:
        ports = self.ports
        bad = {
            "expired": (certificates.expired, [("imap", 0, ports.imaps_expired)]),
            "wrong-name": (certificates.wrong_name, [("imap", 0, ports.imaps_wrong_name)]),
            "untrusted": (certificates.untrusted, [("imap", 0, ports.imaps_untrusted)]),
            "doubly-bad": (
                certificates.doubly_bad,
                [("imap", ports.imap_bad, ports.imaps_bad), ("pop3", ports.pop3_bad, ports.pop3s_bad)],
            ),
        }
        return [
            Impostor(self._run / name, self._run, certificate=certificate, doors=doors, logs=logs, keeper=keeper)
            for name, (certificate, doors) in bad.items()
        ]

    def _open_accounts(self) -> None:
        passwords = self.directory / "passwords"
        passwords.mkdir(mode=0o700, exist_ok=True)
        for user in self._users:
            account = Account(f"{user}@lab.test", secrets.token_urlsafe(18), passwords / user)
            account.password_file.touch(mode=0o600)
            account.password_file.write_text(account.password + "\n")
            self._accounts[account.username] = account
        dovecot.write_users(self._run / "users", self._accounts)
        self._tokens = Tokens(self._run / "keys")
        mail = self._run / "mail"
        mail.mkdir(mode=0o700)
        owner = pwd.getpwnam(dovecot.mail_user())
        os.chown(mail, owner.pw_uid, owner.pw_gid)

    def _start(self) -> None:
        """Launch all, then wait for all: the start takes as long as the slowest."""
        for server in self._servers:
            server.launch()
        for server in self._servers:
            server.wait_until_up()

    def _collect(self) -> None:
        for server in self._servers:
            server.collect()


@contextlib.contextmanager
def _umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def _demand_packages() -> None:
    missing = {package for pattern, package in _PROVIDERS.items() if not glob.glob(pattern)}  # noqa: PTH207 absolute
    if missing:
        names = " ".join(sorted(missing))
        raise LabUnavailableError(f"the lab needs Debian packages that are missing: apt-get install {names}")
