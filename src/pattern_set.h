/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Inside of a pattern set. One that was made of patterns, or loaded, owns them; one that is mapped
 * knows where their sections lie, and makes a pattern when it is asked for.
 */
#ifndef SPD_PATTERN_SET_H
#define SPD_PATTERN_SET_H

#include "pattern.h"
#include "pattern_format.h"
#include "pattern_section.h"

typedef struct spd_set_entry {
    uint32_t layer, step, score_dtype;
    uint64_t kept_blocks;
    double ratio;
    spd_section parts[SPD_PARTS]; /* read from a file: where its data lie */
    sparsed_pattern *pattern;     /* NULL in a mapped set */
} spd_set_entry;

struct sparsed_pattern_set {
    atomic_uint references;
    sparsed_allocator allocator;
    sparsed_pattern_set_info info; /* its texts are owned, never NULL */
    sparsed_pattern_info shared;   /* of all patterns; ratio: the run's own */
    spd_extents *extents;          /* of all patterns */
    spd_set_entry *entries;        /* [info.patterns] by step, then layer */
    struct spd_file_map *map;      /* NULL unless mapped (pattern_file.h) */
    atomic_bool *verified;         /* mapped: [info.patterns] whose sections were found right */
};

/* An empty set with one reference. allocator NULL = the C library's. NULL: no memory. */
sparsed_pattern_set *spd_set_new(const sparsed_allocator *allocator);

/* Room for count entries, which info.patterns becomes; false: no memory. */
bool spd_set_allocate_entries(sparsed_pattern_set *set, uint64_t count);

/* Copies size_bytes of text to *to and ends it with a zero, releasing what *to was; false: no
 * memory. */
bool spd_set_text(const sparsed_pattern_set *set, const char **to, const void *text,
                  uint64_t size_bytes);

/* Whether a text is one that a file may hold: UTF-8 without zeros, at most SPD_TEXT_LIMIT bytes. */
bool spd_text_fits(const void *text, uint64_t size_bytes);

/* (0, 1], or 0 in the modes that do not rank blocks. */
bool spd_ratio_fits(uint32_t mode, double ratio);

/* Whether the entries hold all model layers in each of their steps; true if their number is not
 * known. */
bool spd_set_is_complete(const sparsed_pattern_set *set);

/* The info of one pattern; head_ratios: it has ratios of its own for each head. */
sparsed_pattern_info spd_set_pattern_info(const sparsed_pattern_set *set,
                                          const spd_set_entry *entry, bool head_ratios);

#endif
