#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# From a fresh clone to a first run, on Debian 12, Ubuntu 22.04 and 24.04.
#   usage: tools/quickstart.sh run [OPTIONS]   build, then `sparsed generate --compare OPTIONS`
#          tools/quickstart.sh test [OPTIONS]  build, then `ctest OPTIONS`
# Packages that are missing are installed with apt-get (through sudo if not root); elsewhere install
# their like by hand first: docs/building.md. OpenCL's headers and loader are optional: without them
# the OpenCL backend is left out. A GPU needs its vendor's driver besides; pocl-opencl-icd, which is not
# installed, makes an OpenCL device of the processor.
set -eu

cd "$(dirname "$0")/.."
job=${1:-}
case $job in
run | test) shift ;;
*)
    echo "usage: tools/quickstart.sh run|test [OPTIONS]" >&2
    exit 2
    ;;
esac

has_package() {
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

install_packages() {
    echo "installing:$1"
    # shellcheck disable=SC2086 # the packages are words
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $1
}

install_missing() {
    missing=
    optional=
    for package in build-essential cmake ninja-build pkg-config libxxhash-dev libcjson-dev \
        libpcre2-dev libpng-dev libcmocka-dev; do
        has_package "$package" || missing="$missing $package"
    done
    # Any of OpenBLAS's variants will do.
    if ! /sbin/ldconfig -p | grep -q 'libopenblas\.so\.0'; then
        missing="$missing libopenblas0-pthread"
    fi
    has_package opencl-headers || optional="$optional opencl-headers"
    if ! /sbin/ldconfig -p | grep -q 'libOpenCL\.so\.1'; then
        optional="$optional ocl-icd-libopencl1"
    fi
    [ -n "$missing$optional" ] || return 0
    as_root=
    [ "$(id -u)" -eq 0 ] || as_root=sudo
    $as_root apt-get update || [ -z "$missing" ]
    [ -z "$missing" ] || install_packages "$missing"
    [ -z "$optional" ] || install_packages "$optional" || true
}

has_opencl() {
    echo '#include <CL/cl_icd.h>' | "${CC:-cc}" -E - >/dev/null 2>&1 &&
        /sbin/ldconfig -p | grep -q 'libOpenCL\.so'
}

if command -v apt-get >/dev/null && command -v dpkg-query >/dev/null; then
    install_missing
fi
opencl=ON
has_opencl || opencl=OFF
[ "$opencl" = ON ] || echo "no OpenCL headers or loader: the OpenCL backend is left out"
cmake --preset release -DSPARSED_OPENCL="$opencl"
cmake --build --preset release
if [ "$job" = run ]; then
    case " $* " in
    *" --compare"*) ;;
    *) set -- --compare "$@" ;;
    esac
    # Threads that spin while they wait are slow where others want the processors too.
    export OMP_WAIT_POLICY="${OMP_WAIT_POLICY:-passive}"
    exec ./build/release/tools/sparsed generate "$@"
fi
exec ctest --preset release "$@"
