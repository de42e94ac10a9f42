"""Decides how Roundcube is served: nginx with TLS, php-fpm, SQLite, the lab's Dovecot behind it."""

import glob
import os
import pwd
import secrets
import shutil
import sqlite3
import time
from pathlib import Path

from tests.lab.ports import HOST, Ports, refuses, serves_page
from tests.lab.processes import Change, Daemon, Keeper, wait_until

NGINX = "/usr/sbin/nginx"
PHP_FPM = "/usr/sbin/php-fpm[0-9]*"
SCHEMA = Path("/usr/share/roundcube/SQL/sqlite.initial.sql")
DEFAULTS = Path("/etc/roundcube/defaults.inc.php")
_MIME_TYPES = Path("/etc/roundcube/mimetypes.php")
_WWW_USER = "www-data"

_NGINX = """
{user_line}
daemon off;
worker_processes 1;
pid {run}/nginx.pid;
error_log {log}/nginx.log;
events {{ worker_connections 512; }}
http {{
  access_log off;
  types {{
    text/html html; text/css css; application/javascript js;
    image/svg+xml svg; image/png png; font/woff2 woff2;
  }}
  client_body_temp_path {run}/tmp/body;
  proxy_temp_path {run}/tmp/proxy;
  fastcgi_temp_path {run}/tmp/fastcgi;
  uwsgi_temp_path {run}/tmp/uwsgi;
  scgi_temp_path {run}/tmp/scgi;
  server {{
    listen {host}:{bad_port} ssl;
    ssl_certificate {bad_certificate};
    ssl_certificate_key {bad_certificate};
    return 204;
  }}
  server {{
    listen {host}:{port} ssl http2;
    server_name localhost;
    ssl_certificate {certificate};
    ssl_certificate_key {certificate};
    root /var/lib/roundcube;
    index index.php;
    location ~ ^/(config|logs|temp|SQL)/ {{ deny all; }}
    location ~ \\.php$ {{
      fastcgi_pass unix:{run}/php.sock;
      fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;
      fastcgi_param SCRIPT_NAME $fastcgi_script_name;
      fastcgi_param DOCUMENT_ROOT $document_root;
      fastcgi_param QUERY_STRING $query_string;
      fastcgi_param REQUEST_METHOD $request_method;
      fastcgi_param REQUEST_URI $request_uri;
      fastcgi_param CONTENT_TYPE $content_type;
      fastcgi_param CONTENT_LENGTH $content_length;
      fastcgi_param SERVER_PROTOCOL $server_protocol;
      fastcgi_param SERVER_NAME $server_name;
      fastcgi_param SERVER_PORT $server_port;
      fastcgi_param REMOTE_ADDR $remote_addr;
      fastcgi_param HTTPS on;
    }}
  }}
}}
"""

_FPM = """
[global]
daemonize = no
error_log = {log}/php-fpm.log
[roundcube]
{user_line}
listen = {run}/php.sock
listen.mode = 0666
pm = static
pm.max_children = 2
catch_workers_output = yes
env[ROUNDCUBE_CONFIG_DIR] = {run}/config
php_admin_value[upload_tmp_dir] = {run}/tmp
"""

_ROUNDCUBE = """<?php
$config['db_dsnw'] = 'sqlite:///{run}/data/roundcube.db?mode=0600';
$config['des_key'] = '{key}';
$config['imap_host'] = 'ssl://localhost:{ports.imaps}';
$config['imap_conn_options'] = ['ssl' => ['verify_peer' => true, 'cafile' => '{ca}']];
$config['smtp_host'] = 'tls://localhost:{ports.submission}';
$config['smtp_conn_options'] = ['ssl' => ['verify_peer' => true, 'cafile' => '{ca}']];
$config['log_dir'] = '{run}/data/';
$config['temp_dir'] = '{run}/tmp/';
$config['product_name'] = 'Lab Webmail';
$config['login_rate_limit'] = 100000;  // a prober needs more than the three a minute of the default
$config['plugins'] = [];
$config['skin'] = 'elastic';
$config['enable_spellcheck'] = false;
"""


class Webmail:
    def __init__(
        self,
        run: Path,
        *,
        certificate: Path,
        bad_certificate: Path,
        ca: Path,
        logs: Path,
        ports: Ports,
        keeper: Keeper,
    ) -> None:
        self._port = ports.https
        self._socket = run / "php.sock"
        run.mkdir(mode=0o755)
        for name in ("config", "data", "tmp"):
            (run / name).mkdir(mode=0o755)
        values = {"run": run, "log": logs, "host": HOST, "port": ports.https, "certificate": certificate}
        values |= {"bad_port": ports.https_bad, "bad_certificate": bad_certificate}
        root = os.geteuid() == 0
        (run / "nginx.conf").write_text(_NGINX.format(user_line=f"user {_WWW_USER};" if root else "", **values))
        (run / "fpm.conf").write_text(
            _FPM.format(user_line=f"user = {_WWW_USER}\ngroup = {_WWW_USER}" if root else "", **values)
        )
        key = secrets.token_hex(12)  # Roundcube wants exactly 24 characters
        (run / "config" / "config.inc.php").write_text(_ROUNDCUBE.format(run=run, key=key, ports=ports, ca=ca))
        for default in (DEFAULTS, _MIME_TYPES):
            shutil.copy(default, run / "config")
        database = sqlite3.connect(run / "data" / "roundcube.db")
        database.executescript(SCHEMA.read_text(encoding="utf-8"))
        database.close()
        if root:
            owner = pwd.getpwnam(_WWW_USER)
            for path in (run / "data", run / "data" / "roundcube.db", run / "tmp"):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        self._nginx = Daemon(
            "nginx",
            [NGINX, "-c", str(run / "nginx.conf"), "-p", str(run), "-e", str(logs / "nginx.log")],
            log=logs / "nginx.log",
            keeper=keeper,
        )
        newest = max(glob.glob(PHP_FPM))  # noqa: PTH207 absolute
        fpm = [newest, "--nodaemonize", "--fpm-config", str(run / "fpm.conf")]
        self._fpm = Daemon("php-fpm", fpm, log=logs / "php-fpm.log", keeper=keeper)

    def launch(self) -> None:
        """Start it without waiting."""
        self._fpm.start()
        self._nginx.start()

    def wait_until_up(self) -> None:
        self._fpm.wait_until(self._socket.exists, "php-fpm's socket")
        self._nginx.wait_until(lambda: serves_page(self._port, b'name="_token"'), "Roundcube's login page")

    def start(self) -> Change:
        before = time.time()
        self.launch()
        self.wait_until_up()
        return Change(before, time.time())

    def stop(self) -> Change:
        """Return when the port refuses connections and all processes have ended."""
        before = time.time()
        self._nginx.terminate()
        wait_until(lambda: refuses(self._port), "nginx to refuse connections")
        after = time.time()
        self._fpm.terminate()
        self._nginx.settle()
        self._fpm.settle()
        return Change(before, after)

    def collect(self) -> None:
        self._nginx.collect()
        self._fpm.collect()
