#!/usr/bin/env bash
# install_packages.sh GROUP...: installs the Debian or Ubuntu packages of these groups that are missing. Asks nothing,
# and touches neither network nor privileges when nothing is missing. docs/dependencies.md says what each is for.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/common.sh

packages_of() {
  case $1 in
    build)
      echo cmake ninja-build g++ gzip python3 python3-pip libfmt-dev libsimdjson-dev libhwy-dev libcli11-dev libre2-dev libpng-dev \
        libjpeg-dev libwebp-dev libfreetype-dev fonts-dejavu-core libutf8proc-dev libyaml-dev libssl-dev libxxhash-dev zlib1g-dev pkgconf \
        libgtest-dev libgmock-dev
      ;;
    bench) echo libdnnl-dev python3-numpy python3-matplotlib ;;
    arm64) echo debootstrap g++-aarch64-linux-gnu qemu-user ;;
    clang) echo clang ;;
    training) echo python3 python3-numpy ;;
    lint) echo git clang-format clang-tidy shellcheck ;;
    *) die "unknown group of packages: $1" ;;
  esac
}

# A compiler's sanitizers and fuzzer are in a package named after its version.
clang_runtime() {
  local version
  version=$(clang -dumpversion)
  echo "libclang-rt-${version%%.*}-dev"
}

missing() {
  local package
  for package in "$@"; do
    # Of a package for several architectures, one line each.
    dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || echo "$package"
  done
}

as_root() {
  if [[ $EUID -eq 0 ]]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "not root and no sudo; as root, run: $*"
  fi
}

install() {
  local wanted
  mapfile -t wanted < <(missing "$@")
  [[ ${#wanted[@]} -gt 0 ]] || return 0
  step "install packages: ${wanted[*]}"
  local log
  log=$(log_file packages)
  {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q &&
      as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${wanted[@]}"
  } >"$log" 2>&1 </dev/null || show_log packages
}

if ! command -v apt-get >/dev/null; then
  step "no apt-get here: taking these to be installed: $(for group in "$@"; do packages_of "$group"; done | tr '\n' ' ')"
  exit 0
fi
for group in "$@"; do
  read -r -a packages < <(packages_of "$group")
  install "${packages[@]}"
  [[ $group != clang ]] || install "$(clang_runtime)"
done
