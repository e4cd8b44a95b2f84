#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs the cases of one topic against the built command: the functions test_* of cases/TOPIC.sh, in
# their order, each in a folder of its own. Results are told in cmocka's form.
#   usage: tests/cli/run.sh SPARSED MODELS_DIR GOLDEN_DIR TOPIC
# What the cases use:
#   $SPARSED $DREAM $LLADA $ATTEND   the command, two model folders, a problem for `sparsed attend`
#   refuse CODE TEXT WORDS...        the command fails as it should (see there)
#   accept WORDS...                  it succeeds; its output is in $OUT and $ERR
#   flunk TEXT, skip_case TEXT       end the case
set -u

SPARSED=$1
DREAM=$2/tiny-dream
LLADA=$3/llada-tiny
ATTEND=$3/attend_small/a2_llada_b16.safetensors
cases=$(cd "$(dirname "$0")" && pwd)/cases/$4.sh
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
OUT=$scratch/out
ERR=$scratch/err
unset SPARSED_MODEL SPARSED_DEVICE
export SPARSED DREAM LLADA ATTEND OUT ERR

flunk() {
    printf '%s\n' "$*"
    exit 1
}

skip_case() {
    printf 'skipped: %s\n' "$*"
    exit 77
}

need_file() {
    [ -e "$1" ] || skip_case "there is no file $1"
}

# Fails unless stderr holds exactly one line that begins with the command's name and has $1 in it.
one_line() {
    [ "$(wc -l <"$ERR")" -eq 1 ] || flunk "not one line on stderr: $(cat "$ERR")"
    [ "$(tail -c 1 "$ERR" | wc -l)" -eq 1 ] || flunk "more than a line on stderr: $(cat "$ERR")"
    grep -q '^sparsed' "$ERR" || flunk "not the command's words: $(cat "$ERR")"
    grep -qF -- "$1" "$ERR" || flunk "'$1' is not in: $(cat "$ERR")"
    [ "$(wc -c <"$ERR")" -le 800 ] || flunk "a very long line: $(cat "$ERR")"
}

# $1 exit code, $2 what the line on stderr names, then the words: the command ends with that code
# and one line, says nothing on stdout, and leaves no file behind.
refuse() {
    code=$1
    text=$2
    shift 2
    status=0
    ls -A >"$scratch/before"
    "$SPARSED" "$@" >"$OUT" 2>"$ERR" || status=$?
    [ "$status" -eq "$code" ] || flunk "exit code $status, not $code: $* ($(head -c 300 "$ERR"))"
    [ ! -s "$OUT" ] || flunk "words on stdout: $(head -c 300 "$OUT")"
    one_line "$text"
    ls -A >"$scratch/after"
    cmp -s "$scratch/before" "$scratch/after" || flunk "left behind: $(cat "$scratch/after")"
}

accept() {
    status=0
    "$SPARSED" "$@" >"$OUT" 2>"$ERR" || status=$?
    [ "$status" -eq 0 ] || flunk "exit code $status: $* ($(head -c 300 "$ERR"))"
}

# A safetensors file: $1 its name, $2 its header, $3 the bytes of data, all of them 0.
make_safetensors() {
    length=${#2}
    printf '%b' "$(printf '\\0%03o\\0%03o' $((length % 256)) $((length / 256)))" >"$1"
    printf '\000\000\000\000\000\000%s' "$2" >>"$1"
    head -c "$3" /dev/zero >>"$1"
}

# shellcheck source=/dev/null
. "$cases"

run=0
failed=0
sed -n 's/^\(test_[A-Za-z0-9_]*\)().*/\1/p' "$cases" >"$scratch/names"
while read -r case; do
    printf '[ RUN      ] %s\n' "$case"
    mkdir "$scratch/$case"
    status=0
    (cd "$scratch/$case" && "$case") </dev/null || status=$?
    chmod -R u+w "$scratch/$case"
    rm -rf "${scratch:?}/$case"
    run=$((run + 1))
    case $status in
    0) printf '[       OK ] %s\n' "$case" ;;
    77) printf '[  SKIPPED ] %s\n' "$case" ;;
    *)
        printf '[  FAILED  ] %s\n' "$case"
        failed=$((failed + 1))
        ;;
    esac
done <"$scratch/names"
printf '[==========] %d test(s) run.\n' "$run"
[ "$run" -gt 0 ] && [ "$failed" -eq 0 ]
