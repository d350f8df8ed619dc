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
    step "clang-tidy on src/"
    scripts/clang_tidy.py
    ;;
  *) die "expected format, quick or check" ;;
esac
