#!/usr/bin/env bash
# lint.sh format: lays out all C++ sources. lint.sh quick: their layout, and our scripts with shellcheck. lint.sh check: that and
# clang-tidy on what build/lint compiles of src/. Fails at the first that is not clean.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/common.sh

mapfile -t sources < <(git ls-files -- '*.cpp' '*.h')

case ${1:-} in
  format)
    step "clang-format: ${#sources[@]} files"
    clang-format -i "${sources[@]}"
    ;;
  quick | check)
    step "clang-format: ${#sources[@]} files"
    clang-format --dry-run --Werror "${sources[@]}"
    step "shellcheck"
    shellcheck -x run .ci/run scripts/*.sh
    [[ $1 == check ]] || exit 0
    step "clang-tidy on src/ (the log: build/logs/clang-tidy.log)"
    # The flags are g++'s, of which clang need not know every warning.
    run-clang-tidy -quiet -extra-arg=-Wno-unknown-warning-option -p build/lint -j "$(nproc)" "^$PWD/src/" \
      >"$(log_file clang-tidy)" 2>&1 ||
      { grep -E '(error|warning):' build/logs/clang-tidy.log >&2; die "clang-tidy complains"; }
    ;;
  *) die "expected format, quick or check" ;;
esac
