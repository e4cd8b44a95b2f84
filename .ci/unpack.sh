#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Debian packages, with what they need that is not installed, unpacked into a folder: nothing on the
# machine changes, so packages that exclude each other can lie side by side.
#   usage: bash .ci/unpack.sh FOLDER PACKAGE...
# A folder that already holds the same packages is left as it is.
set -euo pipefail

folder=$1
shift
archives=$folder.debs
stamp=$folder/.packages

# What apt would install; upgrades of what is here are left out.
mapfile -t wanted < <(apt-get install --simulate --no-install-recommends "$@" |
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
(cd "$archives" && apt-get download -q "${wanted[@]}" >download.log 2>&1) || {
    cat "$archives/download.log"
    echo "error: apt-get cannot download ${wanted[*]}; are its lists fresh (apt-get update)?" >&2
    exit 1
}
for archive in "$archives"/*.deb; do
    dpkg -x "$archive" "$folder"
done
printf '%s\n' "${wanted[*]}" >"$stamp"
rm -rf "$archives"
