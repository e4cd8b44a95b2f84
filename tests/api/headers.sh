#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Compiles each public header alone, twice included, as pedantic C11 and as C++17, for both kinds
# of library. opencl.h needs the OpenCL headers.
#   usage: tests/api/headers.sh [COMPILER...]   default: cc c++
# A compiler whose name ends in ++ is given the C++ form.
set -eu

include_dir=$(cd "$(dirname "$0")/../../include" && pwd)
[ $# -gt 0 ] || set -- cc c++

have_opencl=no
if echo '#include <CL/cl.h>' |
    cc -DCL_TARGET_OPENCL_VERSION=120 -fsyntax-only -x c - 2>/dev/null; then
    have_opencl=yes
else
    echo "opencl.h: left out, there is no CL/cl.h"
fi

count=0
for compiler in "$@"; do
    case $compiler in
    *++*) language="c++ -std=c++17" ;;
    *) language="c -std=c11 -Wstrict-prototypes" ;;
    esac
    for header in "$include_dir"/sparsed/*.h; do
        name=sparsed/$(basename "$header")
        [ "$name $have_opencl" != "sparsed/opencl.h no" ] || continue
        for define in -USPARSED_STATIC -DSPARSED_STATIC; do
            # shellcheck disable=SC2086 # the language is words
            printf '#include <%s>\n#include <%s>\nextern int one_declaration;\n' "$name" "$name" |
                "$compiler" -x $language -pedantic-errors -Wall -Wextra -Wconversion -Wshadow \
                    -Werror "$define" -DCL_TARGET_OPENCL_VERSION=120 -I"$include_dir" -fsyntax-only -
            count=$((count + 1))
        done
    done
done
echo "$count compilations of a public header alone: all clean"
