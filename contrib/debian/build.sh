#!/bin/bash
# Build the Debian package: build.sh PYTHON WHEEL LOCK SHARE OUTPUT [REVISION]
#
# WHEEL and all that it needs, in the versions of LOCK, become one tree below /usr/lib/chatd,
# with Debian's own interpreter; so PYTHON has to be of the same minor version. SHARE holds
# what contrib/manual has written. Nothing of the day or the place of the build is in the
# package, as far as SOURCE_DATE_EPOCH is set.
set -euo pipefail

python=$1 wheel=$2 lock=$3 share=$4 output=$5 revision=${6:-1}
here=$(dirname "${BASH_SOURCE[0]}")
top=$here/../..
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
umask 022
chmod 755 "$tree"

"$python" -m pip --disable-pip-version-check install --quiet --no-compile \
  --constraint "$lock" --target "$tree/usr/lib/chatd" "$wheel[cluster]"
rm -rf "$tree/usr/lib/chatd/bin"
# By their content: the times of files are those of the build.
"$python" -m compileall -q --invalidation-mode unchecked-hash -s "$tree" -p / \
  "$tree/usr/lib/chatd"
find "$tree" -name direct_url.json -delete

install -D -m 755 -t "$tree/usr/bin" "$here/chatd"
install -D -m 644 -t "$tree/usr/lib/sysusers.d" "$here/chatd.conf"
install -D -m 644 -t "$tree/usr/lib/systemd/system" "$top"/contrib/systemd/*
install -D -m 644 -t "$tree/usr/share/chatd" "$top"/config/*.schema.json
install -D -m 644 -t "$tree/usr/share/doc/chatd" "$top"/*.md "$top/chatd.toml.example"
install -D -m 644 -t "$tree/usr/share/doc/chatd/proxies" "$top"/contrib/proxies/*
install -D -m 644 -t "$tree/usr/share/doc/chatd/cluster" "$top"/contrib/cluster/*
install -D -m 644 "$top/LICENSE" "$tree/usr/share/doc/chatd/copyright"
install -D -m 644 "$top/config/team.toml" "$tree/etc/chatd/chatd.toml"
sed -i 's|^#:schema .*|#:schema /usr/share/chatd/chatd.schema.json|' "$tree/etc/chatd/chatd.toml"
cp -r "$share/." "$tree/usr/share"
gzip -9n "$tree"/usr/share/man/*/*

version=$(PYTHONPATH=$tree/usr/lib/chatd "$python" -c 'import chatd; print(chatd.__version__)')
minor=$("$python" -c 'import sys; print(sys.version_info.minor)')
mkdir "$tree/DEBIAN"
install -m 755 -t "$tree/DEBIAN" "$here"/{postinst,prerm,postrm}
echo /etc/chatd/chatd.toml >"$tree/DEBIAN/conffiles"
sed -e "s|@VERSION@|$version-$revision|" \
    -e "s|@ARCHITECTURE@|$(dpkg --print-architecture)|" \
    -e "s|@PYTHON@|3.$minor|" \
    -e "s|@PYTHON_NEXT@|3.$((minor + 1))|" \
    -e "s|@SIZE@|$(du -sk --exclude=DEBIAN "$tree" | cut -f1)|" \
    "$here/control" >"$tree/DEBIAN/control"
(cd "$tree" && find usr -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum) >"$tree/DEBIAN/md5sums"
mkdir -p "$output"
dpkg-deb --root-owner-group --build "$tree" "$output"
