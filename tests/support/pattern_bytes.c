/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* See pattern_bytes.h. */
#include "support/pattern_bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/alloc.h"
#include "src/hash.h"
#include "src/little_endian.h"
#include "src/pattern_file.h"
#include "src/pattern_set.h"
#include "src/select.h"
#include "support/random.h"

/* ---- sets --------------------------------------------------------------------------------- */

sparsed_pattern_info rich_info(void) {
    return (sparsed_pattern_info){.struct_size = sizeof(sparsed_pattern_info),
                                  .batch = RICH_BATCH,
                                  .heads = RICH_HEADS,
                                  .block_q = 32,
                                  .block_k = 16,
                                  .mode = SPARSED_MODE_UPSTREAM_DREAM,
                                  .flags = SPARSED_SELECT_KEEP_DIAGONAL,
                                  .score_reduce = SPARSED_REDUCE_MAX,
                                  .always_first = 1,
                                  .step = 3,
                                  .q_len = 40,
                                  .kv_len = 100,
                                  .gen_len = 36,
                                  .ratio = 0.3,
                                  .score_scale = 0.125,
                                  .kv_heads = 1,
                                  .head_dim = 64,
                                  .score_heads = 3,
                                  .dtype = SPARSED_BF16};
}

void rich_rows(spd_extent rows[RICH_BATCH]) {
    rows[0] = (spd_extent){.keys = 100, .queries = 40, .query_position = 60};
    rows[1] = (spd_extent){.key_start = 4, .keys = 80, .queries = 24, .query_position = 56};
}

sparsed_pattern *rows_pattern(const sparsed_pattern_info *info, const spd_extent *rows) {
    const sparsed_allocator libc = spd_default_allocator();
    sparsed_pattern_info known = *info;
    sparsed_pattern *p = NULL;
    sparsed_message message;
    if (spd_pattern_check_info(&known, &message) != SPARSED_OK ||
        spd_pattern_create(&known, rows, true, &libc, &p, &message) != SPARSED_OK)
        fail_msg("%s", message.text);
    uint64_t *row = spd_pattern_own_bits(p), random = 7 + info->step;
    for (uint32_t b = 0; b < known.batch; b++)
        for (uint64_t i = 0; i < known.heads * known.q_blocks; i++, row += p->row_words)
            for (uint64_t j = 0; j < p->extents[b].k_blocks; j++)
                if (i % known.q_blocks < p->extents[b].q_blocks && random_bits(&random) % 3 == 0)
                    spd_bit_set(row, j);
    spd_pattern_count(p);
    return p;
}

/* The same pattern with scores: of all keys, then of the generation keys. */
static sparsed_pattern *with_scores(sparsed_pattern *p, uint32_t dtype) {
    const uint64_t count = 2 * spd_pattern_row_count(&p->info) * p->info.k_blocks;
    float *scores = malloc(count * sizeof *scores);
    uint64_t random = dtype;
    sparsed_pattern *scored;
    sparsed_message message;
    assert_non_null(scores);
    for (uint64_t i = 0; i < count; i++)
        scores[i] = random_float(&random) + 1.0f;
    if (sparsed_pattern_with_scores(p, scores, dtype, &scored, &message) != SPARSED_OK)
        fail_msg("%s", message.text);
    free(scores);
    sparsed_pattern_release(p);
    return scored;
}

void rich_patterns(sparsed_pattern *patterns[RICH_PATTERNS], uint32_t layers[RICH_PATTERNS]) {
    static const double ratios[RICH_HEADS] = {0.25, 0.5, 0.75};
    sparsed_pattern_info info = rich_info();
    spd_extent rows[RICH_BATCH];
    sparsed_message message;
    rich_rows(rows);
    sparsed_pattern *scored = with_scores(rows_pattern(&info, rows), SPARSED_F32);
    if (sparsed_pattern_rethreshold(scored, ratios, RICH_HEADS, &patterns[0], &message) !=
        SPARSED_OK)
        fail_msg("%s", message.text);
    sparsed_pattern_release(scored);
    patterns[1] = with_scores(rows_pattern(&info, rows), SPARSED_F16);
    info.step = 5;
    patterns[2] = rows_pattern(&info, rows);
    layers[0] = 0;
    layers[1] = 2;
    layers[2] = 0;
}

sparsed_pattern_set_info rich_set_info(void) {
    return (sparsed_pattern_set_info){.struct_size = sizeof(sparsed_pattern_set_info),
                                      .model_layers = 4,
                                      .first_head = 2,
                                      .model_heads = 8,
                                      .steps = 32,
                                      .skip = 0.2,
                                      .schedule = "upstream",
                                      .creator = "a test 1.0",
                                      .tag = "caf\xc3\xa9",
                                      .model = {1, 2},
                                      .prompt = {0, 3}};
}

sparsed_pattern_set *rich_set(const sparsed_allocator *allocator) {
    const sparsed_pattern_set_info info = rich_set_info();
    sparsed_pattern *patterns[RICH_PATTERNS];
    uint32_t layers[RICH_PATTERNS];
    sparsed_pattern_set *set;
    sparsed_message message;
    rich_patterns(patterns, layers);
    if (sparsed_pattern_set_create(&info, patterns, layers, RICH_PATTERNS, allocator, &set,
                                   &message) != SPARSED_OK)
        fail_msg("%s", message.text);
    for (int i = 0; i < RICH_PATTERNS; i++)
        sparsed_pattern_release(patterns[i]);
    return set;
}

sparsed_pattern_set *plain_set(void) {
    const sparsed_pattern_info info = {.struct_size = sizeof info,
                                       .batch = 1,
                                       .heads = 1,
                                       .block_q = 16,
                                       .block_k = 16,
                                       .q_len = 40,
                                       .kv_len = 40};
    const sparsed_pattern_set_info nothing = {.struct_size = sizeof nothing, .creator = ""};
    const uint32_t layer = 0;
    sparsed_pattern *p = rows_pattern(&info, NULL);
    sparsed_pattern_set *set;
    sparsed_message message;
    if (sparsed_pattern_set_create(&nothing, &p, &layer, 1, NULL, &set, &message) != SPARSED_OK)
        fail_msg("%s", message.text);
    sparsed_pattern_release(p);
    return set;
}

/* ---- bytes -------------------------------------------------------------------------------- */

static unsigned char *aligned_bytes(uint64_t size) {
    unsigned char *bytes = aligned_alloc(64, (size_t)(size + 63) / 64 * 64 + 64);
    assert_non_null(bytes);
    return bytes;
}

static sparsed_status append(void *user, const void *bytes, uint64_t size,
                             sparsed_message *message) {
    pattern_bytes *file = user;
    unsigned char *longer = aligned_bytes(file->size + size);
    (void)message;
    if (file->size > 0)
        memcpy(longer, file->bytes, (size_t)file->size);
    memcpy(longer + file->size, bytes, (size_t)size);
    free(file->bytes);
    file->bytes = longer;
    file->size += size;
    return SPARSED_OK;
}

pattern_bytes pattern_bytes_of(const sparsed_pattern_set *set) {
    pattern_bytes file = {NULL, 0};
    const spd_sink sink = {append, &file};
    sparsed_message message;
    if (spd_pattern_set_encode(set, &sink, &message) != SPARSED_OK)
        fail_msg("%s", message.text);
    return file;
}

pattern_bytes pattern_bytes_copy(const pattern_bytes *file) {
    pattern_bytes copy = {aligned_bytes(file->size), file->size};
    memcpy(copy.bytes, file->bytes, (size_t)file->size);
    return copy;
}

void pattern_bytes_free(pattern_bytes *file) {
    free(file->bytes);
    file->bytes = NULL;
}

/* The checksum of the section that 24 bytes at `at` describe. */
static void seal_section(pattern_bytes *file, uint64_t at) {
    uint64_t offset = spd_get_u64(file->bytes + at), size = spd_get_u64(file->bytes + at + 8);
    if (size != 0 && offset <= file->size && size <= file->size - offset &&
        spd_filled(size) <= file->size - offset)
        spd_put_u64(file->bytes + at + 16, spd_hash64(file->bytes + offset, spd_filled(size)));
}

void pattern_bytes_seal(pattern_bytes *file) {
    uint64_t table = spd_get_u64(file->bytes + SPD_HEADER_TABLE);
    uint64_t size = spd_get_u64(file->bytes + SPD_HEADER_TABLE + 8);
    if (table <= file->size && size <= file->size - table)
        for (uint64_t i = 0; i < size / SPD_RECORD_BYTES; i++)
            for (uint64_t part = 0; part < SPD_PARTS; part++)
                seal_section(file, table + i * SPD_RECORD_BYTES + SPD_RECORD_SECTIONS +
                                       part * SPD_SECTION_BYTES);
    seal_section(file, SPD_HEADER_INFO);
    seal_section(file, SPD_HEADER_TABLE);
    seal_section(file, SPD_HEADER_EXTRA);
    spd_put_u64(file->bytes + SPD_HEADER_CHECKSUM, spd_hash64(file->bytes, SPD_HEADER_CHECKSUM));
}

void pattern_bytes_insert(pattern_bytes *file, uint64_t offset, int64_t count) {
    uint64_t size = file->size + (uint64_t)count, after = offset;
    unsigned char *changed = aligned_bytes(size);
    memcpy(changed, file->bytes, (size_t)offset);
    if (count > 0)
        memset(changed + offset, 0, (size_t)count);
    else
        after += (uint64_t)-count;
    memcpy(changed + offset + (count > 0 ? count : 0), file->bytes + after,
           (size_t)(file->size - after));
    free(file->bytes);
    file->bytes = changed;
    file->size = size;
    spd_put_u64(file->bytes + SPD_HEADER_FILE_SIZE, size);
}

uint64_t pattern_bytes_info(const pattern_bytes *file, uint32_t tag) {
    uint64_t at = SPD_HEADER_BYTES, end = at + spd_get_u64(file->bytes + SPD_HEADER_INFO + 8);
    while (at < end && spd_get_u32(file->bytes + at) != tag)
        at += SPD_INFO_HEAD_BYTES + (spd_get_u64(file->bytes + at + 8) + 7) / 8 * 8;
    assert_true(at < end);
    return at + SPD_INFO_HEAD_BYTES;
}

uint64_t pattern_bytes_record(const pattern_bytes *file, uint32_t index) {
    return spd_get_u64(file->bytes + SPD_HEADER_TABLE) + (uint64_t)index * SPD_RECORD_BYTES;
}

/* ---- comparison --------------------------------------------------------------------------- */

static void assert_same_arrays(const void *a, const void *b, uint64_t size) {
    assert_int_equal(a == NULL, b == NULL);
    if (a && size > 0)
        assert_memory_equal(a, b, size);
}

static void assert_same_patterns(const sparsed_pattern *a, const sparsed_pattern *b) {
    const uint64_t rows = spd_pattern_row_count(&a->info);
    const uint64_t score = spd_score_bytes(a->info.score_dtype);
    assert_memory_equal(&a->info, &b->info, sizeof a->info);
    assert_memory_equal(a->extents, b->extents, a->info.batch * sizeof *a->extents);
    assert_same_arrays(a->bits, b->bits, spd_pattern_words(&a->info) * 8);
    assert_same_arrays(a->ratios, b->ratios, (uint64_t)a->info.heads * 8);
    assert_same_arrays(a->scores, b->scores, rows * a->info.k_blocks * score);
    assert_int_equal(a->generation_blocks, b->generation_blocks);
    assert_same_arrays(a->generation_scores, b->generation_scores,
                       rows * a->generation_blocks * score);
}

static void assert_same_texts(const sparsed_pattern_set_info *a,
                              const sparsed_pattern_set_info *b) {
    assert_string_equal(a->schedule, b->schedule);
    assert_string_equal(a->creator, b->creator);
    assert_string_equal(a->tag, b->tag);
}

void assert_same_sets(const sparsed_pattern_set *a, const sparsed_pattern_set *b) {
    sparsed_pattern_set_info of_a = a->info, of_b = b->info;
    assert_same_texts(&of_a, &of_b);
    of_a.schedule = of_a.creator = of_a.tag = of_b.schedule = of_b.creator = of_b.tag = NULL;
    assert_memory_equal(&of_a, &of_b, sizeof of_a);
    assert_memory_equal(&a->shared, &b->shared, sizeof a->shared);
    for (uint32_t i = 0; i < of_a.patterns; i++) {
        sparsed_pattern *p, *q;
        assert_int_equal(a->entries[i].layer, b->entries[i].layer);
        assert_int_equal(sparsed_pattern_set_get(a, i, &p, NULL), SPARSED_OK);
        assert_int_equal(sparsed_pattern_set_get(b, i, &q, NULL), SPARSED_OK);
        assert_same_patterns(p, q);
        sparsed_pattern_release(p);
        sparsed_pattern_release(q);
    }
}
