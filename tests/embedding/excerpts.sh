#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every C excerpt of docs/embedding.md is in main.c, line for line.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
awk '
    FNR == NR { program = program $0 "\n"; next }
    /^```c$/ { inside = 1; excerpt = ""; first = FNR + 1; next }
    /^```$/ && inside {
        inside = 0
        count++
        if (!index(program, "\n" excerpt)) {
            printf "docs/embedding.md:%d: this excerpt is not in tests/embedding/main.c\n", first
            bad = 1
        }
        next
    }
    inside { excerpt = excerpt $0 "\n" }
    END {
        printf "%d excerpts\n", count
        exit bad || count < 3
    }
' "$here/main.c" "$here/../../docs/embedding.md"
