#!/usr/bin/env bash
# Every task of the shipped models on one contact sheet with captions: pictures from text, by the prompts of models/demo.txt, and what the
# other tasks make of one of them.
#
# models/demo.txt: one picture per line, seed|cfg|prompt; empty lines and lines that begin with # are skipped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/common.sh

program=build/release/safelight
folder=out/demo
sheet=out/demo.png
mkdir -p "$folder"

pictures=()
captions=()

# show PICTURE CAPTION: on the sheet
show() {
  pictures+=("$1")
  captions+=(--caption "$2")
}

# make NAME CAPTION TASK [OPTION...]: a picture, and on the sheet
make() {
  local picture=$folder/$1.png caption=$2
  shift 2
  step "$caption"
  "$program" "$@" -o "$picture" </dev/null
  show "$picture" "$caption"
}

number=0
while IFS='|' read -r seed cfg prompt || [[ -n $seed ]]; do
  [[ -n $seed && $seed != '#'* ]] || continue
  number=$((number + 1))
  make "$(printf '%02d' "$number")" "$prompt" generate -p "$prompt" --seed "$seed" --cfg "$cfg"
done <models/demo.txt

sea=$folder/04.png mountains=$folder/05.png gold=$folder/06.png boat=$folder/07.png house=$folder/08.png

# transform NAME STRENGTH PROMPT
transform() { make "transform-$1" "transform: $3" transform -i "$house" -p "$3" --strength "$2" --cfg 4 --seed 1; }
show "$house" "a red house with a brown roof on green hills, the sun, by day"
transform snow 0.6 "a red house with a brown roof on snowy hills, falling snow, by day"
transform night 0.6 "a red house with a brown roof on green hills, at night, a full moon"
transform sunset 0.6 "a blue house with a white roof on golden hills, at sunset"

# inpaint NAME PICTURE PROMPT
inpaint() { make "inpaint-$1" "inpaint: $3" inpaint -i "$2" --mask scripts/demo-mask.png -p "$3" --cfg 4 --seed 1; }
show scripts/demo-mask.png "the mask: white is painted anew"
inpaint boat "$sea" "a boat with a red sail on the sea, at sunset"
inpaint house "$mountains" "a red house with a white roof, two purple mountains with snowy peaks, green hills, at sunset"
inpaint hills "$gold" "a blue house with a red roof, golden hills, two clouds, by day"

# outpaint NAME PICTURE PROMPT
outpaint() { make "outpaint-$1" "outpaint: $3" outpaint -i "$2" --extend left=64,right=64 -p "$3" --cfg 4 --seed 1; }
outpaint house "$house" "green hills, by day"
outpaint boat "$boat" "the sea, by day"
outpaint sea "$sea" "the sea at sunset"
outpaint gold "$gold" "golden hills, by day"

# edit NAME INSTRUCTION
edit() { make "edit-$1" "edit: $2" edit -i "$house" --instruct "$2" --cfg 4 --image-cfg 2 --seed 1; }
show "$house" "a red house with a brown roof on green hills, the sun, by day"
edit night "make it night"
edit hills "turn the hills golden"
edit trees "add two pine trees"

step "contact sheet"
"$program" sheet --columns 4 -o "$sheet" "${captions[@]}" "${pictures[@]}"
step "the model of the pictures from text: models/papercut.safetensors"
"$program" tree --depth 2 models/papercut.safetensors
step "the pictures: $(readlink -f "$sheet")"
