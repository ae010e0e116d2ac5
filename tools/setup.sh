#!/usr/bin/env bash
# Makes a machine ready to build Veer, then builds it. Safe to call again: each
# step does nothing when its result is there.
#
#   tools/setup.sh [build] [dev] [browser] -- [cmake target ...]
#
# Environment:
#   VEER_TORCH   folder of a torch you already have (it holds lib/libtorch_cpu.so);
#                nothing is downloaded then
#   VEER_TORCH_INDEX  where wheels for CPUs and other versions of CUDA are
#                taken from (tools/torch_wheel.sh says which fits)
#   VEER_PYTHON  interpreter that makes the .venv (default python3)
#   VEER_JOBS    parallel compile jobs (default: cores, at most 1 per 2 GB)
#   VEER_BUILD   build folder (default build)
set -euo pipefail
cd "$(dirname "$0")/.."
torch_version=2.13.0
usual_wheel=cu130  # what the usual index has as torch 2.13.0
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

# Where torch publishes the wheels that the usual index does not have.
torch_index=${VEER_TORCH_INDEX:-https://download.pytorch.org/whl}

# The usual index may have that build itself; it always has one for the newest
# CUDA, which runs on a CPU too.
install_torch() {  # wheel: cpu, cu126, cu130
  local pip=(.venv/bin/python -m pip install --quiet --quiet
             --disable-pip-version-check)
  "${pip[@]}" "torch==$torch_version+$1" 2>/dev/null && return 0
  if [ "$1" != "$usual_wheel" ]; then
    "${pip[@]}" "torch==$torch_version+$1" --retries 1 \
      --extra-index-url "$torch_index/$1" && return 0
    say "found: $torch_index/$1 does not give torch $torch_version+$1"
    say "remedy: VEER_TORCH_INDEX names another index with a folder $1;"
    say "  VEER_TORCH names the folder of a torch that is there already"
    [ "$1" = cpu ] || return 1
    say "the usual wheel (for CUDA $usual_wheel) is taken: it runs on a CPU too"
  fi
  # Three =: two would take a build for CPUs too.
  "${pip[@]}" "torch===$torch_version"
}

# "cpu", "cu126" or "cu130" of the torch in .venv.
installed_wheel() {
  sed -n "s/^__version__ = '[^+]*+\(.*\)'/\1/p" \
    .venv/lib/python3*/site-packages/torch/version.py 2>/dev/null || true
}

# A card or a driver may have come, or gone, since .venv was made.
compare_wheel() {  # wheel that fits
  local have
  have=$(installed_wheel)
  if [ "$1" != cpu ] && [ -n "$have" ] && [ "$have" != "$1" ] &&
     ! { [ "$have" = cu126 ] && [ "$1" = cu130 ]; }; then
    say "found: torch in .venv is built for $have"
    say "expected: $1, for this machine's NVIDIA driver and card"
    say "remedy: rm -rf .venv ${VEER_BUILD:-build}, then start again"
  fi
}

# The first Python that can make a .venv: python3 may be one that came without
# the distribution's package for it, as on Colab.
python_for_venv() {
  local python
  for python in "${VEER_PYTHON:-python3}" /usr/bin/python3 \
                /usr/bin/python3.[0-9]*[0-9]; do
    if "$python" -c 'import ensurepip, venv' 2>/dev/null; then
      echo "$python"
      return 0
    fi
  done
  echo "${VEER_PYTHON:-python3}"
}

# Older distributions have the packages, but not in versions that will do.
check_tools() {
  local found
  found=$(cmake --version | sed -n '1s/[^0-9]*//p')
  if [ "$(printf '%s\n' 3.25 "$found" | sort -V | head -n 1)" != 3.25 ]; then
    say "found: cmake $found, on $(sed -n 's/^PRETTY_NAME="\(.*\)"/\1/p' \
      /etc/os-release)"
    say "expected: 3.25 or newer, and a distribution of its time:" \
      "Debian 12, Ubuntu 24.04 or newer"
    say "remedy: such an image, or a container of it (docs/cloud.md)"
    exit 1
  fi
}

make_venv() {
  if [ ! -x .venv/bin/python ]; then
    say "making .venv"
    "$(python_for_venv)" -m venv .venv
  fi
  if [ -z "${VEER_TORCH:-}" ]; then
    local wheel
    wheel=$(tools/torch_wheel.sh)
    if [ ! -e .venv/lib/python3*/site-packages/torch/lib/libtorch_cpu.so ]; then
      say "installing torch $torch_version ($wheel) into .venv: 0.2 GB for cpu," \
          "about 3 GB with CUDA"
      install_torch "$wheel"
    fi
    compare_wheel "$wheel"
  fi
  if [ ! -d .venv/lib/python3*/site-packages/vl_convert ]; then
    say "installing vl-convert-python $vega_version (the report's charts)"
    .venv/bin/python -m pip install --quiet --quiet --disable-pip-version-check \
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
check_tools
make_venv
build "$@"
