#!/bin/sh
# Install the Debian packages that are missing, by name or from files with one name a line.
# Through sudo where not root. Services are not started: the lab runs its own, in a private directory.
set -eu

missing=""
for argument in "$@"; do
    names=$argument
    [ -f "$argument" ] && names=$(sed 's/#.*//' "$argument")
    for name in $names; do
        state=$(dpkg-query --show --showformat '${db:Status-Status}' "$name" 2>/dev/null || true)
        [ "$state" = installed ] || missing="$missing $name"
    done
done
[ -n "$missing" ] || exit 0

sudo=""
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || { echo "install as root:$missing" >&2; exit 77; }
    sudo=sudo
fi

policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | $sudo tee "$policy" >/dev/null
    $sudo chmod 755 "$policy"
    trap '$sudo rm -f "$policy"' EXIT
    trap 'exit 1' INT TERM
fi

echo "installing:$missing"
echo "postfix postfix/main_mailer_type select No configuration" | $sudo debconf-set-selections
$sudo apt-get -qq update
# shellcheck disable=SC2086 # a list of names
$sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install $missing </dev/null >/dev/null
