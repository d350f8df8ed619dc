#!/usr/bin/env bash
# Fetches CLIP's vocabulary, which CMake builds into the program, from the Python package that carries it. Does nothing
# if the right file is there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/common.sh

package=open-clip-torch==3.3.0
member=open_clip/bpe_simple_vocab_16e6.txt.gz
target=third_party/clip/${member##*/}
sha256=$(sed -n 's/^set(CLIP_VOCABULARY_SHA256 \(.*\))$/\1/p' cmake/ClipVocabulary.cmake)

is_right() { [[ -f $1 ]] && echo "$sha256  $1" | sha256sum --check --status; }

if is_right "$target"; then exit 0; fi
step "fetch CLIP's vocabulary ($package)"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --dest "$folder" "$package" \
  >"$(log_file vocabulary)" 2>&1 || show_log vocabulary
python3 -m zipfile -e "$folder"/open_clip_torch-*.whl "$folder"
is_right "$folder/$member" ||
  die "$member of $package is not the published file: expected SHA-256 $sha256, found $(sha256sum <"$folder/$member")"
mkdir -p "${target%/*}"
cp "$folder/$member" "$target.part"
mv "$target.part" "$target"
