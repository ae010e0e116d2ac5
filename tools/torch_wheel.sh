#!/usr/bin/env bash
# Says which wheel of torch 2.13 fits this machine: cpu, cu126 or cu130. Asks
# nvidia-smi; what is assumed goes to stderr.
#
#   CUDA 13.0: NVIDIA driver 580 or newer, compute capability 7.5 to 12.0
#   CUDA 12.6: NVIDIA driver 525 or newer, compute capability 5.0 to 9.0
#
# Drivers: NVIDIA, "CUDA compatibility", minor version compatibility. Cards:
# pytorch, RELEASE.md, CUDA support matrix.
set -euo pipefail

say() { printf 'veer setup: %s\n' "$*" >&2; }

take_cpu() {  # found, expected, remedy
  say "found: $1"
  say "expected: $2"
  say "remedy: $3; until then torch for CPUs is taken"
  echo cpu
  exit 0
}

# WSL has it outside PATH in shells that read no profile.
smi=$(command -v nvidia-smi || true)
[ -n "$smi" ] || [ ! -x /usr/lib/wsl/lib/nvidia-smi ] ||
  smi=/usr/lib/wsl/lib/nvidia-smi
if [ -z "$smi" ]; then
  echo cpu
  exit 0
fi

ask() { "$smi" --query-gpu="$1" --format=csv,noheader 2>&1; }

if ! drivers=$(ask driver_version) || [[ ! $drivers =~ ^[0-9]+\. ]]; then
  take_cpu "nvidia-smi cannot speak to a card: ${drivers%%$'\n'*}" \
    "one line for each card" \
    "a driver that runs; in a container, start it with --gpus all"
fi
version=${drivers%%$'\n'*}
driver=${version%%.*}
# Drivers before 510 do not tell it.
capabilities=$(ask compute_cap) || capabilities=""
least=0 most=0
for capability in $capabilities; do
  [[ $capability =~ ^[0-9]+\.[0-9]$ ]] || continue
  number=${capability/./}
  [ "$least" -ne 0 ] && [ "$least" -le "$number" ] || least=$number
  [ "$most" -ge "$number" ] || most=$number
done
if [ "$least" -eq 0 ]; then
  say "nvidia-smi does not tell the compute capability; 7.5 to 9.0 is assumed"
  least=75 most=90
fi
cards="a card of compute capability ${most:0:-1}.${most: -1}"

if [ "$driver" -lt 525 ]; then
  take_cpu "NVIDIA driver $version" "525 or newer for CUDA 12.6, 580 for 13.0" \
    "a newer driver, then delete .venv and build and start again"
elif [ "$most" -lt 50 ]; then
  take_cpu "$cards" "5.0 or above" "another card"
elif [ "$driver" -ge 580 ] && { [ "$least" -ge 75 ] || [ "$most" -gt 90 ]; }; then
  [ "$least" -ge 75 ] ||
    say "one card is older than CUDA 13 knows; it stays unused"
  echo cu130
elif [ "$most" -gt 90 ]; then
  take_cpu "$cards and NVIDIA driver $version" "580 or newer for this card" \
    "a newer driver, then delete .venv and build and start again"
else
  echo cu126
fi
