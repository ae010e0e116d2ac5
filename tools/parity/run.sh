#!/usr/bin/env bash
# Compares Veer with the Python tools of the field on newly drawn input. The
# tools go into a folder of their own (.cache/parity), never into .venv.
# Usage: run.sh [name ...]   (default: every *_parity.py)
set -euo pipefail
cd "$(dirname "$0")/../.."
venv=.cache/parity
if [ ! -x "$venv/bin/python" ]; then
  python3 -m venv "$venv"
fi
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
  -r tools/parity/requirements.txt
# These ask for older numpy and transformers than the rest; what is used of
# them runs with the newer ones.
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
  --no-deps repeng==0.4.0 steering-vectors==0.12.2
if [ $# -eq 0 ] || [[ " $* " == *" vectors "* ]]; then
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    -r tools/parity/requirements-llama.txt ||
    echo "llama-cpp-python could not be installed: llama.cpp is left out"
fi
status=0
for script in tools/parity/*_parity.py; do
  name=$(basename "$script" _parity.py)
  if [ $# -gt 0 ] && [[ " $* " != *" $name "* ]]; then
    continue
  fi
  echo "== $name"
  "$venv/bin/python" "$script" || status=1
done
exit $status
