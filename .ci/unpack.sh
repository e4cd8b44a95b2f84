#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Debian packages, with what they need that is not installed, unpacked into a folder: nothing on the
# machine changes, so packages that exclude each other can lie side by side.
#   usage: [ARCHITECTURE=arm64] bash .ci/unpack.sh FOLDER PACKAGE...
# A folder that already holds the same packages is left as it is. With ARCHITECTURE the packages are
# of that one, with all that they need, and apt's lists of it lie beside the folder.
set -euo pipefail

folder=$1
shift
archives=$folder.debs
stamp=$folder/.packages
apt=(apt-get)

if [[ -n ${ARCHITECTURE:-} ]]; then
    lists=$(realpath -m "$folder.lists")
    mkdir -p "$lists/state/lists/partial" "$lists/cache/archives/partial"
    : >"$lists/status" # nothing of that architecture is installed
    apt+=(-oAPT::Architecture="$ARCHITECTURE" -oAPT::Architectures::="$ARCHITECTURE"
        -oDir::State="$lists/state" -oDir::State::status="$lists/status"
        -oDir::Cache="$lists/cache" -oDebug::NoLocking=1)
    "${apt[@]}" update -qq
fi

# What apt would install; upgrades of what is here are left out.
mapfile -t wanted < <("${apt[@]}" install --simulate --no-install-recommends "$@" |
    awk '$1 == "Inst" && $3 !~ /^\[/ { sub(/^\(/, "", $3); print $2 "=" $3 }' | sort)
for package in "$@"; do
    [[ " ${wanted[*]}" == *" $package="* ]] || {
        apt-cache show "$package" >/dev/null
        wanted+=("$package")
    }
done
[[ ! -e $stamp || $(<"$stamp") != "${wanted[*]}" ]] || exit 0

rm -rf "$folder" "$archives"
mkdir -p "$folder" "$archives"
(cd "$archives" && "${apt[@]}" download -q "${wanted[@]}" >download.log 2>&1) || {
    cat "$archives/download.log"
    echo "error: apt-get cannot download ${wanted[*]}; are its lists fresh (apt-get update)?" >&2
    exit 1
}
for archive in "$archives"/*.deb; do
    dpkg -x "$archive" "$folder"
done
printf '%s\n' "${wanted[*]}" >"$stamp"
rm -rf "$archives"
