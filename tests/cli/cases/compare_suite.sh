# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# The whole suite of `sparsed compare` on the device that would be chosen.

test_compare_record__fails_in_no_case() {
    accept compare record -o record.safetensors
    [ ! -s "$ERR" ] || flunk "words on stderr: $(cat "$ERR")"
    cases=$(sed -n 's/^suite standard [0-9]*, seed 1: \([0-9]*\) cases in .*/\1/p' "$OUT")
    [ "$cases" -ge 38 ] || flunk "$cases cases: $(cat "$OUT")"
    # The last three columns: pass, warn, fail. Another processor may give a warning.
    failed=$(awk '/^(f32|f16|bf16) / { n += $NF; all += $(NF - 2) + $(NF - 1) + $NF }
        END { print n "/" all }' "$OUT")
    [ "$failed" = "0/$cases" ] || flunk "$failed fail: $(cat "$OUT")"
    [ "$(ls -A)" = record.safetensors ] || flunk "left behind: $(ls -A)"
    [ "$(wc -c <record.safetensors)" -lt 20000000 ] || flunk "a record of $(wc -c <record.safetensors) bytes"
}
