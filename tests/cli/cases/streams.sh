# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# Output that cannot be written: every command says so and fails.

# The words; stdout is a full device.
refuse_full() {
    [ -c /dev/full ] || skip_case "there is no /dev/full"
    status=0
    "$SPARSED" "$@" >/dev/full 2>"$ERR" || status=$?
    [ "$status" -eq 1 ] || flunk "exit code $status: $* ($(head -c 300 "$ERR"))"
    one_line "standard output"
}

# The words; stdout is closed.
refuse_closed() {
    status=0
    "$SPARSED" "$@" >&- 2>"$ERR" || status=$?
    [ "$status" -eq 1 ] || flunk "exit code $status: $* ($(head -c 300 "$ERR"))"
    one_line "standard output"
}

test_stdout__full_for_help_and_version() {
    refuse_full --help
    refuse_full --version
    for command in generate attend pattern devices; do
        refuse_full "$command" --help
    done
}

test_stdout__full_for_devices() {
    refuse_full devices
    refuse_full devices --json
}

test_stdout__full_for_attend() {
    refuse_full attend --input "$ATTEND" --output out --attention dense --json
    # Written whole before the words, or not at all.
    [ ! -e out ] || "$SPARSED" attend --input out --output again --attention dense 2>&1 |
        grep -q "no tensor 'q'" || flunk "out is not a whole file"
    [ -z "$(find . -name 'out.*')" ] || flunk "left behind: $(ls -A)"
}

test_stdout__full_for_generate() {
    refuse_full generate --model "$LLADA" --prompt "One" --gen-length 4 --steps 1
    refuse_full generate --model "$LLADA" --prompt "One" --gen-length 4 --steps 1 --json
}

test_stdout__closed() {
    refuse_closed --version
    refuse_closed devices
    refuse_closed generate --model "$LLADA" --prompt "One" --gen-length 4 --steps 1
    refuse_closed generate --model "$LLADA" --prompt "One" --gen-length 4 --steps 1 --json
}

# A reader that goes away ends the command by SIGPIPE, as with any other.
test_stdout__reader_gone() {
    "$SPARSED" generate --help | head -n 1 >"$OUT"
    grep -q '^usage: ' "$OUT" || flunk "no first line: $(cat "$OUT")"
}

# Without --json a good run of attend says nothing at all.
test_attend__is_quiet() {
    accept attend --input "$ATTEND" --output out --attention dense
    [ -z "$(cat "$OUT" "$ERR")" ] || flunk "words: $(cat "$OUT" "$ERR")"
    [ "$(ls -A)" = out ] || flunk "left behind: $(ls -A)"
}
