#!/usr/bin/env bash
# Makes a machine ready to build Veer, then builds it. Safe to call again: each
# step does nothing when its result is there.
#
#   tools/setup.sh [build] [dev] [browser] -- [cmake target ...]
#
# Environment:
#   VEER_TORCH   folder of a torch you already have (it holds lib/libtorch_cpu.so);
#                nothing is downloaded then
#   VEER_PYTHON  interpreter that makes the .venv (default python3)
#   VEER_JOBS    parallel compile jobs (default: cores, at most 1 per 2 GB)
#   VEER_BUILD   build folder (default build)
set -euo pipefail
cd "$(dirname "$0")/.."
torch_version=2.13.0
vega_version=1.9.0

say() { printf 'veer setup: %s\n' "$*" >&2; }

packages_of() {  # groups... -> package names
  awk -v wanted=" $* " '/^#/ || /^$/ {next}
    /^\[/ {group = substr($0, 2, length($0) - 2); next}
    index(wanted, " " group " ") {print}' tools/apt-packages.txt
}

install_packages() {
  local missing=() name
  for name in $(packages_of "$@"); do
    dpkg-query -W -f '${Status}' "$name" 2>/dev/null \
      | grep -q 'install ok installed' || missing+=("$name")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  local root=()
  if [ "$(id -u)" -ne 0 ]; then
    if command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }
    then
      say "needs root to install: ${missing[*]}"
      root=(sudo)
    else
      say "these packages are missing and this account cannot install them."
      say "ask an administrator to run:"
      say "  apt-get install -y --no-install-recommends ${missing[*]}"
      exit 1
    fi
  fi
  say "installing ${missing[*]}"
  local log
  log=$(mktemp)
  if ! { "${root[@]}" apt-get update && DEBIAN_FRONTEND=noninteractive \
         "${root[@]}" apt-get install -y --no-install-recommends \
         "${missing[@]}"; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    say "apt-get failed (whole log: $log)"
    exit 1
  fi
  rm -f "$log"
}

has_nvidia() { command -v nvidia-smi >/dev/null && nvidia-smi >/dev/null 2>&1; }

# The CPU wheel where the index offers one and there is no GPU to use; else
# the index's default wheel.
install_torch() {
  local pip=(.venv/bin/python -m pip install --quiet
             --disable-pip-version-check)
  if ! has_nvidia && "${pip[@]}" "torch==$torch_version+cpu" 2>/dev/null; then
    return 0
  fi
  "${pip[@]}" "torch==$torch_version"
}

make_venv() {
  if [ ! -x .venv/bin/python ]; then
    say "making .venv"
    "${VEER_PYTHON:-python3}" -m venv .venv
  fi
  if [ -z "${VEER_TORCH:-}" ] &&
     [ ! -e .venv/lib/python3*/site-packages/torch/lib/libtorch_cpu.so ]; then
    say "installing torch $torch_version into .venv (about 1 GB)"
    install_torch
  fi
  if [ ! -d .venv/lib/python3*/site-packages/vl_convert ]; then
    say "installing vl-convert-python $vega_version (the report's charts)"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check \
      "vl-convert-python==$vega_version"
  fi
}

jobs() {
  local cores memory
  cores=$(nproc)
  memory=$(awk '/MemAvailable/ {print int($2 / 2000000)}' /proc/meminfo)
  [ "$memory" -lt 1 ] && memory=1
  echo $((cores < memory ? cores : memory))
}

build() {
  local folder=${VEER_BUILD:-build} log
  if [ ! -e "$folder/build.ninja" ]; then
    say "configuring"
    log=$(mktemp)
    cmake -S . -B "$folder" -G Ninja ${VEER_TORCH:+-DTORCH_DIR="$VEER_TORCH"} \
      >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
    rm -f "$log"
  fi
  if [ -t 2 ]; then
    say "building"
    ninja -C "$folder" -j "${VEER_JOBS:-$(jobs)}" "$@" >&2
  else
    log=$(mktemp)
    ninja -C "$folder" -j "${VEER_JOBS:-$(jobs)}" "$@" >"$log" 2>&1 ||
      { tail -n 60 "$log" >&2; exit 1; }
    rm -f "$log"
  fi
}

groups=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
  groups+=("$1")
  shift
done
[ "${1:-}" = -- ] && shift
install_packages "${groups[@]:-build}"
make_venv
build "$@"
