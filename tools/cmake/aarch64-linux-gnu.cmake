# SPDX-License-Identifier: Apache-2.0
# Builds for 64-bit arm with Debian's cross compiler, and runs what it built under QEMU.
# SPARSED_ARM_ROOT: folder with the arm64 packages that docs/building.md names, unpacked.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_SYSROOT "${SPARSED_ARM_ROOT}")
set(CMAKE_CROSSCOMPILING_EMULATOR "qemu-aarch64;-L;${SPARSED_ARM_ROOT}")

list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES SPARSED_ARM_ROOT)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(ENV{PKG_CONFIG_LIBDIR} "${SPARSED_ARM_ROOT}/usr/lib/aarch64-linux-gnu/pkgconfig")
set(ENV{PKG_CONFIG_SYSROOT_DIR} "${SPARSED_ARM_ROOT}")
