#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs the library into a fresh prefix, moves that prefix, and builds and runs the consumer on
# it: by CMake and by pkg-config, shared and static, and with the sources as a subproject.
#   usage: tests/install/run.sh [SCRATCH]
# SCRATCH is an empty or new folder; without it a temporary one, which is removed.
# CC and CXX choose the compilers.
set -eu

source_dir=$(cd "$(dirname "$0")/../.." && pwd)
if [ $# -gt 0 ]; then
    mkdir -p "$1"
    scratch=$(cd "$1" && pwd)
else
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
fi

say() {
    printf '== %s\n' "$*"
}

fail() {
    printf 'tests/install/run.sh: %s\n' "$*" >&2
    exit 1
}

# All of a step's words on failure, none on success.
quietly() {
    if ! "$@" >"$scratch/log" 2>&1; then
        cat "$scratch/log" >&2
        fail "failed: $*"
    fi
}

# $1 kind, $2 ON or OFF for BUILD_SHARED_LIBS, $3 the library's suffix. Leaves the installed tree in $scratch/moved-KIND.
install_and_move() {
    quietly cmake -S "$source_dir" -B "$scratch/build-$1" -G Ninja -DCMAKE_BUILD_TYPE=Release \
        -DBUILD_SHARED_LIBS="$2" -DSPARSED_TOOLS=OFF -DSPARSED_TESTS=OFF \
        -DCMAKE_INSTALL_PREFIX="$scratch/first-$1"
    quietly cmake --build "$scratch/build-$1"
    quietly cmake --install "$scratch/build-$1"
    mv "$scratch/first-$1" "$scratch/moved-$1"
    prefix=$scratch/moved-$1
    libdir=$(dirname "$(find "$prefix" -name 'libsparsed.*' | head -n 1)")
    without=
    grep -q sparsed_opencl_context_create "$libdir/libsparsed.$3" || without='without-opencl'
    # shellcheck disable=SC2086 # a word or none
    sh "$source_dir/tests/api/symbols.sh" "$libdir/libsparsed.$3" $without
    if grep -rlF "$scratch/first-$1" "$prefix"; then
        fail "the files above name the prefix that they were installed to"
    fi
    for file in include/sparsed/sparsed.h include/sparsed/pattern.h share/doc/sparsed/LICENSE; do
        [ -f "$prefix/$file" ] || fail "$file was not installed"
    done
}

# $1 folder with the programs `consumer` and `headers`.
run_programs() {
    quietly env LD_LIBRARY_PATH="$libdir" "$1/headers"
    quietly env LD_LIBRARY_PATH="$libdir" "$1/consumer"
    tail -n 1 "$scratch/log"
}

consume_by_cmake() {
    say "find_package, $1"
    quietly cmake -S "$source_dir/tests/install/consumer" -B "$scratch/cmake-$1" -G Ninja \
        -DCMAKE_PREFIX_PATH="$prefix"
    quietly cmake --build "$scratch/cmake-$1"
    run_programs "$scratch/cmake-$1"
}

consume_by_pkg_config() {
    say "pkg-config, $1"
    flags=$(PKG_CONFIG_PATH=$libdir/pkgconfig pkg-config --cflags --libs sparsed)
    mkdir -p "$scratch/pkg-$1"
    consumer=$source_dir/tests/install/consumer
    # shellcheck disable=SC2086 # the flags are words
    quietly "${CC:-cc}" -std=c11 "$consumer/main.c" -o "$scratch/pkg-$1/consumer" $flags -lm
    # shellcheck disable=SC2086
    quietly "${CXX:-c++}" -std=c++17 "$consumer/headers.cpp" -o "$scratch/pkg-$1/headers" $flags
    run_programs "$scratch/pkg-$1"
}

links_libopencl() {
    echo 'int main(void) { return 0; }' |
        "${CC:-cc}" -x c - -o "$scratch/probe" -lOpenCL 2>/dev/null
}

# Makes -lOpenCL work also without the package that has the development link.
find_libopencl() {
    links_libopencl && return
    library=$("${CC:-cc}" -print-file-name=libOpenCL.so.1)
    [ "$library" != libOpenCL.so.1 ] || return 1
    mkdir -p "$scratch/opencl"
    ln -sf "$library" "$scratch/opencl/libOpenCL.so"
    export LIBRARY_PATH="$scratch/opencl" CMAKE_LIBRARY_PATH="$scratch/opencl"
    links_libopencl
}

# $1 cmake or sh: what "Building it" of docs/embedding.md shows in this language.
excerpt() {
    awk -v fence="\`\`\`$1" '
        /^## / { here = $0 == "## Building it" }
        /^```/ { inside = here && $0 == fence; next }
        inside
    ' "$source_dir/docs/embedding.md"
}

cc() {
    command "${CC:-cc}" "$@"
}

# shellcheck source=/dev/null
run_sh_excerpt() (
    export PKG_CONFIG_PATH="$libdir/pkgconfig"
    cd "$1"
    excerpt sh >recipe.sh
    . ./recipe.sh
)

# $1 program. Without a device (exit code 77) it was built only.
run_embedding() {
    code=0
    env LD_LIBRARY_PATH="$libdir" "$1" >"$scratch/log" 2>&1 || code=$?
    cat "$scratch/log"
    [ "$code" -eq 0 ] || [ "$code" -eq 77 ] || fail "the embedding program's exit code is $code"
}

# The program of docs/embedding.md, built as the page says.
embed() {
    if ! grep -q sparsed_opencl_context_create "$libdir"/libsparsed.*; then
        say "an OpenCL application, $1: left out, the library was built without OpenCL"
        return
    fi
    say "an OpenCL application, $1"
    if ! find_libopencl; then
        say "left out: there is no libOpenCL to link"
        return
    fi
    folder=$scratch/embedding-$1
    mkdir -p "$folder"
    cp "$source_dir/tests/embedding/main.c" "$folder"
    excerpt cmake >"$folder/CMakeLists.txt"
    quietly run_sh_excerpt "$folder"
    run_embedding "$folder/app"
    quietly cmake -S "$folder" -B "$folder/build" -G Ninja -DCMAKE_PREFIX_PATH="$prefix"
    quietly cmake --build "$folder/build"
    run_embedding "$folder/build/app"
}

consume_sources() {
    say "as a subproject"
    quietly cmake -S "$source_dir/tests/install/consumer" -B "$scratch/subproject" -G Ninja \
        -DSPARSED_SOURCE_DIR="$source_dir"
    quietly cmake --build "$scratch/subproject"
    run_programs "$scratch/subproject"
}

for kind in shared static; do
    case $kind in
    shared) install_and_move "$kind" ON so ;;
    static) install_and_move "$kind" OFF a ;;
    esac
    consume_by_cmake "$kind"
    consume_by_pkg_config "$kind"
    embed "$kind"
done
consume_sources
say "every consumer ran"
