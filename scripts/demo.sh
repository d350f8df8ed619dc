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

house=$folder/08.png
scene="a red house with a brown roof on green hills, the sun, by day"

show "$house" "transform this picture:"
transform() { make "transform-$1" "$2" transform -i "$house" -p "$2" --strength "$3" --cfg 4 --seed 1; }
transform snow "a red house with a brown roof on snowy hills, falling snow, by day" 0.6
transform night "a red house with a brown roof on green hills, at night, a full moon" 0.6
transform sunset "a blue house with a white roof on golden hills, at sunset" 0.6

show scripts/demo-mask.png "inpaint the white of this mask:"
inpaint() { make "inpaint-$1" "$2" inpaint -i "$house" --mask scripts/demo-mask.png -p "$2" --cfg 4 --seed "$3"; }
inpaint trees "a red house with a brown roof on green hills, two red trees, the sun, by day" 1
inpaint mountain "a red house with a brown roof on green hills, a purple mountain, the sun, by day" 1
inpaint lake "a red house with a brown roof by a lake, the sun, by day" 1

outpaint() { make "outpaint-$1" "outpaint: $2" outpaint -i "$house" --extend "$2" -p "$scene" --cfg 4 --seed "$3"; }
outpaint left left=64 1
outpaint right right=64 1
outpaint both left=64,right=64 1
outpaint all left=32,top=32,right=32,bottom=32 1

edit() { make "edit-$1" "edit: $2" edit -i "$house" --instruct "$2" --cfg 4 --image-cfg 2 --seed "$3"; }
edit night "make it night" 1
edit snow "make it snow" 1
edit hills "turn the hills golden" 1
edit trees "add two pine trees" 1

step "contact sheet"
"$program" sheet --columns 4 -o "$sheet" "${captions[@]}" "${pictures[@]}"
step "the model of the pictures from text: models/papercut.safetensors"
"$program" tree --depth 2 models/papercut.safetensors
step "the pictures: $(readlink -f "$sheet")"
