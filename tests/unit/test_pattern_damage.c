/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Damaged and impossible pattern files: each is refused, by a load and by a map with all its
 * patterns, with a status and a message that says where. Impossible values come under right
 * checksums.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sparsed/pattern.h>

#include "src/little_endian.h"
#include "src/pattern_file.h"
#include "src/pattern_format.h"
#include "support/api_check.h"
#include "support/pattern_bytes.h"
#include "support/test_files.h"

/* Takes all patterns out of a set, and releases it. */
static sparsed_status take_all(sparsed_pattern_set *set, sparsed_message *message) {
    sparsed_pattern_set_info info = {.struct_size = sizeof info};
    sparsed_status status = sparsed_pattern_set_describe(set, &info, NULL);
    for (uint32_t i = 0; i < info.patterns && status == SPARSED_OK; i++) {
        sparsed_pattern *p;
        status = sparsed_pattern_set_get(set, i, &p, message);
        sparsed_pattern_release(p);
    }
    sparsed_pattern_set_release(set);
    return status;
}

static sparsed_status read_memory(const pattern_bytes *file, uint64_t size, uint32_t flags,
                                  sparsed_message *message) {
    const sparsed_load_options options = {.struct_size = sizeof options, .flags = flags};
    sparsed_pattern_set *set;
    sparsed_status status = spd_pattern_set_parse(file->bytes, size, &options, &set, message);
    return status == SPARSED_OK ? take_all(set, message) : status;
}

static sparsed_status read_path(const char *path, uint32_t flags, sparsed_message *message) {
    const sparsed_load_options options = {.struct_size = sizeof options, .flags = flags};
    sparsed_pattern_set *set;
    sparsed_status status = sparsed_pattern_set_load(path, &options, &set, message);
    return status == SPARSED_OK ? take_all(set, message) : status;
}

static pattern_bytes bytes_of(sparsed_pattern_set *set) {
    pattern_bytes file = pattern_bytes_of(set);
    sparsed_pattern_set_release(set);
    return file;
}

static void assert_read(const pattern_bytes *file) {
    sparsed_message message;
    for (uint32_t flags = 0; flags <= SPARSED_LOAD_MAP; flags++)
        if (read_memory(file, file->size, flags, &message) != SPARSED_OK)
            fail_msg("%s", message.text);
}

/* Refused by load and map, with one of the words in the message, and where. */
static void assert_refused(const pattern_bytes *file, sparsed_status expected, const char *named) {
    sparsed_message message;
    for (uint32_t flags = 0; flags <= SPARSED_LOAD_MAP; flags++) {
        sparsed_status status = read_memory(file, file->size, flags, &message);
        assert_error_text(message.text, status, expected, named);
        assert_error_text(message.text, status, expected, "memory: byte ");
    }
}

/* ---- damage ------------------------------------------------------------------------------- */

/* Every length, and every single bit, in memory. */
static void check_all_damage(pattern_bytes file) {
    sparsed_message message;
    assert_read(&file);
    for (uint32_t flags = 0; flags <= SPARSED_LOAD_MAP; flags++) {
        for (uint64_t size = 0; size < file.size; size++)
            if (read_memory(&file, size, flags, &message) != SPARSED_E_FORMAT)
                fail_msg("cut to %llu bytes, flags %u: %s", (unsigned long long)size, flags,
                         message.text);
        for (uint64_t bit = 0; bit < file.size * 8; bit++) {
            file.bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
            sparsed_status status = read_memory(&file, file.size, flags, &message);
            file.bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
            if (status != SPARSED_E_FORMAT && status != SPARSED_E_CHECKSUM &&
                status != SPARSED_E_VERSION)
                fail_msg("bit %llu, flags %u: status %d, %s", (unsigned long long)bit, flags,
                         status, message.text);
        }
    }
    assert_read(&file);
    print_message("%llu truncations and %llu flipped bits refused, loaded and mapped\n",
                  (unsigned long long)file.size, (unsigned long long)file.size * 8);
    pattern_bytes_free(&file);
}

static void test_load__all_damage_to_a_rich_file(void **state) {
    (void)state;
    check_all_damage(bytes_of(rich_set(NULL)));
}

static void test_load__all_damage_to_a_plain_file(void **state) {
    (void)state;
    check_all_damage(bytes_of(plain_set()));
}

/* The same through the file system. */
static void test_load__all_damage_on_disk(void **state) {
    pattern_bytes file = bytes_of(plain_set());
    sparsed_message message;
    for (uint64_t size = 0; size < file.size; size++) {
        test_folder_write(*state, "cut.spdp", file.bytes, (size_t)size);
        const char *path = test_folder_path(*state, "cut.spdp");
        assert_int_equal(read_path(path, 0, &message), SPARSED_E_FORMAT);
        assert_int_equal(read_path(path, SPARSED_LOAD_MAP, &message), SPARSED_E_FORMAT);
    }
    for (uint64_t bit = 0; bit < file.size * 8; bit += 5) {
        file.bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        test_folder_write(*state, "flip.spdp", file.bytes, (size_t)file.size);
        const char *path = test_folder_path(*state, "flip.spdp");
        assert_true(read_path(path, 0, &message) < SPARSED_E_IO);
        assert_true(read_path(path, SPARSED_LOAD_MAP, &message) < SPARSED_E_IO);
        file.bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    pattern_bytes_free(&file);
}

static void test_load__added_bytes(void **state) {
    (void)state;
    pattern_bytes file = bytes_of(plain_set());
    const uint64_t size = file.size;
    pattern_bytes_insert(&file, size, 64);
    for (uint64_t added = 1; added <= 64; added++) {
        file.size = size + added;
        spd_put_u64(file.bytes + SPD_HEADER_FILE_SIZE, size);
        pattern_bytes_seal(&file);
        assert_refused(&file, SPARSED_E_FORMAT, "something was added");
        spd_put_u64(file.bytes + SPD_HEADER_FILE_SIZE, file.size);
        pattern_bytes_seal(&file);
        assert_refused(&file, SPARSED_E_FORMAT, "the last section ends here");
    }
    pattern_bytes_free(&file);
}

/* The last section without its filling, in a file that says so. */
static void test_load__missing_filling(void **state) {
    (void)state;
    pattern_bytes file = bytes_of(plain_set());
    const uint64_t section = pattern_bytes_record(&file, 0) + SPD_RECORD_SECTIONS;
    const uint64_t end = spd_get_u64(file.bytes + section) + spd_get_u64(file.bytes + section + 8);
    assert_true(end < file.size);
    pattern_bytes_insert(&file, end, (int64_t)end - (int64_t)file.size);
    pattern_bytes_seal(&file);
    assert_refused(&file, SPARSED_E_FORMAT, "the bits section of layer 0 has 24 bytes from ");
    pattern_bytes_free(&file);
}

static void test_load__no_pattern_file(void **state) {
    (void)state;
    pattern_bytes file = bytes_of(plain_set());
    file.bytes[0] = 'S';
    pattern_bytes_seal(&file);
    assert_refused(&file, SPARSED_E_FORMAT, "not a pattern file");
    file.bytes[0] = 0x89;
    spd_put_u32(file.bytes + SPD_HEADER_VERSION, 0);
    pattern_bytes_seal(&file);
    assert_refused(&file, SPARSED_E_FORMAT, "byte 8: not a pattern file: its version is 0");
    pattern_bytes_free(&file);
}

/* A later version may have any header at all. */
static void test_load__version_2(void **state) {
    (void)state;
    pattern_bytes file = bytes_of(plain_set());
    spd_put_u32(file.bytes + SPD_HEADER_VERSION, 2);
    assert_refused(&file, SPARSED_E_VERSION, "byte 8: a pattern file of version 2");
    file.size = 12;
    assert_refused(&file, SPARSED_E_VERSION, "byte 8: a pattern file of version 2");
    pattern_bytes_free(&file);
}

/* ---- impossible values -------------------------------------------------------------------- */

typedef struct bad_value {
    uint64_t at;
    uint64_t value;
    uint32_t bytes;
    sparsed_status status;
    const char *named;
} bad_value;

/* Each value alone, `base` further on, makes a file that is refused. */
static void check_values(const pattern_bytes *good, uint64_t base, const bad_value *values,
                         size_t count) {
    for (size_t i = 0; i < count; i++) {
        pattern_bytes file = pattern_bytes_copy(good);
        unsigned char *at = file.bytes + base + values[i].at;
        if (values[i].bytes == 4)
            spd_put_u32(at, (uint32_t)values[i].value);
        else if (values[i].bytes == 8)
            spd_put_u64(at, values[i].value);
        else
            *at = (unsigned char)values[i].value;
        pattern_bytes_seal(&file);
        assert_refused(&file, values[i].status, values[i].named);
        pattern_bytes_free(&file);
    }
}
#define CHECK_VALUES(file, base, values) \
    check_values(file, base, values, sizeof(values) / sizeof *(values))

static uint64_t number_bits(double number) {
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    return bits;
}

enum { FORMAT = SPARSED_E_FORMAT, VERSION = SPARSED_E_VERSION };
static const uint64_t HUGE_COUNT = (uint64_t)1 << 63;

static void test_load__impossible_header(void **state) {
    (void)state;
    pattern_bytes file = bytes_of(rich_set(NULL));
    const bad_value values[] = {
        {SPD_HEADER_SIZE, 255, 4, FORMAT, "byte 12: header size is 255, not 256"},
        {SPD_HEADER_FILE_SIZE, 1 << 20, 8, FORMAT, "cut short"},
        {SPD_HEADER_FILE_SIZE, HUGE_COUNT, 8, FORMAT, "byte 16: file size is 9223372036854775808"},
        {SPD_HEADER_FILE_SIZE, 0, 8, FORMAT, "file size is 0"},
        {SPD_HEADER_MUST_FLAGS, 2, 8, VERSION, "byte 24: must flags are 0x2"},
        {SPD_HEADER_MUST_FLAGS, HUGE_COUNT, 8, VERSION, "must flags are 0x8000000000000000"},
        {SPD_HEADER_MUST_FLAGS, 1, 8, FORMAT, "must flag `fixed` is 1, but the mode is 2"},
        {SPD_HEADER_MAY_FLAGS, 0, 8, FORMAT, "byte 32: may flag `scores` is 0"},
        {SPD_HEADER_MAY_FLAGS, 1, 8, FORMAT, "byte 32: may flag `partial` is 0"},
        {SPD_HEADER_MODEL_LAYERS, 0, 8, FORMAT, "may flag `partial` is 1"},
        {SPD_HEADER_PATTERNS, 0, 8, FORMAT, "byte 112: patterns is 0"},
        {SPD_HEADER_PATTERNS, HUGE_COUNT, 8, FORMAT, "patterns is 9223372036854775808"},
        {SPD_HEADER_PATTERNS, 2, 8, FORMAT, "byte 72: the size of the table section is 576"},
        {SPD_HEADER_PATTERNS, 1 << 24, 8, FORMAT, "size of the table section"},
        {SPD_HEADER_PATTERNS, (1 << 24) + 1, 8, FORMAT, "patterns is 16777217"},
        {SPD_HEADER_BATCH, 0, 8, FORMAT, "byte 120: batch is 0"},
        {SPD_HEADER_BATCH, 65537, 8, FORMAT, "batch is 65537"},
        {SPD_HEADER_BATCH, 65536, 8, FORMAT, "(batches) has 112 bytes, not 3670016"},
        {SPD_HEADER_BATCH, HUGE_COUNT + 1, 8, FORMAT, "batch is 9223372036854775809"},
        {SPD_HEADER_HEADS, 0, 8, FORMAT, "byte 128: heads is 0"},
        {SPD_HEADER_HEADS, HUGE_COUNT, 8, FORMAT, "heads is 9223372036854775808"},
        {SPD_HEADER_HEADS, 7, 8, FORMAT, "byte 144: model heads is 8, not in 9 to"},
        {SPD_HEADER_HEADS, 4, 8, FORMAT, "the size of the bits section of layer 0 is 96, not 128"},
        {SPD_HEADER_FIRST_HEAD, 6, 8, FORMAT, "model heads is 8, not in 9 to"},
        {SPD_HEADER_FIRST_HEAD, UINT64_MAX, 8, FORMAT, "byte 136: first head"},
        {SPD_HEADER_MODEL_HEADS, 0, 8, FORMAT, "byte 144: model heads is 0"},
        {SPD_HEADER_MODEL_HEADS, 65537, 8, FORMAT, "model heads is 65537"},
        {SPD_HEADER_MODEL_LAYERS, 65537, 8, FORMAT, "byte 152: model layers is 65537"},
        {SPD_HEADER_MODEL_LAYERS, 2, 8, FORMAT, "layer is 2, not in 0 to 1"},
        {SPD_HEADER_Q_LEN, 0, 8, FORMAT, "byte 160: q_len is 0"},
        {SPD_HEADER_Q_LEN, 101, 8, FORMAT, "q_len is 101, not in 1 to 100"},
        {SPD_HEADER_Q_LEN, HUGE_COUNT, 8, FORMAT, "q_len is 9223372036854775808"},
        {SPD_HEADER_KV_LEN, 0, 8, FORMAT, "byte 168: kv_len is 0"},
        {SPD_HEADER_KV_LEN, (uint64_t)1 << 31, 8, FORMAT, "kv_len is 2147483648"},
        {SPD_HEADER_KV_LEN, 2147483647, 8, FORMAT, "k_blocks is 7, not 134217728"},
        {SPD_HEADER_Q_START, 61, 8, FORMAT, "byte 176: q_start is 61, not in 0 to 60"},
        {SPD_HEADER_Q_START, UINT64_MAX, 8, FORMAT, "q_start is 18446744073709551615"},
        {SPD_HEADER_GEN_LEN, 101, 8, FORMAT, "byte 184: gen_len is 101"},
        {SPD_HEADER_GEN_LEN, 4, 8, FORMAT, "split is 4, not 6"},
        {SPD_HEADER_Q_BLOCKS, 1, 8, FORMAT, "byte 192: q_blocks is 1, not 2"},
        {SPD_HEADER_K_BLOCKS, HUGE_COUNT, 8, FORMAT, "byte 200: k_blocks is 9223372036854775808"},
        {SPD_HEADER_BLOCK_Q, 0, 4, FORMAT, "byte 208: block_q is 0"},
        {SPD_HEADER_BLOCK_Q, 48, 4, FORMAT, "byte 208: block_q is 48, not 16, 32, 64 or 128"},
        {SPD_HEADER_BLOCK_K, 256, 4, FORMAT, "byte 212: block_k is 256"},
        {SPD_HEADER_BLOCK_K, 17, 4, FORMAT, "byte 212: block_k is 17"},
        {SPD_HEADER_RESERVED, 1, 1, FORMAT, "byte 216: the reserved part of the header"},
        {SPD_HEADER_CHECKSUM - 1, 128, 1, FORMAT, "byte 247: the reserved part of the header"},
    };
    CHECK_VALUES(&file, 0, values);
    pattern_bytes_free(&file);
}

static void test_load__impossible_sections(void **state) {
    (void)state;
    pattern_bytes file = bytes_of(rich_set(NULL));
    const uint64_t info = spd_get_u64(file.bytes + SPD_HEADER_INFO + 8);
    const bad_value values[] = {
        {SPD_HEADER_INFO, 320, 8, FORMAT, "the info section begins at 320, not at 256"},
        {SPD_HEADER_INFO + 8, HUGE_COUNT, 8, FORMAT, "the info section has 9223372036854775808"},
        {SPD_HEADER_INFO + 8, UINT64_MAX, 8, FORMAT, "the info section has 18446744073709551615"},
        {SPD_HEADER_INFO + 8, 0, 8, FORMAT, "the info section is empty, but has offset 256"},
        {SPD_HEADER_INFO + 8, info - 8, 8, FORMAT, "the filling after the info section"},
        {SPD_HEADER_TABLE, 256, 8, FORMAT, "the table section begins at 256"},
        {SPD_HEADER_TABLE, HUGE_COUNT, 8, FORMAT, "the table section begins at 92233720368547758"},
        {SPD_HEADER_TABLE + 8, 0, 8, FORMAT, "the size of the table section is 0, not 576"},
        {SPD_HEADER_TABLE + 8, HUGE_COUNT, 8, FORMAT, "the size of the table section is 922337203"},
        {SPD_HEADER_EXTRA, 256, 8, FORMAT, "byte 88: the extra section is empty, but has offset"},
        {SPD_HEADER_EXTRA + 8, 64, 8, FORMAT, "byte 88: the extra section begins at 0"},
        {SPD_HEADER_EXTRA + 16, 64, 8, FORMAT, "the extra section is empty, but has"},
    };
    CHECK_VALUES(&file, 0, values);
    memset(file.bytes + SPD_HEADER_INFO, 0, SPD_SECTION_BYTES);
    pattern_bytes_seal(&file);
    assert_refused(&file, SPARSED_E_FORMAT, "byte 48: the size of the info section is 0");
    pattern_bytes_free(&file);
}

static void test_load__impossible_selection(void **state) {
    (void)state;
    pattern_bytes file = bytes_of(rich_set(NULL));
    const bad_value values[] = {
        {0, 7, 4, FORMAT, "byte 272: mode is 7, not in 0 to 6"},
        {0, SPARSED_MODE_PAPER, 4, FORMAT, "the size of the generation scores section of layer 0"},
        {0, 0, 4, FORMAT, "type of the scores is 1, not 0"},
        {0, SPARSED_MODE_WINDOW, 4, FORMAT, "must flag `fixed` is 0, but the mode is 5"},
        {4, 2, 4, FORMAT, "byte 276: score_reduce is 2"},
        {8, 8, 4, FORMAT, "byte 280: flags is 8"},
        {16, number_bits(0.0), 8, FORMAT, "byte 288: ratio is 0"},
        {16, number_bits(1.5), 8, FORMAT, "ratio is 1.5"},
        {16, number_bits(-0.5), 8, FORMAT, "ratio is -0.5"},
        {16, number_bits((double)NAN), 8, FORMAT, "ratio is "},
        {24, number_bits((double)INFINITY), 8, FORMAT, "byte 296: score_scale is inf"},
        {24, number_bits((double)NAN), 8, FORMAT, "score_scale is "},
        {24, number_bits(-1.0), 8, FORMAT, "score_scale is -1"},
        {32, 1, 8, FORMAT, "byte 304: window is 1, not 0"},
        {40, 1, 8, FORMAT, "byte 312: sinks is 1, not 0"},
    };
    CHECK_VALUES(&file, pattern_bytes_info(&file, SPD_TAG_SELECTION), values);
    pattern_bytes_free(&file);
}

static void test_load__impossible_batches(void **state) {
    (void)state;
    pattern_bytes file = bytes_of(rich_set(NULL));
    const bad_value values[] = {
        {0, 101, 8, FORMAT, "key_start is 101, not in 0 to 100"},
        {0, 1, 8, FORMAT, "keys is 100, not in 0 to 99"},
        {0, UINT64_MAX, 8, FORMAT, "key_start is 18446744073709551615"},
        {8, UINT64_MAX, 8, FORMAT, "keys is 18446744073709551615"},
        {16, 41, 8, FORMAT, "query_start is 41"},
        {16, 1, 8, FORMAT, "queries is 40, not in 0 to 39"},
        {24, 41, 8, FORMAT, "queries is 41"},
        {24, HUGE_COUNT, 8, FORMAT, "queries is 9223372036854775808"},
        {32, 61, 8, FORMAT, "query_position is 61, not in 0 to 60"},
        {32, UINT64_MAX, 8, FORMAT, "query_position is 18446744073709551615"},
        {40, 6, 8, FORMAT, "k_blocks is 6, not 7"},
        {48, 5, 8, FORMAT, "split is 5, not 4"},
        {56 + 8, 101, 8, FORMAT, "keys is 101, not in 0 to 96"},
        {56 + 48, HUGE_COUNT, 8, FORMAT, "split is 9223372036854775808, not 3"},
    };
    CHECK_VALUES(&file, pattern_bytes_info(&file, SPD_TAG_BATCHES), values);
    pattern_bytes_free(&file);
}

static void test_load__impossible_facts(void **state) {
    (void)state;
    pattern_bytes file = bytes_of(rich_set(NULL));
    const bad_value attention[] = {
        {0, 4, 4, FORMAT, "dtype is 4"},
        {4, 264, 4, FORMAT, "head_dim is 264"},
        {4, 12, 4, FORMAT, "head_dim is 12, not a multiple of 8"},
        {8, 2, 4, FORMAT, "kv_heads is 2, which does not divide heads 3"},
        {16, 1, 8, FORMAT, "the reserved part of the attention record"},
    };
    CHECK_VALUES(&file, pattern_bytes_info(&file, SPD_TAG_ATTENTION), attention);
    const bad_value run[] = {
        {0, (1 << 20) + 1, 4, FORMAT, "steps is 1048577"},
        {4, 1, 4, FORMAT, "the reserved part of the run record"},
        {8, number_bits(1.25), 8, FORMAT, "skip is 1.25"},
        {8, number_bits((double)NAN), 8, FORMAT, "skip is "},
    };
    CHECK_VALUES(&file, pattern_bytes_info(&file, SPD_TAG_RUN), run);
    const bad_value text[] = {{0, 0xff, 1, FORMAT, "the schedule is not a text"},
                              {2, 0, 1, FORMAT, "the schedule is not a text"},
                              {7, 0xc3, 1, FORMAT, "the schedule is not a text"}};
    CHECK_VALUES(&file, pattern_bytes_info(&file, SPD_TAG_SCHEDULE), text);
    pattern_bytes_free(&file);
}

/* Fields of a record's head: the payload begins 16 bytes on. */
static void test_load__impossible_info_records(void **state) {
    (void)state;
    pattern_bytes file = bytes_of(rich_set(NULL));
    const uint64_t creator = pattern_bytes_info(&file, SPD_TAG_CREATOR);
    const bad_value selection[] = {
        {0, 2, 4, FORMAT, "byte 256: info record 2, where record 1 is needed"},
        {4, 0, 4, FORMAT, "byte 260: flags of the info record 1 (selection) are 0x0, not 0x1"},
        {4, 3, 4, FORMAT, "flags of the info record 1 are 0x3"},
        {8, 40, 8, FORMAT, "byte 264: the info record 1 (selection) has 40 bytes, not 48"},
        {8, UINT64_MAX, 8, FORMAT, "info record 1 has 18446744073709551615 bytes"},
        {8, HUGE_COUNT, 8, FORMAT, "info record 1 has 9223372036854775808 bytes"},
    };
    CHECK_VALUES(&file, SPD_HEADER_BYTES, selection);
    const bad_value heads[] = {
        {0, SPD_TAG_SCHEDULE, 4, FORMAT, "info record 5 follows record 5"},
        {0, 0, 4, FORMAT, "info record 0 follows record 5"},
        {0, SPD_TAG_MODEL, 4, FORMAT, "the info record 8 (model) has 10 bytes, not 16"},
        {4, 1, 4, FORMAT, "flags of the info record 6 (creator) are 0x1, not 0x0"},
        {4, 2, 4, FORMAT, "flags of the info record 6 are 0x2"},
        {16 + 10, 1, 1, FORMAT, "the filling of an info record"},
        {8, 100000, 8, FORMAT, "info record 6 has 100000 bytes; the section has"},
    };
    CHECK_VALUES(&file, creator - SPD_INFO_HEAD_BYTES, heads);
    pattern_bytes_free(&file);
}

/* A section that ends too early: within a record's head, or before record 2. */
static void test_load__short_info_section(void **state) {
    (void)state;
    pattern_bytes file = bytes_of(plain_set());
    const uint64_t whole = spd_get_u64(file.bytes + SPD_HEADER_INFO + 8);
    assert_int_equal(whole, 64 + 72);
    for (uint64_t size = 1; size < whole; size++) {
        pattern_bytes cut = pattern_bytes_copy(&file);
        const uint64_t table = 256 + (size + 63) / 64 * 64;
        memset(cut.bytes + 256 + size, 0, 192 - size);
        pattern_bytes_insert(&cut, table, (int64_t)table - (256 + 192));
        spd_put_u64(cut.bytes + SPD_HEADER_INFO + 8, size);
        spd_put_u64(cut.bytes + SPD_HEADER_TABLE, table);
        pattern_bytes_seal(&cut);
        assert_refused(&cut, SPARSED_E_FORMAT, size == 64 ? "no record 2" : "info");
        pattern_bytes_free(&cut);
    }
    pattern_bytes_free(&file);
}

static void test_load__impossible_table(void **state) {
    (void)state;
    pattern_bytes file = bytes_of(rich_set(NULL));
    const uint64_t bits = SPD_RECORD_SECTIONS, ratios = bits + 24, scores = bits + 48,
                   generation = bits + 72;
    const bad_value values[] = {
        {SPD_RECORD_LAYER, 4, 8, FORMAT, "layer is 4, not in 0 to 3"},
        {SPD_RECORD_LAYER, HUGE_COUNT, 8, FORMAT, "layer is 9223372036854775808"},
        {SPD_RECORD_LAYER, 2, 8, FORMAT, "step 3, layer 2 follows step 3, layer 2"},
        {SPD_RECORD_LAYER, 3, 8, FORMAT, "step 3, layer 2 follows step 3, layer 3"},
        {SPD_RECORD_STEP, 4, 8, FORMAT, "step 3, layer 2 follows step 4, layer 0"},
        {SPD_RECORD_STEP, 1 << 20, 8, FORMAT, "step is 1048576"},
        {SPD_RECORD_STEP, HUGE_COUNT, 8, FORMAT, "step is 9223372036854775808"},
        {SPD_RECORD_KEPT, 85, 8, FORMAT, "kept blocks is 85, not in 0 to 84"},
        {SPD_RECORD_KEPT, HUGE_COUNT, 8, FORMAT, "kept blocks is 9223372036854775808"},
        {SPD_RECORD_KEPT, 1, 8, FORMAT, "the bits of layer 0, step 3 keep "},
        {SPD_RECORD_RATIO, number_bits(0.0), 8, FORMAT, "ratio is 0"},
        {SPD_RECORD_RATIO, number_bits(2.0), 8, FORMAT, "ratio is 2"},
        {SPD_RECORD_RATIO, number_bits((double)NAN), 8, FORMAT, "ratio is "},
        {SPD_RECORD_SCORE_TYPE, 3, 4, FORMAT, "type of the scores is 3"},
        {SPD_RECORD_SCORE_TYPE, 0, 4, FORMAT, "the size of the scores section of layer 0 is 336"},
        {SPD_RECORD_SCORE_TYPE, 2, 4, FORMAT, "the size of the scores section of layer 0 is 336"},
        {SPD_RECORD_RESERVED_WORD, 1, 4, FORMAT, "the reserved part of a table record"},
        {SPD_RECORD_RESERVED, 1, 1, FORMAT, "the reserved part of a table record"},
        {SPD_RECORD_BYTES - 1, 1, 1, FORMAT, "the reserved part of a table record"},
        {bits, 0, 8, FORMAT, "the bits section of layer 0 begins at 0"},
        {bits, HUGE_COUNT, 8, FORMAT, "the bits section of layer 0 begins at 922337203"},
        {bits + 8, 0, 8, FORMAT, "the size of the bits section of layer 0 is 0, not 96"},
        {bits + 8, UINT64_MAX, 8, FORMAT, "the size of the bits section of layer 0 is 184467"},
        {ratios + 8, 16, 8, FORMAT, "the size of the ratios section of layer 0 is 16, not 24"},
        {ratios, 256, 8, FORMAT, "the ratios section of layer 0 begins at 256"},
        {scores + 8, 0, 8, FORMAT, "the size of the scores section of layer 0 is 0, not 336"},
        {generation + 8, 0, 8, FORMAT, "the size of the generation scores section of layer 0"},
        {generation + 8, 192, 8, FORMAT, "generation scores section of layer 0 is 192, not 144"},
    };
    CHECK_VALUES(&file, pattern_bytes_record(&file, 0), values);
    const bad_value last[] = {
        {SPD_RECORD_STEP, 3, 8, FORMAT, "step 3, layer 0 follows step 3, layer 2"},
        {SPD_RECORD_STEP, 2, 8, FORMAT, "step 2, layer 0 follows step 3, layer 2"},
        {ratios + 8, 24, 8, FORMAT, "the ratios section of layer 0 begins at 0"},
        {scores + 8, 336, 8, FORMAT, "the size of the scores section of layer 0 is 336, not 0"},
        {scores + 16, 1, 8, FORMAT, "scores section of layer 0 is empty, but has"},
    };
    CHECK_VALUES(&file, pattern_bytes_record(&file, 2), last);
    pattern_bytes_free(&file);
}

/* Sections that overlap, or leave a gap. */
static void test_load__displaced_sections(void **state) {
    (void)state;
    for (int64_t shift = -128; shift <= 128; shift += 8) {
        pattern_bytes file = bytes_of(rich_set(NULL));
        unsigned char *at = file.bytes + pattern_bytes_record(&file, 1) + SPD_RECORD_SECTIONS;
        spd_put_u64(at, spd_get_u64(at) + (uint64_t)shift);
        pattern_bytes_seal(&file);
        if (shift == 0)
            assert_read(&file);
        else
            assert_refused(&file, SPARSED_E_FORMAT, "the bits section of layer 2 begins at");
        pattern_bytes_free(&file);
    }
    pattern_bytes file = bytes_of(rich_set(NULL));
    const uint64_t bits = spd_get_u64(file.bytes + pattern_bytes_record(&file, 0) + 40);
    pattern_bytes_insert(&file, bits, 64);
    pattern_bytes_seal(&file);
    assert_refused(&file, SPARSED_E_FORMAT, "the last section ends here");
    pattern_bytes_free(&file);
}

/* ---- content ------------------------------------------------------------------------------ */

static void test_load__impossible_data(void **state) {
    (void)state;
    pattern_bytes file = bytes_of(rich_set(NULL));
    const uint64_t record = pattern_bytes_record(&file, 0) + SPD_RECORD_SECTIONS;
    const uint64_t bits = spd_get_u64(file.bytes + record);
    const uint64_t ratios = spd_get_u64(file.bytes + record + 24);
    const uint64_t batch = RICH_HEADS * 2 * 8; /* bytes of a batch's bits */
    const bad_value values[] = {
        {bits, UINT64_MAX, 8, FORMAT, "keep blocks past a batch's own"},
        {bits + batch, 1 << 5, 8, FORMAT, "keep blocks past a batch's own"}, /* it has 5 blocks */
        {bits + batch + 8, 1, 8, FORMAT, "keep blocks past a batch's own"},  /* and 1 of rows */
        {bits, 0, 8, FORMAT, "the bits of layer 0, step 3 keep"},
        {bits + 96, 1, 1, FORMAT, "the filling after the bits section of layer 0, step 3 is 1"},
        {bits + 127, 255, 1, FORMAT, "the filling after the bits section of layer 0, step 3"},
        {ratios, number_bits(0.0), 8, FORMAT, "the ratio of layer 0, step 3, head 0 is 0"},
        {ratios + 16, number_bits(1.1), 8, FORMAT, "step 3, head 2 is 1.1, not in (0, 1]"},
        {ratios + 8, number_bits((double)NAN), 8, FORMAT, "step 3, head 1 is "},
    };
    CHECK_VALUES(&file, 0, values);
    pattern_bytes_free(&file);
}

/* Scores are data: a NaN ranks last and is legal. */
static void test_load__nan_score(void **state) {
    (void)state;
    pattern_bytes file = bytes_of(rich_set(NULL));
    const uint64_t section = pattern_bytes_record(&file, 0) + SPD_RECORD_SECTIONS + 48;
    spd_put_u32(file.bytes + spd_get_u64(file.bytes + section), 0x7fc00000u);
    pattern_bytes_seal(&file);
    assert_read(&file);
    pattern_bytes_free(&file);
}

/* ---- what later versions may add ---------------------------------------------------------- */

/* Puts a record of 16 bytes with tag 77 at the end of the info section, in 64 more bytes. */
static pattern_bytes with_unknown_record(uint32_t flags) {
    pattern_bytes file = bytes_of(plain_set());
    const uint64_t end = 256 + spd_get_u64(file.bytes + SPD_HEADER_INFO + 8);
    assert_true(end % 64 + 32 <= 64);
    spd_put_u32(file.bytes + end, 77);
    spd_put_u32(file.bytes + end + 4, flags);
    spd_put_u64(file.bytes + end + 8, 13);
    memset(file.bytes + end + 16, 'x', 13);
    spd_put_u64(file.bytes + SPD_HEADER_INFO + 8, end + 32 - 256);
    pattern_bytes_seal(&file);
    return file;
}

static void test_load__unknown_records(void **state) {
    (void)state;
    pattern_bytes file = with_unknown_record(0);
    assert_read(&file);
    pattern_bytes_free(&file);
    file = with_unknown_record(1);
    assert_refused(&file, SPARSED_E_VERSION, "info record 77 must be understood");
    pattern_bytes_free(&file);
    file = with_unknown_record(2);
    assert_refused(&file, SPARSED_E_FORMAT, "flags of the info record 77 are 0x2");
    pattern_bytes_free(&file);
}

static void test_load__unknown_may_flags(void **state) {
    (void)state;
    pattern_bytes file = bytes_of(rich_set(NULL));
    spd_put_u64(file.bytes + SPD_HEADER_MAY_FLAGS, UINT64_MAX);
    pattern_bytes_seal(&file);
    assert_read(&file);
    pattern_bytes_free(&file);
}

/* The content of the extra section is ignored; its checksum is not. */
static void test_load__extra_section(void **state) {
    (void)state;
    pattern_bytes file = bytes_of(plain_set());
    const uint64_t record = pattern_bytes_record(&file, 0), extra = record + SPD_RECORD_BYTES;
    pattern_bytes_insert(&file, extra, 64);
    memset(file.bytes + extra, 'e', 50);
    spd_put_u64(file.bytes + SPD_HEADER_EXTRA, extra);
    spd_put_u64(file.bytes + SPD_HEADER_EXTRA + 8, 50);
    spd_put_u64(file.bytes + record + SPD_RECORD_SECTIONS, extra + 64);
    pattern_bytes_seal(&file);
    assert_read(&file);
    for (uint64_t i = 0; i < 64; i++) {
        file.bytes[extra + i] ^= 1;
        assert_refused(&file, SPARSED_E_CHECKSUM, "the extra section (50 bytes) is damaged");
        file.bytes[extra + i] ^= 1;
    }
    file.bytes[extra + 63] = 1;
    pattern_bytes_seal(&file);
    assert_refused(&file, SPARSED_E_FORMAT, "the filling after the extra section is 1");
    pattern_bytes_free(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load__all_damage_to_a_rich_file),
        cmocka_unit_test(test_load__all_damage_to_a_plain_file),
        TEST_IN_FOLDER(test_load__all_damage_on_disk),
        cmocka_unit_test(test_load__added_bytes),
        cmocka_unit_test(test_load__missing_filling),
        cmocka_unit_test(test_load__no_pattern_file),
        cmocka_unit_test(test_load__version_2),
        cmocka_unit_test(test_load__impossible_header),
        cmocka_unit_test(test_load__impossible_sections),
        cmocka_unit_test(test_load__impossible_selection),
        cmocka_unit_test(test_load__impossible_batches),
        cmocka_unit_test(test_load__impossible_facts),
        cmocka_unit_test(test_load__impossible_info_records),
        cmocka_unit_test(test_load__short_info_section),
        cmocka_unit_test(test_load__impossible_table),
        cmocka_unit_test(test_load__displaced_sections),
        cmocka_unit_test(test_load__impossible_data),
        cmocka_unit_test(test_load__nan_score),
        cmocka_unit_test(test_load__unknown_records),
        cmocka_unit_test(test_load__unknown_may_flags),
        cmocka_unit_test(test_load__extra_section),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
