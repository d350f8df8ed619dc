#!/usr/bin/env bash
# arm64_sysroot.sh FOLDER: the headers and libraries of a 64-bit ARM system, to compile for it and to run its programs under an emulator.
# Nothing is installed on this system but the tools. The packages come from where this system's own do; MIRROR names another place
# (Ubuntu has those of ARM at http://ports.ubuntu.com/ubuntu-ports).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/common.sh

folder=${1:?the folder}
[[ ! -e $folder/complete ]] || exit 0

suite=$(source /etc/os-release && echo "$VERSION_CODENAME")
# shellcheck disable=SC2016 # apt's own variables
mirror=${MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' "Codename: $suite" 'Created-By: Packages' | head -n 1)}
libraries=libstdc++-$(aarch64-linux-gnu-g++ -dumpversion | cut -d. -f1)-dev,libfmt-dev,libsimdjson-dev,libhwy-dev,libre2-dev,libpng-dev,libjpeg-dev,libwebp-dev,libyaml-dev,libfreetype-dev,libutf8proc-dev,libssl-dev
libraries+=,libxxhash-dev,zlib1g-dev,libgtest-dev,libgmock-dev,libcli11-dev,fonts-dejavu-core

step "fetch the packages of an ARM system"
rm -rf "$folder"
mkdir -p "$folder"
keyring=(--no-check-gpg)
for file in /usr/share/keyrings/{debian,ubuntu}-archive-keyring.gpg; do
  [[ ! -e $file ]] || keyring=(--keyring "$file")
done
# The first stage of debootstrap unpacks a minimal system and fetches the rest; nothing of it has to run.
debootstrap --foreign --arch=arm64 --variant=minbase "${keyring[@]}" --include="$libraries" "$suite" "$folder" "$mirror" \
  >"$(log_file sysroot)" 2>&1 || show_log sysroot
for package in "$folder"/var/cache/apt/archives/*.deb; do
  dpkg -x "$package" "$folder"
done
# Links to absolute places would lead out of the folder.
find "$folder/usr/lib" "$folder/lib" -type l -lname '/*' -printf '%p\t%l\n' | while IFS=$'\t' read -r link target; do
  ln -sfn "$(realpath -m --relative-to="$(dirname "$link")" "$folder$target")" "$link"
done
rm -rf "$folder/var/cache/apt/archives"
touch "$folder/complete"
