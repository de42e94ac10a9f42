"""Decides how Dovecot is configured, and when it is up, down or suspended.

Differences from a production server, all so that one test cannot slow or spoil another: no delay after a
failed login, neither per connection nor per address (the auth penalty), one login process per protocol, so
that suspending it is felt by every client, and no fsync of mail. A difference nobody chose: Dovecot calls a
client that comes from the server's own address secure, so a login before STARTTLS is not refused here. As
root it drops privileges to the packaged users; as a plain user everything runs as that user.
"""

import grp
import os
import pwd
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.lab.ports import HOST, Ports, accepts, greets, greets_by_tls, logs_in, refuses
from tests.lab.processes import Change, Daemon, Keeper, resume, suspend, wait_until
from tests.lab.tokens import OAUTH2

EXECUTABLE = "/usr/sbin/dovecot"
QUOTA_BYTES = 64 << 20
Child = Literal["imap-login", "auth"]
Door = tuple[str, int, int]
"""A protocol with its ports, for STARTTLS and with TLS from the first byte; 0 for none."""

_COMMON = r"""
base_dir = {run}/base
state_dir = {run}/state
log_path = {log}
default_internal_user = {internal_user}
default_internal_group = {internal_group}
default_login_user = {login_user}
first_valid_uid = 1
first_valid_gid = 1
auth_mechanisms = plain login cram-md5 apop xoauth2
auth_failure_delay = 0
passdb {{
  driver = passwd-file
  mechanisms = none plain login cram-md5 apop
  args = {users}
}}
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {run}/oauth2.conf
}}
userdb {{
  driver = static
  args = uid={mail_user} gid={mail_group} home={mail}/%n
}}
mail_location = maildir:~/Maildir
mail_fsync = never
mail_plugins = quota
plugin {{
  quota = count:User quota
  quota_grace = 0
  quota_rule = *:storage={quota_kib}
  quota_vsizes = yes
}}
mail_max_userip_connections = 10000
namespace inbox {{
  inbox = yes
  mailbox Junk {{
    auto = create
    special_use = \Junk
  }}
}}
ssl = required
ssl_cert = <{certificate}
ssl_key = <{certificate}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service auth {{
  user = {auth_user}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
service imap {{
  process_limit = 512
}}
"""

_LOGIN = """
service {protocol}-login {{
  chroot =
  service_count = 0
  process_min_avail = 1
  process_limit = 1
  client_limit = 1000
  inet_listener {protocol} {{
    address = {host}
    port = {plain}
  }}
  inet_listener {protocol}s {{
    address = {host}
    port = {tls}
    ssl = yes
  }}
}}
"""

_SIEVE = """
service managesieve-login {{
  chroot =
  service_count = 0
  process_min_avail = 1
  process_limit = 1
  inet_listener sieve {{
    address = {host}
    port = {port}
  }}
}}
"""

_FOR_POSTFIX = """
postmaster_address = postmaster@lab.test
lmtp_save_to_detail_mailbox = yes
service lmtp {{
  unix_listener {lmtp} {{
    mode = 0666
  }}
  inet_listener lmtp {{
    address = {host}
    port = {port}
  }}
}}
service auth {{
  unix_listener {sasl} {{
    mode = 0666
  }}
}}
"""


@dataclass(frozen=True)
class Account:
    """A mailbox and the file (mode 0600) that holds the password it had when the lab started."""

    username: str
    password: str
    password_file: Path

    def __repr__(self) -> str:
        return f"Account({self.username})"


def write_users(users: Path, accounts: dict[str, Account]) -> None:
    """Replace the passwd-file in one step, so that Dovecot never reads half of it.

    Dovecot compares size and whole seconds of the modification time: two versions may share neither pair.
    """
    age = users.stat().st_mtime + 1 if users.exists() else time.time() - 3600
    fresh = users.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_text("".join(f"{a.username}:{{PLAIN}}{a.password}::::::\n" for a in accounts.values()))
    os.utime(fresh, (age, age))
    fresh.replace(users)


class Dovecot:
    """The instance that serves everything."""

    def __init__(
        self,
        run: Path,
        shared: Path,
        *,
        certificate: Path,
        logs: Path,
        keeper: Keeper,
        ports: Ports,
        extra: str = "",
    ) -> None:
        self.sasl_socket = run / "sasl"
        self.lmtp_socket = run / "lmtp"
        self._ports = ports
        links = _FOR_POSTFIX.format(host=HOST, port=ports.lmtp, lmtp=self.lmtp_socket, sasl=self.sasl_socket)
        text = "".join(
            (
                "protocols = imap pop3 lmtp sieve\nprotocol imap {\n  mail_plugins = quota imap_quota\n}\n",
                _LOGIN.format(protocol="imap", host=HOST, plain=ports.imap, tls=ports.imaps),
                _LOGIN.format(protocol="pop3", host=HOST, plain=ports.pop3, tls=ports.pop3s),
                _SIEVE.format(host=HOST, port=ports.sieve),
                links,
                extra,
            )
        )
        self._daemon = _daemon(
            "dovecot", text, run=run, shared=shared, certificate=certificate, logs=logs, keeper=keeper
        )

    def launch(self) -> None:
        """Start it without waiting."""
        self._daemon.start()

    def wait_until_up(self) -> None:
        ports = self._ports
        # "* OK Waiting for authentication process" is a greeting, too, but not yet a service
        self._daemon.wait_until(lambda: greets(ports.imap, b"* OK [CAPABILITY"), "an IMAP greeting")
        self._daemon.wait_until(lambda: greets(ports.pop3, b"+OK"), "a POP3 greeting")
        self._daemon.wait_until(lambda: greets(ports.sieve, b'"IMPLEMENTATION"'), "a ManageSieve greeting")
        self._daemon.wait_until(lambda: accepts(ports.lmtp), "its LMTP port")

    def start(self) -> Change:
        before = time.time()
        self.launch()
        self.wait_until_up()
        return Change(before, time.time())

    def stop(self) -> Change:
        """Return when all its ports refuse connections and its processes have ended.

        The master waits a second for children that serve nobody, its ports accepting still. They are killed
        once the login processes are gone, so that the instants of the change lie close together.
        """
        ports = self._ports
        listening = (ports.imap, ports.imaps, ports.pop3, ports.pop3s, ports.sieve, ports.lmtp)
        logins = ("imap-login", "pop3-login", "managesieve-login")
        before = time.time()
        self._daemon.terminate()
        wait_until(lambda: not self._daemon.members(*logins), "Dovecot's login processes to end")
        self._daemon.settle(patience=0)
        wait_until(lambda: all(refuses(port) for port in listening), "Dovecot's ports to refuse")
        return Change(before, time.time())

    def freeze(self, child: Child) -> Change:
        before = time.time()
        pids = self._daemon.members(child)
        assert pids, f"Dovecot has no {child} process"
        suspend(pids)
        return Change(before, time.time())

    def thaw(self, child: Child, account: Account) -> Change:
        """Return when a login succeeds again."""
        before = time.time()
        resume(self._daemon.members(child))
        self.wait_for_verdict(account, accepted=True)
        return Change(before, time.time())

    def wait_for_verdict(self, account: Account, *, accepted: bool) -> None:
        self._daemon.wait_until(
            lambda: logs_in(self._ports.imaps, account.username, account.password) is accepted,
            f"a login as {account.username} to be {'accepted' if accepted else 'refused'}",
        )

    def collect(self) -> None:
        self._daemon.collect()


class Impostor:
    """IMAP over TLS, and what else is asked for, with a certificate that no client should accept.

    An instance of its own per certificate: Dovecot can choose one by address or SNI name, not by port.
    """

    def __init__(
        self, run: Path, shared: Path, *, certificate: Path, doors: list[Door], logs: Path, keeper: Keeper
    ) -> None:
        self._port = doors[0][2]
        logins = "".join(_LOGIN.format(protocol=name, host=HOST, plain=plain, tls=tls) for name, plain, tls in doors)
        text = f"protocols = {' '.join(name for name, _, _ in doors)}\n{logins}"
        self._daemon = _daemon(
            f"dovecot-{run.name}",
            text,
            run=run,
            shared=shared,
            certificate=certificate,
            logs=logs,
            keeper=keeper,
        )

    def launch(self) -> None:
        """Start it without waiting."""
        self._daemon.start()

    def wait_until_up(self) -> None:
        self._daemon.wait_until(lambda: greets_by_tls(self._port, b"* OK [CAPABILITY"), "an IMAP greeting")

    def collect(self) -> None:
        self._daemon.collect()


def mail_user() -> str:
    """Who owns the mail: Dovecot refuses to serve mailboxes of root."""
    return "nobody" if os.geteuid() == 0 else _own_name()


def _daemon(name: str, text: str, *, run: Path, shared: Path, certificate: Path, logs: Path, keeper: Keeper) -> Daemon:
    run.mkdir(mode=0o755)
    log = logs / f"{name}.log"
    common = _COMMON.format(
        run=run,
        log=log,
        users=shared / "users",
        mail=shared / "mail",
        certificate=certificate,
        quota_kib=QUOTA_BYTES // 1024,
        **_identities(),
    )
    (run / "oauth2.conf").write_text(OAUTH2.format(keys=shared / "keys"))
    configuration = run / "dovecot.conf"
    configuration.write_text(common + text)
    return Daemon(name, [EXECUTABLE, "-F", "-c", str(configuration)], log=log, keeper=keeper)


def _identities() -> dict[str, str]:
    owner = pwd.getpwnam(mail_user())
    plain = os.geteuid() != 0
    return {
        "internal_user": owner.pw_name if plain else "dovecot",
        "internal_group": grp.getgrgid(owner.pw_gid).gr_name if plain else "dovecot",
        "login_user": owner.pw_name if plain else "dovenull",
        "auth_user": _own_name(),  # the only one who may read the passwd-file
        "mail_user": str(owner.pw_uid),
        "mail_group": str(owner.pw_gid),
    }


def _own_name() -> str:
    return pwd.getpwuid(os.geteuid()).pw_name
