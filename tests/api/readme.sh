#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The README: its C snippet compiles, its links and those of docs/ lead somewhere, and no placeholder
# is left.
#   usage: tests/api/readme.sh CC
set -eu
cd "$(dirname "$0")/../.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

{
    echo '#include <stdio.h>'
    echo '#include <sparsed/sparsed.h>'
    echo 'void sample(float *q, float *k, float *v, float *out, uint32_t step, uint32_t layer);'
    echo 'void sample(float *q, float *k, float *v, float *out, uint32_t step, uint32_t layer) {'
    # shellcheck disable=SC2016 # no expansion is meant
    sed -n '/^```c$/,/^```$/p' README.md | grep -v -e '^```' -e '^#include'
    echo '}'
} >"$folder/sample.c"
[ "$(wc -l <"$folder/sample.c")" -gt 20 ] || {
    echo "README.md: no C snippet was found"
    exit 1
}
"$1" -std=c11 -Wall -Wextra -Werror -Iinclude -fsyntax-only "$folder/sample.c"

status=0
for page in README.md models/README.md docs/*.md; do
    if grep -n '@@' "$page"; then
        echo "$page: a placeholder is left"
        status=1
    fi
    # shellcheck disable=SC2013 # links have no blanks
    for link in $(grep -o '](\([^)]*\))' "$page" | sed 's/^](\(.*\))$/\1/' | grep -v '^http'); do
        [ -e "$(dirname "$page")/${link%%#*}" ] || {
            echo "$page: $link leads nowhere"
            status=1
        }
    done
done
exit $status
