/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* See reseal.h. The offsets are those of docs/pattern-format.md, written out once more. */
#include "reseal.h"

#include "src/hash.h"
#include "src/little_endian.h"

enum {
    HEADER_BYTES = 256,
    HEADER_INFO = 40,
    HEADER_TABLE = 64,
    HEADER_EXTRA = 88,
    HEADER_CHECKSUM = 248,
    RECORD_BYTES = 192,
    RECORD_SECTIONS = 40,
    SECTIONS = 4,
    TRIPLE_BYTES = 24,
    FILLING = 64
};

/* The section of a triple (offset, size, checksum): its filled size, or 0 if it is absent or does
 * not lie within the bytes. */
static uint64_t filled_size(const uint8_t *triple, size_t size) {
    const uint64_t offset = spd_get_u64(triple), bytes = spd_get_u64(triple + 8);
    if (bytes == 0 || offset > size || bytes > size - offset)
        return 0;
    const uint64_t filled = (bytes + FILLING - 1) / FILLING * FILLING;
    return filled <= size - offset ? filled : 0;
}

static void reseal_section(uint8_t *bytes, size_t size, uint8_t *triple) {
    const uint64_t filled = filled_size(triple, size);
    if (filled > 0)
        spd_put_u64(triple + 16, spd_hash64(bytes + spd_get_u64(triple), filled));
}

static void reseal_data(uint8_t *bytes, size_t size) {
    if (filled_size(bytes + HEADER_TABLE, size) == 0)
        return;
    uint8_t *table = bytes + spd_get_u64(bytes + HEADER_TABLE);
    const uint64_t records = spd_get_u64(bytes + HEADER_TABLE + 8) / RECORD_BYTES;
    for (uint64_t i = 0; i < records; i++)
        for (int part = 0; part < SECTIONS; part++)
            reseal_section(bytes, size,
                           table + i * RECORD_BYTES + RECORD_SECTIONS + part * TRIPLE_BYTES);
}

void reseal(uint8_t *bytes, size_t size) {
    if (size < HEADER_BYTES)
        return;
    reseal_data(bytes, size);
    reseal_section(bytes, size, bytes + HEADER_INFO);
    reseal_section(bytes, size, bytes + HEADER_TABLE);
    reseal_section(bytes, size, bytes + HEADER_EXTRA);
    spd_put_u64(bytes + HEADER_CHECKSUM, spd_hash64(bytes, HEADER_CHECKSUM));
}
