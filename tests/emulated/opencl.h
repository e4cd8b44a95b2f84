/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * A libOpenCL with one device, of NVIDIA, whose programs are compiled to PTX and run by the emulator (ptx.h).
 * Contexts, queues, buffers and events are PoCL's, under the real libOpenCL: this library is linked with it, so that
 * who looks for a function that is not here finds that one. SPARSED_OPENCL_LIBRARY names this library to the backend.
 * Environment: SPARSED_EMULATED_CAPABILITY  10 times the compute capability (90; 80 is the other one)
 *              and that of compile.sh, which it runs; SPARSED_EMULATED_CACHE: there is put the text of a kernel
 *              whose launch ends with a message, too.
 */
#ifndef TESTS_EMULATED_OPENCL_H
#define TESTS_EMULATED_OPENCL_H

#include "cl/api.h"
#include "emulated/ptx.h"

#include <stdatomic.h>
#include <stddef.h>

/* ---- opencl_device.c ---- */

const spd_cl_api *emulated_real(void); /* the real libOpenCL */
cl_device_id emulated_device(void); /* PoCL's, which stands for the device; NULL: there is none */
unsigned emulated_capability(void);
/* Answers an OpenCL query with these bytes. */
cl_int emulated_answer(const void *from, size_t bytes, size_t size, void *value, size_t *size_out);

/* ---- opencl_memory.c ---- */

/* Where a buffer lies; NULL if there is no such buffer. */
unsigned char *emulated_address(cl_mem memory);
/* All buffers; from malloc. */
ptx_range *emulated_ranges(size_t *count);

/* ---- opencl_compile.c ---- */

/* The text in PTX, from malloc; NULL if it does not compile. What the compiler says, too. */
char *emulated_compile(const char *text, const char *options, char **log);

/* ---- opencl_program.c ---- */

/* Kernels refer to their program. */
struct _cl_program {
    atomic_uint references;
    char *source; /* NULL: it was made from PTX */
    char *ptx;
    char *log;
    ptx_program *built; /* NULL: it is not */
};

/* Zeroed; ends the program if there is no memory. */
void *emulated_allocate(size_t bytes);

#endif
