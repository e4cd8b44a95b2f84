/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Kernels from their sources: those embedded at build time, or, with SPARSED_KERNEL_DIR set, the
 * files of that folder. Built programs are kept on disk (program_cache.h).
 */
#ifndef SPD_CL_PROGRAM_H
#define SPD_CL_PROGRAM_H

#include "state.h"

/* Builds cl/kernels/NAME.cl, promoted or not (promote.h), and takes the kernel NAME out of it; *kernel is
 * NULL on failure.
 * SPARSED_E_COMPILE: the compiler refused it, the message has the first error of its log; or it could
 * not be promoted, the message says at which step.
 * SPARSED_E_UNSUPPORTED: the device cannot run work-groups of the size that the kernel asks for.
 * SPARSED_E_IO: a file of SPARSED_KERNEL_DIR cannot be read. */
sparsed_status spd_cl_kernel_build(spd_cl_state *state, const char *name, const char *options,
                                   bool promoted, cl_kernel *kernel, sparsed_message *message);

/* Lets go of the programs that the state keeps. */
void spd_cl_programs_release(spd_cl_state *state);

/* The embedded text of cl/kernels/FILE; NULL if there is none. Generated at build time. */
const char *spd_cl_source(const char *file);

#endif
