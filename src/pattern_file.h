/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Pattern files as bytes: a mapping that patterns and sets share by reference count, and reading
 * and writing wherever the bytes are.
 */
#ifndef SPD_PATTERN_FILE_H
#define SPD_PATTERN_FILE_H

#include "pattern_section.h"

#include <sparsed/pattern.h>

#include <stdatomic.h>
#include <stdbool.h>

typedef struct spd_file_map {
    atomic_uint references;
    sparsed_allocator allocator;
    spd_source source; /* the whole file; its map is this one */
    bool unmap;        /* bytes are a mapping of the system, not the caller's memory */
} spd_file_map;

spd_file_map *spd_file_map_retain(spd_file_map *map);
void spd_file_map_release(
    spd_file_map *map); /* the last one unmaps; NULL is ignored. Thread-safe */

/*
 * Reads a set from a file in memory, by the same steps as sparsed_pattern_set_load from a path: for
 * tests of files by the thousand. With SPARSED_LOAD_MAP, bytes are aligned to 8 and outlive the set
 * and its patterns.
 */
sparsed_status spd_pattern_set_parse(const void *bytes, uint64_t size_bytes,
                                     const sparsed_load_options *options, sparsed_pattern_set **set,
                                     sparsed_message *message);

/* Takes the bytes of a file, from first to last. */
typedef struct spd_sink {
    sparsed_status (*write)(void *user, const void *bytes, uint64_t size_bytes,
                            sparsed_message *message);
    void *user;
} spd_sink;

/* Writes a set as a file. SPARSED_OK; SPARSED_E_NOMEM; what a mapped set's patterns and the sink
 * return. */
sparsed_status spd_pattern_set_encode(const sparsed_pattern_set *set, const spd_sink *sink,
                                      sparsed_message *message);

#endif
