/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The sections of a pattern file: read, and verified. */
#include "pattern_section.h"

#include "alloc.h"
#include "error.h"
#include "hash.h"
#include "pattern_format.h"
#include "size.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void spd_source_set_name(spd_source *source, const char *path) {
    size_t length = strlen(path), room = sizeof source->name - 1;
    if (length <= room)
        snprintf(source->name, sizeof source->name, "%s", length > 0 ? path : "\"\"");
    else
        snprintf(source->name, sizeof source->name, "...%s", path + (length - room + 3));
}

sparsed_status spd_source_fail(const spd_source *source, sparsed_message *message,
                               sparsed_status status, uint64_t offset, const char *format, ...) {
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return spd_fail(message, status, "%s: byte %llu: %s", source->name, (unsigned long long)offset,
                    text);
}

sparsed_status spd_source_fail_io(const spd_source *source, sparsed_message *message, int cause,
                                  const char *what) {
    char text[128];
    if (strerror_r(cause, text, sizeof text) != 0)
        snprintf(text, sizeof text, "error %d", cause);
    return spd_fail(message, SPARSED_E_IO, "%s: %s: %s", source->name, what, text);
}

sparsed_status spd_source_read(const spd_source *source, uint64_t offset, void *to,
                               uint64_t size_bytes, sparsed_message *message) {
    unsigned char *into = to;
    if (source->bytes) {
        memcpy(to, source->bytes + offset, (size_t)size_bytes);
        return SPARSED_OK;
    }
    while (size_bytes > 0) {
        size_t piece = (size_t)spd_min(size_bytes, (uint64_t)1 << 30);
        ssize_t got = pread(source->fd, into, piece, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return spd_source_fail_io(source, message, errno, "cannot be read");
        if (got == 0)
            return spd_source_fail(source, message, SPARSED_E_FORMAT, offset,
                                   "the file ends here: it was cut short while it was read");
        into += got;
        offset += (uint64_t)got;
        size_bytes -= (uint64_t)got;
    }
    return SPARSED_OK;
}

uint64_t spd_filled(uint64_t size) {
    return spd_ceil_div(size, SPD_FILL_BYTES) * SPD_FILL_BYTES;
}

uint64_t spd_section_checksum(const void *data, uint64_t size) {
    return spd_hash64_filled(data, size, spd_filled(size) - size);
}

static sparsed_status verify(const spd_source *source, const spd_section *section, const char *what,
                             const unsigned char *bytes, sparsed_message *message) {
    uint64_t filled = spd_filled(section->size), found = spd_hash64(bytes, filled);
    if (found != section->checksum)
        return spd_source_fail(
            source, message, SPARSED_E_CHECKSUM, section->offset,
            "the %s (%llu bytes) is damaged: its checksum is %016llx, not %016llx", what,
            (unsigned long long)section->size, (unsigned long long)found,
            (unsigned long long)section->checksum);
    for (uint64_t i = section->size; i < filled; i++)
        if (bytes[i] != 0)
            return spd_source_fail(source, message, SPARSED_E_FORMAT, section->offset + i,
                                   "the filling after the %s is %u, not 0", what, bytes[i]);
    return SPARSED_OK;
}

sparsed_status spd_section_read(const spd_source *source, const spd_section *section,
                                const char *what, const sparsed_allocator *allocator,
                                const unsigned char **bytes, sparsed_message *message) {
    sparsed_status status = SPARSED_OK;
    unsigned char *copy = NULL;
    *bytes = NULL;
    if (section->size == 0)
        return SPARSED_OK;
    if (!source->map) {
        uint64_t filled = spd_filled(section->size);
        copy = spd_allocate(allocator, filled, 1);
        if (!copy)
            return spd_source_fail(source, message, SPARSED_E_NOMEM, section->offset,
                                   "no memory for the %s of %llu bytes", what,
                                   (unsigned long long)filled);
        status = spd_source_read(source, section->offset, copy, filled, message);
    }
    const unsigned char *found = copy ? copy : source->bytes + section->offset;
    if (status == SPARSED_OK)
        status = verify(source, section, what, found, message);
    if (status == SPARSED_OK)
        *bytes = found;
    else
        spd_release(allocator, copy);
    return status;
}

void spd_section_release(const spd_source *source, const sparsed_allocator *allocator,
                         const unsigned char *bytes) {
    if (!source->map)
        spd_release(allocator, (void *)bytes);
}
