/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Any bytes as a pattern file, as they are and with their checksums put right: read as a whole and
 * as a mapping. Both give the same verdict, what they accept can be walked through, and saved it
 * says the same again.
 */
#include "fuzz_target.h"
#include "limited_allocator.h"
#include "reseal.h"
#include "walk.h"

#include "src/pattern_file.h"

#include <stdlib.h>
#include <string.h>

typedef struct byte_buffer {
    uint8_t *bytes;
    size_t size, room;
} byte_buffer;

static sparsed_status append(void *user, const void *bytes, uint64_t size_bytes,
                             sparsed_message *message) {
    (void)message;
    byte_buffer *buffer = user;
    if (size_bytes > buffer->room - buffer->size) {
        buffer->room = 2 * (buffer->room + (size_t)size_bytes);
        buffer->bytes = realloc(buffer->bytes, buffer->room);
        fuzz_require(buffer->bytes != NULL, "memory is enough");
    }
    memcpy(buffer->bytes + buffer->size, bytes, (size_t)size_bytes);
    buffer->size += (size_t)size_bytes;
    return SPARSED_OK;
}

static byte_buffer encode(const sparsed_pattern_set *set) {
    byte_buffer buffer = {NULL, 0, 0};
    const spd_sink sink = {append, &buffer};
    sparsed_message message;
    fuzz_require(spd_pattern_set_encode(set, &sink, &message) == SPARSED_OK,
                 "what was accepted can be saved");
    return buffer;
}

static bool is_verdict(sparsed_status status) {
    return status == SPARSED_E_FORMAT || status == SPARSED_E_VERSION ||
           status == SPARSED_E_CHECKSUM;
}

/* Reads a file and takes all of its patterns; NULL if it is rejected. Reading may cost twice the
 * file and an index, which is in proportion to it; taking, rows of scores besides. limited may be
 * NULL. */
static sparsed_pattern_set *read_all(const uint8_t *bytes, size_t size, uint32_t flags,
                                     limited_allocator *limited) {
    const sparsed_allocator use =
        limited ? limited_allocator_use(limited) : (sparsed_allocator){NULL, NULL, NULL};
    const sparsed_allocator *allocator = limited ? &use : NULL;
    const sparsed_load_options options = {
        .struct_size = sizeof options, .flags = flags, .allocator = allocator};
    sparsed_pattern_set *set;
    sparsed_message message;
    if (limited)
        limited->limit_bytes = limited->live_bytes + 4096 + 3 * (uint64_t)size;
    sparsed_status status = spd_pattern_set_parse(bytes, size, &options, &set, &message);
    if (limited)
        limited->limit_bytes = 64 * 1024 + 16 * (uint64_t)size;
    if (status == SPARSED_OK) {
        status = walk_set(set, &message);
        fuzz_require(status == SPARSED_OK || flags == SPARSED_LOAD_MAP,
                     "a set that was read as a whole has all of its patterns");
    } else {
        fuzz_require(set == NULL, "no set where reading failed");
    }
    if (status == SPARSED_OK)
        return set;
    fuzz_require(is_verdict(status), "a rejected file has one of the statuses for it");
    fuzz_require(message.text[0] != '\0', "a rejected file has a message");
    sparsed_pattern_set_release(set);
    return NULL;
}

static void check_saved_again(const sparsed_pattern_set *set) {
    byte_buffer first = encode(set);
    sparsed_pattern_set *again = read_all(first.bytes, first.size, 0, NULL);
    fuzz_require(again != NULL, "what was saved is accepted");
    byte_buffer second = encode(again);
    fuzz_require(first.size == second.size && memcmp(first.bytes, second.bytes, first.size) == 0,
                 "saving once more gives the same bytes");
    sparsed_pattern_set_release(again);
    free(first.bytes);
    free(second.bytes);
}

static void try_file(const uint8_t *bytes, size_t size) {
    limited_allocator limited = {0, 0};
    sparsed_pattern_set *read = read_all(bytes, size, 0, &limited);
    sparsed_pattern_set *mapped = read_all(bytes, size, SPARSED_LOAD_MAP, &limited);
    fuzz_require((read == NULL) == (mapped == NULL), "reading and mapping agree");
    if (read) {
        check_saved_again(read);
        check_saved_again(mapped);
    }
    sparsed_pattern_set_release(read);
    sparsed_pattern_set_release(mapped);
    fuzz_require(limited.live_bytes == 0, "all memory is given back");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    /* A mapping is aligned, and ends where the file does. */
    uint8_t *bytes = malloc(size + (size == 0));
    fuzz_require(bytes != NULL, "memory is enough");
    memcpy(bytes, data, size);
    try_file(bytes, size);
    reseal(bytes, size);
    if (memcmp(bytes, data, size) != 0)
        try_file(bytes, size);
    free(bytes);
    return 0;
}
