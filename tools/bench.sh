#!/usr/bin/env bash
# Runs the benchmarks one after another on an otherwise idle machine and prints
# their results. Usage: bench.sh [name ...]
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${VEER_BUILD:-build}
cmake -S . -B "$folder" -DVEER_BENCHMARKS=ON >/dev/null
ninja -C "$folder" >/dev/null
for program in "$folder"/benchmarks/*_bench; do
  name=$(basename "$program" _bench)
  if [ $# -gt 0 ] && [[ " $* " != *" $name "* ]]; then
    continue
  fi
  echo "== $name"
  "$program"
done
