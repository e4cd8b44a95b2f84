/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * A libOpenCL (SPARSED_OPENCL_LIBRARY) that hands every call on to the real one, makes one of them
 * fail where it is told to, and counts. The call that fails is not handed on, but for releases and
 * waits: those happen, and then fail. For one thread.
 */
#ifndef TESTS_SUPPORT_FAILING_OPENCL_H
#define TESTS_SUPPORT_FAILING_OPENCL_H

#include <stdbool.h>
#include <stdint.h>

/* The library's data symbol "failing_opencl". */
typedef struct failing_opencl_control {
    /* Counts from 0 again; nothing fails. Devices stay what they are. */
    void (*reset)(void);
    /* Call `nth` (from 0, counted from now on) of `function` (NULL: of all) fails with `error`. */
    void (*arm)(const char *function, uint64_t nth, int error);
    /* The function that was made to fail, NULL if none was yet. */
    const char *(*failed)(void);
    uint64_t (*calls)(const char *function); /* NULL: all */
    /* From now on devices are of NVIDIA, with this compute capability, 10 * major + minor, and binaries are
     * PTX (nvidia_driver.h), from which the compiler may drop comments; 0: what they are by themselves. */
    void (*be_nvidia)(unsigned capability, bool drops_comments);
    /* Objects created and references taken, less those given back; since the library was loaded. */
    int64_t (*live)(void);
} failing_opencl_control;

#endif
