/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * From the bytes of a pattern file to a set: header, info section, table, data sections, each
 * checked before anything is allocated by what it says. Messages name the field, its offset in the
 * file and its value.
 */
#ifndef SPD_PATTERN_DECODE_H
#define SPD_PATTERN_DECODE_H

#include "pattern_set.h"

typedef struct spd_file_header {
    uint64_t must_flags, may_flags;
    uint64_t patterns;
    uint64_t data_offset; /* the first data section */
    spd_section info, table, extra;
} spd_file_header;

/* Reads and checks the header; fills in the set's shape. */
sparsed_status spd_decode_header(const spd_source *source, spd_file_header *header,
                                 sparsed_pattern_set *set, sparsed_message *message);

/* bytes: the info section. Fills in selection, extents and what is known of the run. */
sparsed_status spd_decode_info(const spd_source *source, const spd_file_header *header,
                               const unsigned char *bytes, sparsed_pattern_set *set,
                               sparsed_message *message);

/* bytes: the table section. Makes the set's entries, of the layers wanted only (rising; count 0:
 * all). SPARSED_E_MISMATCH: a layer is not there. */
sparsed_status spd_decode_table(const spd_source *source, const spd_file_header *header,
                                const unsigned char *bytes, const uint32_t *layers,
                                uint32_t layer_count, sparsed_pattern_set *set,
                                sparsed_message *message);

/* Makes the pattern of an entry: its sections in place in a mapping, else copied. They are
 * verified, in a mapped set at the first use only. */
sparsed_status spd_decode_pattern(const spd_source *source, const sparsed_pattern_set *set,
                                  uint32_t index, sparsed_pattern **pattern,
                                  sparsed_message *message);

/* SPARSED_E_FORMAT unless low <= value <= high. field: "header field batch". */
sparsed_status spd_decode_range(const spd_source *source, const char *field, uint64_t offset,
                                uint64_t value, uint64_t low, uint64_t high,
                                sparsed_message *message);

/* The section that 24 bytes describe; next is where it must begin, and then where it ends.
 * SPARSED_E_FORMAT also if it does not lie within the source. */
sparsed_status spd_decode_section(const spd_source *source, const char *field, uint64_t offset,
                                  const unsigned char *bytes, uint64_t *next, spd_section *section,
                                  sparsed_message *message);

/* SPARSED_E_FORMAT unless count bytes are 0. */
sparsed_status spd_decode_zeros(const spd_source *source, const char *field, uint64_t offset,
                                const unsigned char *bytes, uint64_t count,
                                sparsed_message *message);

#endif
