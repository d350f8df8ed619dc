#!/usr/bin/env bash
# Installs build/release into a temporary folder and uses it as others would: the examples in examples/c and
# examples/consumer, found with CMake and with pkg-config; the tensor part alone; the program with the shipped model.
# REQUIRES: build/release is built (./run test).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/common.sh

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir -p build/logs

# quietly NAME COMMAND...: shows the output only if it fails.
quietly() {
  local log
  log=$(log_file "install-$1")
  "${@:2}" >"$log" 2>&1 || show_log "install-$1"
}

# example SOURCE PREFIX: builds it as a project of its own.
example() {
  quietly "configure-$1" cmake -S "examples/$1" -B "$folder/$1" -G Ninja -DCMAKE_BUILD_TYPE=Release -Wno-dev \
    -DCMAKE_PREFIX_PATH="$2" -DCMAKE_FIND_USE_PACKAGE_REGISTRY=OFF
  quietly "build-$1" cmake --build "$folder/$1"
}

# expect FILE TEXT: FILE, which is what a program wrote, contains TEXT.
expect() { grep -qF -- "$2" "$1" || { cat "$1" >&2; die "expected '$2' in the output above"; }; }

# Nothing of the pictures' dependencies may be needed by PROGRAM.
expect_no_pictures() {
  if ldd "$1" | grep -E 'libpng|libjpeg|libwebp|libfreetype|libutf8proc'; then die "$1 needs a library of the picture part"; fi
}

step "install, and the tensor part by itself"
all=$folder/all tensors=$folder/tensors
quietly all cmake --install build/release --prefix "$all"
quietly tensors cmake --install build/release --prefix "$tensors" --component tensors
quietly c cmake --install build/release --prefix "$folder/c-only" --component c
mv "$all" "$folder/moved" # what is installed may be moved
all=$folder/moved
export LD_LIBRARY_PATH=$all/lib
pkg() { PKG_CONFIG_PATH=$1/lib/pkgconfig pkg-config "${@:2}"; }

step "C, with CMake and with pkg-config"
example c "$folder/c-only"
"$folder/c/tensors" "$folder/made.safetensors" >"$folder/c.txt"
expect "$folder/c.txt" "weight F32 [3, 4] 48 bytes"
expect "$folder/c.txt" "weight[::-2, 1] = 9 1"
expect "$folder/c.txt" "an error: "
# shellcheck disable=SC2046
gcc -std=c99 -pedantic -Wall -Wextra -Werror examples/c/tensors.c $(pkg "$all" --cflags --libs safelight) -o "$folder/tensors-c"
"$folder/tensors-c" "$folder/made-2.safetensors" >"$folder/c-2.txt"
cmp "$folder/c.txt" "$folder/c-2.txt"
cmp "$folder/made.safetensors" "$folder/made-2.safetensors"

step "C++, with CMake and with pkg-config, from the tensor part alone"
example consumer "$tensors"
"$folder/consumer/halve" "$folder/made.safetensors" weight "$folder/half.safetensors" >"$folder/halve.txt"
expect "$folder/halve.txt" "weight: [2, 4] of 32 bytes"
# shellcheck disable=SC2046
g++ -std=c++20 examples/consumer/halve.cpp $(pkg "$tensors" --cflags --libs safelight-tensors) -o "$folder/halve"
"$folder/halve" "$folder/made.safetensors" weight "$folder/half-2.safetensors" >"$folder/halve-2.txt"
cmp "$folder/half.safetensors" "$folder/half-2.safetensors"
expect_no_pictures "$folder/consumer/halve"
expect_no_pictures "$folder/halve"
expect_no_pictures "$all/lib/libsafelight.so"

step "every public header by itself"
printf '%s\0' "$tensors"/include/safelight/*.h |
  xargs -0 -P "$(nproc)" -I '{}' g++ -std=c++20 -fsyntax-only -Wall -Wextra -Werror -include '{}' -x c++ -I"$tensors/include" /dev/null
for header in include/safelight/*.h; do
  [[ -f $all/include/safelight/${header##*/} ]] || die "$header is not installed"
done

step "the tensor part configures without the libraries of the pictures"
absent=()
for package in Freetype PNG CLI11; do absent+=("-DCMAKE_DISABLE_FIND_PACKAGE_$package=ON"); done
quietly tensors-only cmake -S . -B "$folder/only" -G Ninja -Wno-dev -DSAFELIGHT_TENSORS_ONLY=ON "${absent[@]}"

step "the program, and the model that is shipped with it"
"$all/bin/safelight" check "$folder/half.safetensors" "$all/share/safelight/models/papercut.safetensors"
"$all/bin/safelight" generate -p "a red circle on a white background" --steps 1 --seed 1 -o "$folder/picture.png" \
  >"$folder/generate.txt" 2>&1 || { cat "$folder/generate.txt" >&2; die "generate failed"; }
[[ -s $folder/picture.png ]] || die "no picture"
