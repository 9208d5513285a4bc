#!/bin/sh
# Run Autobahn|Testsuite sections 1-7 and 10 against the test echo end.
#
#   contrib/autobahn/run.sh WORKDIR
#
# The suite needs Python 2.7 (PY27, default python2.7) and is installed into
# WORKDIR, which is kept and used again. PYTHON runs the echo end (default
# .venv/bin/python). Passes with 0 FAILED, 0 UNCLEAN and 0 NON-STRICT.
set -eu
cd "$(dirname "$0")/../.."
work=${1:?usage: run.sh WORKDIR}
py27=${PY27:-python2.7}
python=${PYTHON:-.venv/bin/python}
if ! "$py27" --version >/dev/null 2>&1; then
    echo "autobahn: SKIPPED, there is no $py27" >&2
    exit 0
fi
mkdir -p "$work"
work=$(cd "$work" && pwd)
if [ ! -x "$work/venv27/bin/wstest" ]; then
    # The last virtualenv that makes environments for Python 2.7.
    "$py27" -m pip -q install --disable-pip-version-check --target "$work/boot" 'virtualenv==20.15.1'
    PYTHONPATH="$work/boot" "$py27" -m virtualenv -q "$work/venv27"
    "$work/venv27/bin/pip" -q install --disable-pip-version-check 'autobahntestsuite==25.10.1'
fi

# The echo end stops at the end of its standard input.
mkfifo "$work/stop.$$"
"$python" -m tests.net.echo_server <"$work/stop.$$" >"$work/echo.log" &
exec 9>"$work/stop.$$"
rm "$work/stop.$$"
until grep -q . "$work/echo.log"; do
    kill -0 $! || exit 1
    sleep 0.1
done
address=$(head -n 1 "$work/echo.log")
rm -rf "$work/reports"
cat >"$work/spec.json" <<SPEC
{"outdir": "$work/reports",
 "servers": [{"agent": "chatd", "url": "ws://$address", "options": {"version": 18}}],
 "cases": ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*"],
 "exclude-cases": [], "exclude-agent-cases": {}}
SPEC
"$work/venv27/bin/wstest" -m fuzzingclient -s "$work/spec.json" >"$work/wstest.log"
exec 9>&-
wait
tail -n 1 "$work/echo.log"
"$python" - "$work/reports/index.json" <<'REPORT'
import collections, json, sys
cases = json.load(open(sys.argv[1]))["chatd"]
bad = ("FAILED", "NON-STRICT", "UNCLEAN", "WRONG CODE", "FAILED BY CLIENT")
for key in ("behavior", "behaviorClose"):
    print(key, dict(collections.Counter(case[key] for case in cases.values())))
worst = [(n, c["behavior"], c["behaviorClose"]) for n, c in sorted(cases.items())
         if c["behavior"] in bad or c["behaviorClose"] in bad]
print(*worst, sep="\n")
sys.exit(bool(worst))
REPORT
