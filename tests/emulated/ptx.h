/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Programs in PTX, run on the processor: what the kernels for NVIDIA's devices are compiled to, with the matrix
 * instructions, asynchronous copies, tensor maps and barriers that they use, and no others. A text with an
 * instruction that is not known here is refused when it is parsed. Strict where a device is not: accesses outside of
 * the launch's memory, local memory that was never written, misaligned accesses, and barriers that nobody comes to end
 * a launch with a message.
 */
#ifndef TESTS_EMULATED_PTX_H
#define TESTS_EMULATED_PTX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ptx_program ptx_program;
typedef struct ptx_kernel ptx_kernel; /* part of its program */

typedef struct ptx_message {
    char text[512];
} ptx_message;

/* NULL: the message says why, with the line. `text` ends with a 0, and is not needed afterwards. */
ptx_program *ptx_parse(const char *text, ptx_message *message);
void ptx_free(ptx_program *program); /* NULL is fine */

/* NULL if there is none of that name. */
const ptx_kernel *ptx_find_kernel(const ptx_program *program, const char *name);

enum { PTX_MAX_PARAMETERS = 32 };

/* A kernel's parameters lie in one block of bytes, each at its offset. */
typedef struct ptx_parameter {
    size_t offset, bytes;
    bool is_pointer; /* to global memory */
} ptx_parameter;

size_t ptx_parameters(const ptx_kernel *kernel, ptx_parameter parameters[PTX_MAX_PARAMETERS]);
/* Items of a group that it was compiled for; 0, 0, 0: any. */
void ptx_group_items(const ptx_kernel *kernel, uint32_t items[3]);

/* Memory of the device, at the address that it has on the host. */
typedef struct ptx_range {
    unsigned char *first;
    size_t bytes;
} ptx_range;

typedef struct ptx_launch {
    uint32_t groups[3], items[3];
    const unsigned char *parameters; /* the block */
    const ptx_range *memory;         /* all that the kernel may touch */
    size_t ranges;
} ptx_launch;

/* Returns when all is done; false: it was ended early, and the message says by what, and where. */
bool ptx_run(const ptx_kernel *kernel, const ptx_launch *launch, ptx_message *message);

#endif
