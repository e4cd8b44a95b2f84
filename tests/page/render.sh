#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# HTML pages in headless Chromium, in light and dark, on a wide and a narrow window: nothing is cut
# off, covered or fetched. A picture of each goes to FOLDER, to be looked at.
#   usage: tests/page/render.sh CHROMIUM FOLDER PAGE...
set -eu

chromium=$1
folder=$2
shift 2
probe=$(dirname "$0")/probe.js
mkdir -p "$folder"

# $1 width, $2 "light" or "dark", $3 page, then what Chromium is to do. No name is resolved.
browse() {
    width=$1
    scheme=1
    [ "$2" = light ] || scheme=0
    page=$3
    shift 3
    timeout 60 "$chromium" --headless --no-sandbox --disable-gpu --hide-scrollbars \
        --user-data-dir="$folder/profile" --host-resolver-rules='MAP * ~NOTFOUND' \
        --blink-settings=preferredColorScheme="$scheme" --window-size="$width,2400" "$@" \
        "file://$page" 2>"$folder/chromium.log" || {
        cat "$folder/chromium.log" >&2
        return 1
    }
}

faults=0
# $1 page, $2 width, $3 scheme
look_at() {
    name=$(basename "$1" .html)-$2-$3
    probed=$(realpath "$folder")/$name.html
    # The end of the page stays its end.
    sed '$d' "$1" | sed '$d' >"$probed"
    { printf '<script>\n' && cat "$probe" && printf '</script>\n</body>\n</html>\n'; } >>"$probed"
    browse "$2" "$3" "$probed" --dump-dom >"$folder/$name.dom"
    sed -n '/<pre id="probe">/,/<\/pre>/ { s/.*<pre id="probe">//; s/<\/pre>.*//; p; }' \
        "$folder/$name.dom" | sed '/^$/d; /^<\//d' >"$folder/$name.txt"
    sed "s/^/$name: /" "$folder/$name.txt"
    grep -q "^looked at: [1-9].*, $3, $2 wide, 0 faults" "$folder/$name.txt" || faults=1
    browse "$2" "$3" "$(realpath "$1")" --screenshot="$folder/$name.png" >/dev/null
    [ -s "$folder/$name.png" ] || faults=1
    rm -f "$probed" "$folder/$name.dom"
}

for page in "$@"; do
    [ "$(tail -n 2 "$page" | tr -d '\n')" = '</body></html>' ] || {
        printf '%s does not end as a page does\n' "$page"
        exit 1
    }
    look_at "$page" 1250 light
    look_at "$page" 1250 dark
    look_at "$page" 500 light
done
rm -rf "$folder/profile"
exit "$faults"
