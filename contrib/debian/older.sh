#!/bin/bash
# Build the package of the last version that kept its data in another way, from the history
# of git, to be upgraded from: older.sh PYTHON LOCK SHARE OUTPUT
set -euo pipefail

python=$(realpath -s "$1") lock=$2 share=$3 output=$4
here=$(dirname "${BASH_SOURCE[0]}")
newest=$(git log -1 --diff-filter=A --format=%H -- 'chatd/store/sqlite/[0-9]*.sql')
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT

git archive "$newest^" | tar -x -C "$tree"
(cd "$tree" && "$python" -m hatchling build -t wheel -d dist >/dev/null)
"$here/build.sh" "$python" "$tree"/dist/*.whl "$lock" "$share" "$output" 0
