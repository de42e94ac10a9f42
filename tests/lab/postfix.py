"""Decides how Postfix is configured, and when it is up, down or suspended.

`smtp` is a port 25: STARTTLS offered, no AUTH, mail for lab.test only. `submission` (STARTTLS) and
`submissions` (TLS from the first byte) want AUTH, which Dovecot judges, and offer it under TLS only. Every
accepted message goes to Dovecot by LMTP; greylisted@lab.test is always asked to come back. No transport leads
anywhere else, so no mail can leave. The loopback address is no trusted network, DNS is never asked, and deferred
mail is tried again after two seconds.

Its master is started directly: `postfix start` spends two seconds on checks a fresh directory does not need.
"""

import os
import shutil
import subprocess
import time
from pathlib import Path

from tests.lab.ports import HOST, Ports, accepts, greets, refuses
from tests.lab.processes import Change, Daemon, Keeper, LabUnavailableError, resume, suspend, wait_until

LOST = "lost@lab.test"
"""Mail for this address is accepted, and thrown away."""
EXECUTABLE = "/usr/lib/postfix/sbin/master"

_MAIN = """
compatibility_level = 3.6
queue_directory = {run}/queue
data_directory = {run}/data
maillog_file = {log}
maillog_file_prefixes = {log.parent}
myhostname = mail.lab.test
mydestination =
mynetworks =
inet_interfaces = {host}
inet_protocols = ipv4
smtpd_peername_lookup = no
disable_dns_lookups = yes
alias_maps =
alias_database =
local_recipient_maps =
# A service that died is started again at once, not after a minute: outages in the lab end when they are ended.
service_throttle_time = 1s
default_transport = error:no mail leaves this machine
relay_transport = error:no mail leaves this machine
virtual_mailbox_domains = lab.test
virtual_mailbox_maps = inline:{{ {recipients} }}
virtual_transport = lmtp:unix:{lmtp}
smtpd_recipient_restrictions = check_recipient_access inline:{{ {{ greylisted@lab.test = 450 4.2.0 Come back }} }}
recipient_delimiter = +
transport_maps = inline:{{ {{ {LOST} = discard: }} }}
smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination
smtpd_tls_chain_files = {certificate}
smtpd_tls_security_level = may
smtpd_sasl_type = dovecot
smtpd_sasl_path = {sasl}
smtpd_tls_auth_only = yes
smtpd_error_sleep_time = 0
smtpd_client_connection_count_limit = 0
queue_run_delay = 1s
# After a second it could still be open to who has just deferred it: skipped then, it would be forgotten for good.
minimal_backoff_time = 2s
maximal_backoff_time = 2s
in_flow_delay = 0
"""

_MASTER = """
{host}:{ports.smtp} inet n - n - - smtpd
{host}:{ports.submission} inet n - n - - smtpd
  -o syslog_name=postfix/submission -o smtpd_sasl_auth_enable=yes -o smtpd_tls_security_level=encrypt
{host}:{ports.submissions} inet n - n - - smtpd
  -o syslog_name=postfix/submissions -o smtpd_sasl_auth_enable=yes -o smtpd_tls_wrappermode=yes
{host}:{ports.smtp_bad} inet n - n - - smtpd
  -o smtpd_tls_chain_files={bad_certificate}
{host}:{ports.submission_bad} inet n - n - - smtpd
  -o smtpd_tls_chain_files={bad_certificate} -o smtpd_sasl_auth_enable=yes -o smtpd_tls_security_level=encrypt
{host}:{ports.submissions_bad} inet n - n - - smtpd
  -o smtpd_tls_chain_files={bad_certificate} -o smtpd_sasl_auth_enable=yes -o smtpd_tls_wrappermode=yes
{host}:{ports.smtp_slow} inet n - n - - smtpd
  -o smtpd_delay_reject=no -o smtpd_client_restrictions=sleep,1
{host}:{ports.smtp_single} inet n - n - - smtpd
  -o smtpd_client_connection_count_limit=1
{host}:{ports.submission_no_auth} inet n - n - - smtpd
  -o smtpd_tls_security_level=encrypt
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
postlog unix-dgram n n n - 1 postlogd
"""

# Owners and modes as postfix-files(5) has them; run by the root of the name space in use.
_START = """
set -e
mkdir -p "$1/queue" "$1/data"
cd "$1/queue"
mkdir -p active bounce corrupt defer deferred flush hold incoming maildrop pid private public saved trace
chmod 0700 active bounce corrupt defer deferred flush hold incoming private saved trace ../data
chown postfix active bounce corrupt defer deferred flush hold incoming private saved trace ../data
chown postfix:postdrop maildrop public
chmod 0730 maildrop
chmod 0710 public
exec "$2" -c "$1/conf" -d
"""


def namespace() -> list[str]:
    """The command prefix under which Postfix finds a root and a `postfix` user to change to.

    Empty for root. For anyone else a user name space with subordinate ids (user_namespaces(7), subuid(5)), in
    the same network, so that the ports can be reached. Raises LabUnavailableError where it cannot be made.
    """
    if os.geteuid() == 0:
        return []
    if shutil.which("newuidmap") is None:
        raise LabUnavailableError("as a plain user the lab needs newuidmap; apt-get install uidmap, or run it as root")
    prefix = ["unshare", "--user", "--map-root-user", "--map-auto", "--"]
    trial = subprocess.run([*prefix, "true"], capture_output=True, text=True, check=False)
    if trial.returncode:
        reason = trial.stderr.strip().splitlines()[-1]
        raise LabUnavailableError(f"a plain user's lab needs a user name space (see subuid(5)): {reason}")
    return prefix


def _settle(file: Path) -> None:
    """Set its time back: each program waits for a file younger than 2 s."""
    minute_ago = time.time() - 60
    os.utime(file, (minute_ago, minute_ago))


class Postfix:
    def __init__(
        self,
        run: Path,
        *,
        certificate: Path,
        bad_certificate: Path,
        recipients: list[str],
        lmtp: Path,
        sasl: Path,
        logs: Path,
        ports: Ports,
        keeper: Keeper,
    ) -> None:
        self._ports = ports
        log = logs / "postfix.log"
        run.mkdir(mode=0o755)
        conf = self._conf = run / "conf"
        conf.mkdir(mode=0o755)
        known = " ".join(f"{{ {recipient} = ok }}" for recipient in [*recipients, LOST])
        texts = {
            "main.cf": _MAIN.format(
                run=run, log=log, host=HOST, LOST=LOST, recipients=known, lmtp=lmtp, certificate=certificate, sasl=sasl
            ),
            "master.cf": _MASTER.format(host=HOST, ports=ports, bad_certificate=bad_certificate),
        }
        for name, text in texts.items():
            (conf / name).write_text(text)
            _settle(conf / name)
        command = [*namespace(), "sh", "-c", _START, "sh", str(run), EXECUTABLE]
        self._daemon = Daemon("postfix", command, log=log, keeper=keeper)

    def launch(self) -> None:
        """Start it without waiting."""
        self._daemon.start()

    def wait_until_up(self) -> None:
        for port in (self._ports.smtp, self._ports.submission):
            self._daemon.wait_until(lambda port=port: greets(port, b"220 "), "an SMTP banner")  # type: ignore[misc]
        self._daemon.wait_until(lambda: accepts(self._ports.submissions), "the submissions port")

    def start(self) -> Change:
        before = time.time()
        self.launch()
        self.wait_until_up()
        return Change(before, time.time())

    def stop(self) -> Change:
        """Return when all its ports refuse connections and its processes have ended."""
        ports = (self._ports.smtp, self._ports.submission, self._ports.submissions)
        before = time.time()
        self._daemon.terminate()
        wait_until(lambda: all(refuses(port) for port in ports), "Postfix's ports to refuse")
        after = time.time()
        self._daemon.settle()
        return Change(before, after)

    def configure(self, **parameters: str) -> None:
        """Restart it with other parameters of main.cf."""
        self.stop()
        main = self._conf / "main.cf"
        written = [line for line in main.read_text().splitlines() if line.partition(" = ")[0] not in parameters]
        main.write_text("\n".join([*written, *(f"{name} = {value}" for name, value in parameters.items())]) + "\n")
        _settle(main)
        self.start()

    def freeze(self) -> Change:
        """Suspend the master and every smtpd: an idle one would still serve while only the master sleeps."""
        before = time.time()
        suspend([self._daemon.pid])  # first, or it could start another smtpd meanwhile
        suspend(self._daemon.members("smtpd", "master"))
        return Change(before, time.time())

    def thaw(self) -> Change:
        """Return when the banner is served again."""
        before = time.time()
        resume(self._daemon.members())
        self.wait_until_up()
        return Change(before, time.time())

    def collect(self) -> None:
        self._daemon.collect()
