#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What a built library shows to the linker, and what it calls.
#   usage: tests/api/symbols.sh LIBRARY [without-opencl]   (libsparsed.so or libsparsed.a)
# A shared library exports sparsed_* and nothing else, and exactly the functions that the public
# headers declare (without-opencl: all but opencl.h). A static one may also have spd_*. Neither prints, ends the process, nor changes
# its environment.
set -eu

library=$1
include_dir=$(cd "$(dirname "$0")/../../include" && pwd)
headers=$(ls "$include_dir"/sparsed/*.h)
[ "${2-}" != without-opencl ] || headers=$(printf '%s\n' "$headers" | grep -v '/opencl\.h$')
forbidden='_*(printf|fprintf|vprintf|vfprintf|dprintf|puts|fputs|putchar|putc|fputc|perror)(_chk)?'
forbidden="$forbidden|stdout|stderr|syslog"
forbidden="$forbidden|_*(exit|Exit|quick_exit|abort|assert_fail|raise|kill|signal|sigaction|longjmp)"
forbidden="$forbidden|setenv|unsetenv|putenv|clearenv|setlocale|srand|rand|system|popen|fork"

fail() {
    printf '%s: %s\n' "$library" "$1" >&2
    exit 1
}

case $library in
*.a) dynamic='' prefix='sparsed_|spd_' ;;
*) dynamic=-D prefix='sparsed_' ;;
esac
# shellcheck disable=SC2086 # an option or none
defined=$(nm -g $dynamic --defined-only "$library" | awk 'NF == 3 { print $3 }' | sort -u)
# shellcheck disable=SC2086
called=$(nm -g $dynamic --undefined-only "$library" | awk '$1 == "U" { print $2 }' |
    sed 's/@.*//' | sort -u)

[ -n "$defined" ] || fail "nm shows no symbol"
strangers=$(printf '%s\n' "$defined" | grep -Ev "^($prefix)" | tr '\n' ' ') || true
[ -z "$strangers" ] || fail "has global symbols with foreign names: $strangers"
bad=$(printf '%s\n' "$called" | grep -Ex "$forbidden" | tr '\n' ' ') || true
[ -z "$bad" ] || fail "uses what the library must not: $bad"

# The functions declared in the headers: an API name right before a parenthesis, after SPARSED_API.
# shellcheck disable=SC2086 # a list of files
declared=$(grep -hv '^ *#' $headers | tr '\n' ' ' | grep -oE 'SPARSED_API [^;(]*\(' |
    sed -E 's/.*[ *](sparsed_[a-z0-9_]+)\(/\1/' | sort -u)
public=$(printf '%s\n' "$defined" | grep '^sparsed_')
if [ "$declared" != "$public" ]; then
    printf 'only declared or only defined:\n' >&2
    printf '%s\n%s\n' "$declared" "$public" | sort | uniq -u >&2
    fail "does not define exactly what the public headers declare"
fi
echo "$library: $(printf '%s\n' "$public" | wc -l) public functions, nothing else"
