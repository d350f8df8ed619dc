#!/usr/bin/env bash
# fuzz.sh SECONDS: runs each fuzz target of build/fuzz that long, on top of the inputs found by earlier runs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/common.sh

seconds=$1
shopt -s nullglob
targets=(build/fuzz/fuzz_*)
ran=0
for target in "${targets[@]}"; do
  [[ -f $target && -x $target ]] || continue
  name=${target##*/}
  corpus=build/fuzz/corpus/$name
  mkdir -p "$corpus"
  seeds=()
  [[ ! -d fuzz/corpus/$name ]] || seeds=("fuzz/corpus/$name")
  step "$name, $seconds s"
  "$target" -max_total_time="$seconds" -timeout=25 -rss_limit_mb=2048 -print_final_stats=1 -verbosity=0 \
    -artifact_prefix="build/fuzz/$name-" "$corpus" "${seeds[@]}" 2>&1 | tail -n 20
  ran=$((ran + 1))
done
[[ $ran -gt 0 ]] || die "no fuzz target in build/fuzz"
