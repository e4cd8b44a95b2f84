/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Deferred PTX. Some instructions of NVIDIA's compute capability 9.0 are for the target sm_90a alone, and
 * the driver makes sm_90 of OpenCL C. A kernel has them as comments with a marker:
 *
 *     asm volatile("//@90a wgmma.fence.sync.aligned;" ::: "memory");
 *
 * The program's binary is PTX, a text. Promoted, it is built again as a program of its own:
 *   "//@90a "         is gone, wherever it stands: the comment is an instruction
 *   .target sm_90     is sm_90a
 *   .reqntid          is followed by a line ".minnctapersm 1", without which registers cannot be moved
 *                     between the warps of a work-group
 */
#ifndef SPD_CL_PROMOTE_H
#define SPD_CL_PROMOTE_H

#include <sparsed/sparsed.h>

/* What promotion does, for the key of a program that was promoted: another text where it does other
 * things. */
extern const char spd_cl_promotion[];

/* *promoted, from the allocator, is the promoted text, of exactly *promoted_bytes. The texts need no 0 at
 * their end, and a 0 in them is a character like others.
 * SPARSED_E_COMPILE: it cannot be promoted; the message says what was not found.
 * SPARSED_E_NOMEM: no memory. */
sparsed_status spd_cl_promote(const sparsed_allocator *allocator, const char *ptx, size_t ptx_bytes,
                              char **promoted, size_t *promoted_bytes, sparsed_message *message);

#endif
