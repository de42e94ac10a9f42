#!/bin/sh
# Install mailuptime, or take it away again: `make install` and `make uninstall` call this, and so does `make deb`.
#
# Everything Python needs goes into a virtual environment of its own, since Debian's versions are too old and the
# machine's Python is not ours to change. DESTDIR stands before every path and is left out of every file. BROWSER=yes
# adds the units of browser checks, Playwright (some 130 MB) and WeasyPrint for PDF; Chromium and Pango are the machine's
# own business.
set -eu

: "${DESTDIR:=}" "${PREFIX:=/usr/local}" "${PYTHON:=python3}" "${BROWSER:=no}"
home=$PREFIX/lib/mailuptime
manual=$DESTDIR$PREFIX/share/man
documents=$DESTDIR$PREFIX/share/doc/mailuptime
bash_completion=$DESTDIR$PREFIX/share/bash-completion/completions/mailuptime
zsh_completion=$DESTDIR$PREFIX/share/zsh/${ZSH_FUNCTIONS:-site-functions}/_mailuptime
lock=requirements.lock
units=mailuptime.service
browser_units="mailuptime-browser.socket mailuptime-browser@.service"
if [ "$BROWSER" = yes ]; then
    lock=requirements-browser.lock
    units="$units $browser_units"
fi
configuration=/etc/mailuptime/mailuptime.yaml

cd "$(dirname "$0")/.."
work=$PWD/build/install

fail() {
    echo "$1" >&2
    exit "$2"
}

# What builds: pip, and setuptools in the version of the lock. It stays in build/.
tools() {
    "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail "$PYTHON is older than Python 3.11" 69
    case $("$PYTHON" -c 'import os, sys; print(os.path.realpath(sys._base_executable))') in
    /home/* | /root/*) fail "$PYTHON lies in somebody's home, where the unit cannot see it: PYTHON=/usr/bin/python3" 69 ;;
    esac
    "$PYTHON" -c 'import ensurepip' 2>/dev/null || fail "$PYTHON has no ensurepip: apt install python3-venv" 69
    rm -rf "$work"
    mkdir -p "$work"
    "$PYTHON" -m venv "$work/tools"
    awk '/^[^ #]/ { wanted = /^setuptools==/ } wanted' requirements-dev.lock >"$work/setuptools.lock"
    "$work/tools/bin/python" -m pip install -q --disable-pip-version-check --require-hashes -r "$work/setuptools.lock"
}

pip() {
    "$work/tools/bin/python" -m pip --disable-pip-version-check --python "$DESTDIR$home/bin/python" "$@"
}

environment() {
    rm -rf "$DESTDIR$home"
    mkdir -p "$DESTDIR$PREFIX/lib"
    "$PYTHON" -m venv --without-pip "$DESTDIR$home"
    pip install -q --no-compile --require-hashes -r "$lock"
    "$work/tools/bin/python" -m pip wheel -q --no-deps --no-build-isolation -w "$work" .
    pip install -q --no-compile --no-deps "$work"/mailuptime-*.whl
    rm -rf build/lib build/bdist.* "$DESTDIR$home/include" # setuptools' own; headers that nothing here compiles with
    # Only one program is meant for people, and nothing may tell where it was built.
    find "$DESTDIR$home/bin" -type f ! -name mailuptime -delete
    find "$DESTDIR$home" -name direct_url.json -delete
    sed -i "1s|.*|#!$home/bin/python -I|" "$DESTDIR$home/bin/mailuptime"
    sed -i '/^command = /d' "$DESTDIR$home/pyvenv.cfg"
    # The daemon cannot write below $PREFIX: without this it would compile everything at each start.
    "$DESTDIR$home/bin/python" -m compileall -q -s "$DESTDIR" "$DESTDIR$home/lib"
}

# What is made from the program itself, so that it never differs from it.
generated() {
    mkdir -p "$manual/man1" "$manual/man5" "$(dirname "$bash_completion")" "$(dirname "$zsh_completion")"
    generate="$DESTDIR$home/bin/python -I -m monitor.cli"
    $generate.manual mailuptime.1 | gzip -9n >"$manual/man1/mailuptime.1.gz"
    $generate.manual mailuptime.yaml.5 | gzip -9n >"$manual/man5/mailuptime.yaml.5.gz"
    $generate.completion bash >"$bash_completion"
    $generate.completion zsh >"$zsh_completion"
}

files() {
    mkdir -p "$DESTDIR$PREFIX/bin" "$DESTDIR/etc/mailuptime" "$documents/examples"
    ln -sf ../lib/mailuptime/bin/mailuptime "$DESTDIR$PREFIX/bin/mailuptime"
    for unit in $units; do
        install -D -m 644 "systemd/$unit" "$DESTDIR$PREFIX/lib/systemd/system/$unit"
        sed -i "s|^\(Exec[A-Za-z]*=\)/usr/bin/mailuptime |\1$PREFIX/bin/mailuptime |" \
            "$DESTDIR$PREFIX/lib/systemd/system/$unit"
    done
    for kind in sysusers.d tmpfiles.d; do
        install -D -m 644 "systemd/$kind/mailuptime.conf" "$DESTDIR$PREFIX/lib/$kind/mailuptime.conf"
    done
    [ -e "$DESTDIR$configuration" ] || install -m 644 config/installed.yaml "$DESTDIR$configuration"
    install -m 644 README.md CHANGELOG.md docs/*.md "$documents"
    cp -r config/mailuptime.yaml config/prometheus config/alertmanager grafana/dashboards "$documents/examples"
}

# On this machine and not into a DESTDIR: the user, the directories, and systemd's knowledge of the units.
settle() {
    [ -z "$DESTDIR" ] || return 0
    systemd-sysusers "$PREFIX/lib/sysusers.d/mailuptime.conf"
    systemd-tmpfiles --create "$PREFIX/lib/tmpfiles.d/mailuptime.conf"
    [ ! -d /run/systemd/system ] || systemctl daemon-reload
}

writable() {
    [ -n "$DESTDIR" ] || [ "$(id -u)" = 0 ] || fail "$1 as root, or into a DESTDIR" 77
}

case ${1:-} in
install)
    writable install
    umask 022
    tools
    environment
    generated
    files
    settle
    echo "Installed below $DESTDIR$PREFIX. Next: edit $configuration, mailuptime check-config,"
    echo "systemctl enable --now mailuptime"
    ;;
uninstall)
    writable uninstall
    if [ -z "$DESTDIR" ] && [ -d /run/systemd/system ]; then
        systemctl disable --now -q mailuptime.service mailuptime-browser.socket 2>/dev/null || true
    fi
    rm -rf "$DESTDIR$home" "$documents"
    rm -f "$DESTDIR$PREFIX/bin/mailuptime" "$bash_completion" "$zsh_completion" \
        "$manual/man1/mailuptime.1.gz" "$manual/man5/mailuptime.yaml.5.gz" \
        "$DESTDIR$PREFIX/lib/sysusers.d/mailuptime.conf" "$DESTDIR$PREFIX/lib/tmpfiles.d/mailuptime.conf"
    for unit in mailuptime.service $browser_units; do
        rm -f "$DESTDIR$PREFIX/lib/systemd/system/$unit"
    done
    [ -n "$DESTDIR" ] || [ ! -d /run/systemd/system ] || systemctl daemon-reload
    echo "Kept: the configuration in $DESTDIR/etc/mailuptime, the ledger in $DESTDIR/var/lib/mailuptime,"
    echo "and the user mailuptime, to whom it belongs."
    ;;
*)
    fail "usage: $0 install|uninstall" 2
    ;;
esac
