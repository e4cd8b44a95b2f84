/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Where the bytes of a pattern file come from, and its sections: read, and verified.
 */
#ifndef SPD_PATTERN_SECTION_H
#define SPD_PATTERN_SECTION_H

#include <sparsed/sparsed.h>

typedef struct spd_section {
    uint64_t offset, size, checksum; /* all 0: absent. size is without the filling */
} spd_section;

/* A file descriptor, or memory. */
typedef struct spd_source {
    char name[200];             /* the file's, or the end of a long one; begins every message */
    int fd;                     /* read from if bytes is NULL */
    const unsigned char *bytes; /* memory, or NULL */
    uint64_t size;
    struct spd_file_map *map; /* holds bytes for as long as patterns need them; NULL: sections are
                                 copied (pattern_file.h) */
} spd_source;

void spd_source_set_name(spd_source *source, const char *path);

/* Formats "NAME: byte OFFSET: text" and returns status. */
sparsed_status spd_source_fail(const spd_source *source, sparsed_message *message,
                               sparsed_status status, uint64_t offset, const char *format, ...);

/* Formats "NAME: what: CAUSE" of an errno; returns SPARSED_E_IO. */
sparsed_status spd_source_fail_io(const spd_source *source, sparsed_message *message, int cause,
                                  const char *what);

/* Copies bytes out; they lie within the source. SPARSED_E_IO; SPARSED_E_FORMAT (it has become
 * shorter). */
sparsed_status spd_source_read(const spd_source *source, uint64_t offset, void *to,
                               uint64_t size_bytes, sparsed_message *message);

/* size rounded up to the filling; size is at most SPD_MAX_FILE_BYTES. */
uint64_t spd_filled(uint64_t size);

/* XXH3-64 over size bytes and the zeros that fill them up. */
uint64_t spd_section_checksum(const void *data, uint64_t size);

/*
 * The bytes of a section that lies within the source, found right: checksum, and zeros as filling.
 * In place if the source has a map, else in memory that spd_section_release frees, or that the
 * caller keeps. NULL for an absent section.
 *   what  names the section in messages
 */
sparsed_status spd_section_read(const spd_source *source, const spd_section *section,
                                const char *what, const sparsed_allocator *allocator,
                                const unsigned char **bytes, sparsed_message *message);
void spd_section_release(const spd_source *source, const sparsed_allocator *allocator,
                         const unsigned char *bytes);

#endif
