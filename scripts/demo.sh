#!/usr/bin/env bash
# Pictures of the prompts in models/demo.txt by the shipped model, and all of them on one contact sheet with captions.
#
# models/demo.txt: one picture per line, seed|cfg|prompt; empty lines and lines that begin with # are skipped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/common.sh

program=build/release/safelight
model=models/papercut.safetensors
sheet=out/demo.png
mkdir -p out/demo

pictures=()
number=0
while IFS='|' read -r seed cfg prompt || [[ -n $seed ]]; do
  [[ -n $seed && $seed != '#'* ]] || continue
  number=$((number + 1))
  picture=$(printf 'out/demo/%02d.png' "$number")
  step "$prompt (seed $seed)"
  "$program" generate -m "$model" -p "$prompt" --seed "$seed" --cfg "$cfg" -o "$picture" </dev/null
  pictures+=("$picture")
done <models/demo.txt

step "contact sheet"
"$program" sheet --columns 4 -o "$sheet" "${pictures[@]}"
step "the model they came from: $model"
"$program" tree --depth 2 "$model"
step "the pictures: $(readlink -f "$sheet")"
