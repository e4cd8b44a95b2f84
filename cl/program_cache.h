/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Built programs on disk, so that the next process need not compile, in the user's folder
 * (src/user_folder.h). Its files must belong to the user and be writable by nobody else, as the
 * folder (mode 0600). Anything odd (a short file, another key, a wrong checksum, a driver that
 * refuses the binary) means that the program is built from source and the file replaced: the cache
 * never makes a call fail.
 */
#ifndef SPD_CL_PROGRAM_CACHE_H
#define SPD_CL_PROGRAM_CACHE_H

#include "state.h"

#include <sparsed/pattern.h>

/* Source texts, options, platform, device, driver and this library's version. */
sparsed_fingerprint spd_cl_cache_key_of(const spd_cl_state *state, const char *const *texts,
                                        size_t count, const char *options);

/* False if there is no folder that can be written: a binary, which some runtimes compile anew when they are
 * asked for it, would be in vain. */
bool spd_cl_cache_is_on(void);

/* The stored binary, from the state's allocator; NULL if there is none that can be trusted. */
unsigned char *spd_cl_cache_load(const spd_cl_state *state, sparsed_fingerprint key,
                                 size_t *size_bytes);
/* Stores it if that is possible. */
void spd_cl_cache_store(sparsed_fingerprint key, const unsigned char *binary, size_t size_bytes);

#endif
