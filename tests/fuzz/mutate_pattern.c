/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Mutations of pattern files: libFuzzer's own; a number of the header, of a record or of the table
 * set to one that limits and counts may stumble over; a record of the info section that says
 * something else of itself; a section of another size, the rest still in its place. Checksums are
 * put right afterwards, so that the corpus holds files that get past them.
 */
#include "fuzz_target.h"
#include "reseal.h"

#include "src/little_endian.h"

#include <string.h>

enum {
    HEADER_BYTES = 256,
    HEADER_FILE_SIZE = 16,
    HEADER_INFO = 40,
    HEADER_TABLE = 64,
    HEADER_SECTIONS = 3,
    HEADER_PATTERNS = 112,
    RECORD_BYTES = 192,
    RECORD_FIRST_SECTION = 40,
    RECORD_SECTIONS = 4,
    TRIPLE_BYTES = 24,
    FILLING = 64
};

static uint64_t next(uint64_t *random) {
    *random = *random * 6364136223846793005u + 1442695040888963407u;
    return *random >> 33;
}

static uint64_t other_number(uint64_t number, uint64_t *random) {
    static const uint64_t edges[] = {0, 1, 2, 3, 16, 64, 128, 65535, 65536, 0x7fffffff, 0x80000000u,
                                     0xffffffffu, 1u << 20, 1u << 24, (uint64_t)1 << 32, INT64_MAX,
                                     UINT64_MAX, (uint64_t)1 << 62,
                                     /* as double: 1, 0.5, -1, infinity, NaN */
                                     0x3ff0000000000000u, 0x3fe0000000000000u, 0xbff0000000000000u,
                                     0x7ff0000000000000u, 0x7ff8000000000000u};
    switch (next(random) % 4) {
    case 0:
        return number + 1;
    case 1:
        return number - 1;
    case 2:
        return number ^ (uint64_t)1 << next(random) % 64;
    default:
        return edges[next(random) % (sizeof edges / sizeof edges[0])];
    }
}

/* The header ends where the info section begins, and data come last: low offsets are the ones with
 * a structure. */
static void change_number(uint8_t *data, size_t size, uint64_t *random) {
    const size_t limit = next(random) % 4 ? (size < 1024 ? size : 1024) : size;
    const size_t at = next(random) % (limit / 8) * 8;
    if (next(random) % 4)
        spd_put_u64(data + at, other_number(spd_get_u64(data + at), random));
    else
        spd_put_u32(data + at, (uint32_t)other_number(spd_get_u32(data + at), random));
}

/* The n-th of the (offset, size, checksum) in the order in which their sections lie in the file:
 * info, table, extra, then of each record bits, ratios, scores, generation scores. NULL: no
 * more. */
static uint8_t *triple_at(uint8_t *data, size_t size, size_t n) {
    if (n < HEADER_SECTIONS)
        return data + HEADER_INFO + n * TRIPLE_BYTES;
    const uint64_t table = spd_get_u64(data + HEADER_TABLE);
    const uint64_t bytes = spd_get_u64(data + HEADER_TABLE + 8);
    const uint64_t record = (n - HEADER_SECTIONS) / RECORD_SECTIONS;
    if (table > size || bytes > size - table || record >= bytes / RECORD_BYTES)
        return NULL;
    return data + table + record * RECORD_BYTES + RECORD_FIRST_SECTION +
           (n - HEADER_SECTIONS) % RECORD_SECTIONS * TRIPLE_BYTES;
}

static size_t filled(uint64_t size) {
    return (size_t)((size + FILLING - 1) / FILLING * FILLING);
}

/* Where a section begins, or would begin: behind the one before it. */
static uint64_t place_of(uint8_t *data, size_t size, size_t n) {
    uint64_t offset = spd_get_u64(triple_at(data, size, n));
    while (offset == 0 && n-- > 0) {
        const uint8_t *before = triple_at(data, size, n);
        if (spd_get_u64(before) != 0)
            offset = spd_get_u64(before) + filled(spd_get_u64(before + 8));
    }
    return offset == 0 ? HEADER_BYTES : offset;
}

static uint64_t other_size(uint64_t size, uint64_t *random) {
    switch (next(random) % 6) {
    case 0:
        return size / 2 / 8 * 8;
    case 1:
        return size * 2;
    case 2:
        return size + 8 * (1 + next(random) % 24);
    case 3:
        return next(random) % 2 ? 0 : RECORD_BYTES * (1 + next(random) % 3);
    case 4:
        return 8 * (1 + next(random) % 32);
    default:
        return size > 8 ? size - 8 : 8;
    }
}

/* Moves the sections that lie behind another one; the table is found where it is by then. */
static void shift(uint8_t *data, size_t size, size_t changed, uint64_t distance) {
    uint8_t *triple;
    for (size_t n = changed + 1; (triple = triple_at(data, size, n)) != NULL; n++)
        if (spd_get_u64(triple) != 0)
            spd_put_u64(triple, spd_get_u64(triple) + distance);
}

/* Gives one section another size; what follows it moves, and is still found. */
static size_t resize_section(uint8_t *data, size_t size, size_t max_size, uint64_t *random) {
    size_t count = 0;
    while (count < 64 && triple_at(data, size, count))
        count++;
    const size_t n = next(random) % count;
    uint8_t *triple = triple_at(data, size, n);
    const uint64_t place = place_of(data, size, n), before = spd_get_u64(triple + 8);
    const uint64_t after = other_size(before, random);
    if (place > size || before > size - place || filled(before) > size - place ||
        after > max_size || size - filled(before) + filled(after) > max_size)
        return size;
    spd_put_u64(triple, after == 0 ? 0 : place);
    spd_put_u64(triple + 8, after);
    if (after == 0)
        spd_put_u64(triple + 16, 0);
    const size_t tail = size - (size_t)place - filled(before);
    memmove(data + place + filled(after), data + place + filled(before), tail);
    const size_t kept = (size_t)(before < after ? before : after);
    memset(data + place + kept, 0, filled(after) - kept);
    size = size - filled(before) + filled(after);
    shift(data, size, n, filled(after) - filled(before));
    if (n == 1)
        spd_put_u64(data + HEADER_PATTERNS, after / RECORD_BYTES);
    spd_put_u64(data + HEADER_FILE_SIZE, size);
    return size;
}

/* Changes the tag, the flags or the size of one record of the info section. */
static void change_record(uint8_t *data, size_t size, uint64_t *random) {
    uint64_t at = spd_get_u64(data + HEADER_INFO), record = next(random) % 6;
    while (at <= size && size - at >= 16) {
        const uint64_t bytes = spd_get_u64(data + at + 8);
        if (record-- == 0) {
            if (next(random) % 2)
                spd_put_u64(data + at + 8, bytes + 8 * (next(random) % 5) - 16);
            else
                spd_put_u32(data + at + next(random) % 2 * 4, (uint32_t)next(random) % 12);
            return;
        }
        if (bytes > size)
            return;
        at += 16 + (bytes + 7) / 8 * 8;
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed) {
    uint64_t random = seed;
    const uint64_t kind = size < HEADER_BYTES ? 0 : next(&random) % 8;
    if (kind < 3) {
        size = LLVMFuzzerMutate(data, size, max_size);
        if (size >= HEADER_BYTES && next(&random) % 4)
            spd_put_u64(data + HEADER_FILE_SIZE, size);
    } else if (kind < 5) {
        change_number(data, size, &random);
    } else if (kind < 6) {
        change_record(data, size, &random);
    } else {
        size = resize_section(data, size, max_size, &random);
    }
    reseal(data, size);
    return size;
}
