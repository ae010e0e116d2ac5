#!/usr/bin/env bash
# Everything that is to be known of a GPU, in ten minutes at most, as a page.
#
#   benchmarks/gpu.sh [--device cuda|cpu] [--shape 3b|tiny] [--out PAGE.md]
#                     [--only correctness|study|speed]
#
# 1. correctness: tests/device on the card instead of the fake device
# 2. study: the embedded organism's whole study, timed
# 3. speed: decoding, reading, extraction, a LoRA step and a sweep, in turns
#    with transformers, and vLLM (gpu_speed.py)
#
# What is built is built before the clock starts. `--device cpu --shape tiny`
# tries the script where there is no GPU.
#
# Environment:
#   VEER_RIVALS_PYTHON  Python with torch, transformers and peft (default: that
#                       of .venv, into which they are installed if they can be)
#   VEER_VLLM_PYTHON    Python with vLLM; without it vLLM is left out
#   VEER_BUILD          build folder (default build)
#   VEER_GPU_SECONDS    time for all of it (default 570)
set -euo pipefail
cd "$(dirname "$0")/.."
device=cuda shape=3b only="" page=gpu.md
build=${VEER_BUILD:-build}
budget=${VEER_GPU_SECONDS:-570}

usage() { sed -n '2,6p' "$0" | sed 's/^# \{0,1\}//'; }

while [ $# -gt 0 ]; do
  case "$1" in
    --device) device=$2 ;;
    --shape) shape=$2 ;;
    --out) page=$2 ;;
    --only) only=$2 ;;
    *) usage >&2; exit 2 ;;
  esac
  shift 2
done

say() { printf '== %s\n' "$*"; }
left() { echo $((budget - SECONDS)); }
wanted() { [ -z "$only" ] || [ "$only" = "$1" ]; }

prepare() {
  tools/setup.sh build -- veer veer-core >&2
  cmake -S . -B "$build" -DVEER_BENCHMARKS=ON >/dev/null
  ninja -C "$build" gpu_bench device_test veer_fake_cuda >/dev/null
  python=${VEER_RIVALS_PYTHON:-.venv/bin/python}
  if ! wanted speed || "$python" -c 'import transformers, peft' 2>/dev/null
  then
    return 0
  fi
  "$python" -m pip install --quiet --disable-pip-version-check \
    transformers==5.24.0 peft==0.21.0 >&2 ||
    say "no transformers: Veer is measured alone"
}

# Name and result of a part, for the page.
results=()
part() {  # name, seconds at most, command...
  local name=$1 most=$2 began=$SECONDS code=0
  shift 2
  [ "$most" -lt "$(left)" ] || most=$(left)
  if [ "$most" -lt 5 ]; then
    results+=("$name: no time left")
    return 0
  fi
  say "$name"
  timeout "$most" "$@" >"$folder/$name.log" 2>&1 || code=$?
  tail -n 3 "$folder/$name.log"
  case $code in
    0) results+=("$name: passed, $((SECONDS - began)) s") ;;
    124) results+=("$name: not finished in $most s"); failed=1 ;;
    *) results+=("$name: **failed** ($code), see $folder/$name.log"); failed=1 ;;
  esac
}

correctness() {
  part device_test 120 env VEER_TEST_DEVICE="$device" \
    "$build/tests/device/device_test"
  part device_study 150 env VEER_TEST_DEVICE="$device" .venv/bin/python \
    tests/end_to_end/device_test.py "$build/bin/veer" none
}

study() {
  local settings=()
  # The embedded study takes minutes on CPUs; the script is tried with less.
  [ "$shape" != tiny ] || settings=(--dataset.questions 45
    --dataset.min_split 2 --finetune.rank 4 --finetune.steps 4
    --extract.vectors '["contrastive@answer_mean", "finetuned@answer_mean"]'
    --compare.random_draws 50 --compare.split_halves 10
    --sweep.layers '["2"]' --sweep.rel_scales '[2.0]' --sweep.unit_scales '[]'
    --sweep.raw_scales '[]' --sweep.sigma_scales '[]' --sweep.questions 3
    --sweep.select_questions 2 --sweep.best_questions 4 --sweep.best_random 5
    --sweep.random_questions 2 --sweep.random_vectors 1 --sweep.kl_questions 2
    --sweep.subset_questions 0 --sweep.recovery_questions 0
    --sweep.max_tokens 10)
  part organism_study 200 ./veer study --device "$device" --quiet \
    --out "$folder/study" "${settings[@]}"
}

speed() {
  local seconds
  seconds=$(($(left) - 15))
  part speed "$(left)" "$python" benchmarks/gpu_speed.py --device "$device" \
    --shape "$shape" --bench "$build/benchmarks/gpu_bench" \
    --out "$folder/speed.md" --seconds "$seconds"
}

write_page() {
  local commit
  commit=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)
  {
    if [ -e "$folder/speed.md" ]; then
      cat "$folder/speed.md"
    else
      printf '# Measured on one device\n\nNo speed was measured.\n'
    fi
    printf '\n## Correctness and the whole study\n\nAt %s, device %s:\n\n' \
      "$commit" "$device"
    printf -- '- %s\n' "${results[@]}"
  } >"$page"
  say "page: $page"
}

failed=0
folder=$(mktemp -d)
prepare
SECONDS=0
if wanted correctness; then correctness; fi
if wanted study; then study; fi
if wanted speed; then speed; fi
write_page
exit "$failed"
