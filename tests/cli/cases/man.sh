# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# The manual pages: each command has one, and it has the options of --help, with the same names for
# their values.

# shellcheck disable=SC2154 # run.sh sets it
MAN=${cases%/tests/cli/cases/*}/docs/man

# Options of a help text as lines "name VALUE".
options_of_help() {
    sed -n -E 's/^  (-o, )?--([a-z-]+)(\[=([A-Z]+)\]| ([^ ]+))?( .*)?$/\2 \4\5/p' "$1" | sort
}

# The same of a page, of its subsection $2 alone if that is given.
options_of_page() {
    awk -v section="$2" '/^\.S[hs] / { inside = section == "" || $2 == section }
        inside && /^\.It (Fl o , )?Fl -/ { print }' "$1" |
        sed -E 's/^\.It (Fl o , )?Fl -([a-z-]+)( (Ns Op = Ns )?Ar (.*))?$/\2 \5/' | sort
}

# $1 page, its subsection or "", then the command's words.
check_page() {
    page=$1
    section=$2
    shift 2
    [ -f "$MAN/$page" ] || flunk "there is no page $page"
    accept "$@" --help
    options_of_help "$OUT" >in_help
    options_of_page "$MAN/$page" "$section" >in_page
    [ -s in_help ] || flunk "$* --help lists no option"
    cmp -s in_help in_page || flunk "$page and $* --help: $(diff in_help in_page)"
}

# The names that a help text lists under $2.
names_under() {
    sed -n "/^$2:/,/^\$/s/^  \([a-z]*\) .*/\1/p" "$1"
}

test_man__every_command_has_the_options_of_its_help() {
    accept --help
    names_under "$OUT" commands >names.txt
    [ "$(wc -l <names.txt)" -ge 4 ] || flunk "few commands: $(cat names.txt)"
    while read -r name; do
        accept "$name" --help
        names_under "$OUT" subcommands >parts.txt
        [ -s parts.txt ] || check_page "sparsed-$name.1" "" "$name"
        while read -r subcommand; do
            check_page "sparsed-$name.1" "$subcommand" "$name" "$subcommand"
        done <parts.txt
        grep -q "^\.It Xr sparsed-$name 1$" "$MAN/sparsed.1" || flunk "sparsed.1 lacks $name"
    done <names.txt
}

# ... and the text that stands beside them in sparsed --help.
test_man__says_of_each_command_what_the_help_says() {
    accept --help
    sed -n '/^commands:/,/^$/s/^  \([a-z]*\)  *\(.*\)/\1 \2/p' "$OUT" >names.txt
    while read -r name about; do
        grep -A 1 "^\.It Xr sparsed-$name 1$" "$MAN/sparsed.1" | tail -n 1 >line
        [ "$(cat line)" = "$about" ] || flunk "$name: '$(cat line)', not '$about'"
    done <names.txt
}

test_man__every_page_is_of_a_command() {
    accept --help
    names_under "$OUT" commands >names.txt
    for page in "$MAN"/sparsed-*.1; do
        name=${page##*/sparsed-}
        grep -qx "${name%.1}" names.txt || flunk "$page is of no command"
    done
}

test_man__names_every_variable_of_the_environment() {
    root=${MAN%/docs/man}
    grep -rhoE 'getenv\("[A-Z_]+"\)' "$root/src" "$root/cpu" "$root/cl" "$root/tools" --include='*.c' |
        sed -E 's/.*"(.*)".*/\1/' | sort -u >variables
    while read -r name; do
        grep -q "$name" "$MAN/sparsed.1" || flunk "sparsed.1 does not name $name"
    done <variables
}

test_man__pages_are_sound() {
    command -v mandoc >/dev/null || skip_case "there is no mandoc"
    findings=$(cd "$MAN" && mandoc -T lint -W style ./*.1 2>&1) || flunk "$findings"
}
