#!/bin/sh
# Build the Debian packages mailuptime and mailuptime-browser into build/deb: `make deb` calls this.
#
# The virtual environment lies in the package, as dh-virtualenv has it, since Debian 12's versions of what it needs are
# too old. Only dpkg-deb is needed, and what `make install` needs. TREE is an installation below PREFIX=/usr that is
# there already; VERSION and COMPRESS stand in for what is written here.
set -eu

cd "$(dirname "$0")/../.."
: "${PYTHON:=/usr/bin/python3}" "${TREE:=}" "${COMPRESS:=xz}" "${OUTPUT:=build/deb}"
: "${VERSION:=$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)-1}"
: "${DEBFULLNAME:=mailuptime maintainers}" "${DEBEMAIL:=mailuptime@localhost}"
umask 022
export SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
main=$work/mailuptime
browser=$work/mailuptime-browser
site=usr/lib/mailuptime/lib/$("$PYTHON" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')/site-packages

if [ -n "$TREE" ]; then
    cp -a "$TREE" "$main"
else
    make -s install DESTDIR="$main" PREFIX=/usr PYTHON="$PYTHON" BROWSER=yes ZSH_FUNCTIONS=vendor-completions >/dev/null
fi

# What only the browser and PDF need: the distributions of their lock that the daemon's has not, and their units. Those
# for other interpreters are not installed.
split() {
    mkdir -p "$browser/$site" "$browser/usr/lib/systemd/system"
    mv "$main"/usr/lib/systemd/system/mailuptime-browser* "$browser/usr/lib/systemd/system"
    names() { sed -n 's/^\([A-Za-z0-9._-]*\)==.*/\1/p' "$1" | sort; }
    names requirements.lock >"$work/daemon"
    names requirements-browser.lock >"$work/both"
    comm -13 "$work/daemon" "$work/both" | tr - _ >"$work/more"
    while read -r name; do
        record=$(find "$main/$site" -path "$main/$site/$name-*.dist-info/RECORD")
        [ -n "$record" ] || continue
        cut -d, -f1 "$record" | cut -d/ -f1 | sort -u | grep -vFx .. >"$work/parts"
        while read -r part; do
            mv "$main/$site/$part" "$browser/$site"
        done <"$work/parts"
    done <"$work/more"
}

documents() { # PACKAGE
    place=$work/$1/usr/share/doc/$1
    mkdir -p "$place" "$work/$1/usr/share/lintian/overrides"
    install -m 644 systemd/debian/copyright "$place/copyright"
    {
        echo "mailuptime ($VERSION) bookworm; urgency=medium"
        printf '\n  * See changelog.gz in /usr/share/doc/mailuptime.\n\n'
        echo " -- $DEBFULLNAME <$DEBEMAIL>  $(date -uRd "@$SOURCE_DATE_EPOCH")"
    } | gzip -9n >"$place/changelog.Debian.gz"
    install -m 644 "systemd/debian/$1.lintian-overrides" "$work/$1/usr/share/lintian/overrides/$1"
}

control() { # PACKAGE
    at=$work/$1
    mkdir -p "$at/DEBIAN"
    python=$("$PYTHON" -c 'import sys; print("python3 (>= %d.%d), python3 (<< %d.%d)" % (3, sys.version_info[1], 3, sys.version_info[1] + 1))')
    size=$(du -sk --exclude=DEBIAN "$at" | cut -f1)
    {
        printf 'Package: %s\nVersion: %s\nArchitecture: %s\n' "$1" "$VERSION" "$(dpkg --print-architecture)"
        printf 'Maintainer: %s <%s>\nInstalled-Size: %s\n' "$DEBFULLNAME" "$DEBEMAIL" "$size"
        sed "s/@PYTHON@/$python/; s/@VERSION@/$VERSION/" "systemd/debian/$1.control"
    } >"$at/DEBIAN/control"
    for script in postinst prerm postrm; do
        [ ! -e "systemd/debian/$1.$script" ] || install -m 755 "systemd/debian/$1.$script" "$at/DEBIAN/$script"
    done
    (cd "$at" && find etc -type f 2>/dev/null | sed 's|^|/|') >"$at/DEBIAN/conffiles"
    [ -s "$at/DEBIAN/conffiles" ] || rm "$at/DEBIAN/conffiles"
    (cd "$at" && find usr -type f -exec md5sum {} +) >"$at/DEBIAN/md5sums"
}

split
find "$work" -name '*.so.*' -type f -exec chmod a-x {} +
gzip -9nc "$main/usr/share/doc/mailuptime/CHANGELOG.md" >"$main/usr/share/doc/mailuptime/changelog.gz"
rm "$main/usr/share/doc/mailuptime/CHANGELOG.md"
mkdir -p "$OUTPUT"
for package in mailuptime mailuptime-browser; do
    documents "$package"
    control "$package"
    chmod -R go-w "$work/$package"
    dpkg-deb --root-owner-group -Z"$COMPRESS" --build "$work/$package" "$OUTPUT" >/dev/null
    echo "$OUTPUT/${package}_${VERSION}_$(dpkg --print-architecture).deb"
done
