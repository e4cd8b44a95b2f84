/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * One program: from its texts, or from a binary.
 */
#ifndef SPD_CL_PROGRAM_BUILD_H
#define SPD_CL_PROGRAM_BUILD_H

#include "state.h"

enum { SPD_CL_MAX_TEXTS = 6 };

typedef struct spd_cl_build {
    spd_cl_state *state;
    const char *name; /* of the kernel, for messages */
    char options[256];
    const char *texts[SPD_CL_MAX_TEXTS];
    cl_uint text_count;
    bool promoted;      /* see promote.h */
    cl_program program; /* built; NULL = it was not */
    sparsed_message *message;
} spd_cl_build;

/* From the texts, and promoted if that is asked for. */
sparsed_status spd_cl_build_source(spd_cl_build *build);

/* From what spd_cl_build_take_binary() gave for it. False if the driver refuses it, for whatever reason. */
bool spd_cl_build_binary(spd_cl_build *build, const unsigned char *binary, size_t size_bytes);

/* The program's binary for the state's device, from the state's allocator. */
sparsed_status spd_cl_build_take_binary(const spd_cl_build *build, unsigned char **binary,
                                        size_t *size_bytes, sparsed_message *message);

#endif
