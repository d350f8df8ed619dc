# Sourced by the scripts: one line on the terminal per step, and where the log of a quiet step goes.
# shellcheck shell=bash

step() { printf '\n==> %s\n' "$*"; }

die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# The log of a step that says nothing unless it fails.
log_file() {
  mkdir -p build/logs
  echo "build/logs/$1.log"
}

# Prints the log of a failed step, and ends the script.
show_log() {
  cat "$(log_file "$1")" >&2
  die "failed; the log is $(log_file "$1")"
}
