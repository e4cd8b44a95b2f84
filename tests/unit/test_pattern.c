/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Patterns as host objects: what they say of themselves, reference count, mapped memory, shapes. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "src/alloc.h"
#include "src/pattern.h"
#include "src/pattern_file.h"
#include "support/api_check.h"
#include "support/pattern_case.h"

/* ---- what it says ---- */

static void test_pattern_describe__derived_and_copied_fields(void **state) {
    (void)state;
    sparsed_pattern_info info = small_info();
    uint8_t mask[SMALL_MASK];
    uint64_t kept = 0;
    info.mode = SPARSED_MODE_PAPER;
    info.flags = SPARSED_SELECT_KEEP_DIAGONAL;
    info.score_reduce = SPARSED_REDUCE_MAX;
    info.always_first = 2;
    info.step = 7;
    info.gen_len = 64;
    info.ratio = 0.3;
    info.score_scale = 0.125;
    info.kv_heads = 1;
    info.head_dim = 64;
    info.score_heads = 32;
    info.dtype = SPARSED_BF16;
    info.q_blocks = info.k_blocks = info.kept_blocks = 12345; /* ignored */
    info.q_start = 99;                                        /* ignored without its flag */
    info.score_dtype = SPARSED_F16;                           /* ignored */
    random_mask(mask, SMALL_MASK, 1);
    sparsed_pattern *pattern = mask_pattern(&info, mask);
    for (int i = 0; i < SMALL_MASK; i++)
        kept += mask[i] != 0;
    const sparsed_pattern_info described = describe(pattern);
    info.q_blocks = SMALL_Q_BLOCKS;
    info.k_blocks = SMALL_K_BLOCKS;
    info.kept_blocks = kept;
    info.q_start = 1200 - 70;
    info.pattern_flags = SPARSED_PATTERN_Q_START;
    info.score_dtype = 0;
    assert_memory_equal(&described, &info, sizeof info);
    sparsed_pattern_release(pattern);
}

/* What describe gives is a valid input, and says the same again. */
static void test_pattern_describe__comes_round(void **state) {
    (void)state;
    sparsed_pattern_info info = small_info();
    uint8_t mask[SMALL_MASK];
    info.pattern_flags = SPARSED_PATTERN_Q_START;
    info.q_start = 33;
    random_mask(mask, SMALL_MASK, 1);
    sparsed_pattern *pattern = mask_pattern(&info, mask);
    const sparsed_pattern_info first = describe(pattern);
    assert_int_equal(first.q_start, 33);
    sparsed_pattern *again = mask_pattern(&first, mask);
    const sparsed_pattern_info second = describe(again);
    assert_memory_equal(&first, &second, sizeof first);
    sparsed_pattern_release(pattern);
    sparsed_pattern_release(again);
}

/* A caller of the struct as it was before q_start. */
static void test_pattern_describe__smaller_struct(void **state) {
    (void)state;
    sparsed_pattern_info info;
    sparsed_pattern *pattern = small_pattern(1);
    memset(&info, 0x77, sizeof info);
    info.struct_size = offsetof(sparsed_pattern_info, q_start);
    assert_int_equal(sparsed_pattern_describe(pattern, &info), SPARSED_OK);
    assert_int_equal(info.struct_size, offsetof(sparsed_pattern_info, q_start));
    assert_int_equal(info.k_blocks, SMALL_K_BLOCKS);
    assert_int_equal(info.q_start, 0x7777777777777777);
    sparsed_pattern_release(pattern);
}

static void test_pattern_describe__refuses(void **state) {
    (void)state;
    sparsed_pattern_info info = {.struct_size = 2};
    sparsed_pattern *pattern = small_pattern(1);
    assert_int_equal(sparsed_pattern_describe(pattern, &info), SPARSED_E_INVALID);
    assert_int_equal(sparsed_pattern_describe(pattern, NULL), SPARSED_E_INVALID);
    info.struct_size = sizeof info;
    assert_int_equal(sparsed_pattern_describe(NULL, &info), SPARSED_E_INVALID);
    sparsed_pattern_release(pattern);
}

static void test_pattern_batch__all_rows(void **state) {
    (void)state;
    sparsed_pattern_info info = small_info();
    uint8_t mask[SMALL_MASK] = {0};
    sparsed_pattern_range range = {.struct_size = sizeof range};
    info.gen_len = 100; /* the last 6.25 of 75 blocks: the 7th of them straddles */
    sparsed_pattern *pattern = mask_pattern(&info, mask);
    assert_int_equal(sparsed_pattern_batch(pattern, 1, &range), SPARSED_OK);
    const sparsed_pattern_range expected = {.struct_size = sizeof range,
                                            .keys = 1200,
                                            .queries = 70,
                                            .query_position = 1130,
                                            .q_blocks = SMALL_Q_BLOCKS,
                                            .k_blocks = SMALL_K_BLOCKS,
                                            .split = 69};
    assert_memory_equal(&range, &expected, sizeof range);
    sparsed_pattern_release(pattern);
}

static void test_pattern_batch__refuses(void **state) {
    (void)state;
    sparsed_pattern *pattern = small_pattern(1);
    sparsed_pattern_range range = {.struct_size = sizeof range};
    assert_int_equal(sparsed_pattern_batch(NULL, 0, &range), SPARSED_E_INVALID);
    assert_int_equal(sparsed_pattern_batch(pattern, 0, NULL), SPARSED_E_INVALID);
    assert_int_equal(sparsed_pattern_batch(pattern, SMALL_BATCH, &range), SPARSED_E_INVALID);
    range.struct_size = 1;
    assert_int_equal(sparsed_pattern_batch(pattern, 0, &range), SPARSED_E_INVALID);
    sparsed_pattern_release(pattern);
}

/* ---- valid rows ---- */

/* The extents of a problem's run, from their first five numbers alone; without its budgets. */
static void test_pattern_derive_extent__as_a_run(void **state) {
    (void)state;
    static const uint64_t starts[] = {0, 5, 90, 40}, ends[] = {200, 150, 90, 41};
    static const uint32_t modes[] = {SPARSED_MODE_PAPER, SPARSED_MODE_UPSTREAM_DREAM,
                                     SPARSED_MODE_UPSTREAM_LLADA, SPARSED_MODE_JOINT,
                                     SPARSED_MODE_WINDOW};
    for (size_t m = 0; m < 5; m++) {
        sparsed_desc desc = SPARSED_DESC_INIT;
        sparsed_select select = SPARSED_SELECT_INIT;
        spd_problem plan, run;
        spd_extent extents[4];
        const sparsed_io io = {
            .struct_size = sizeof io, .valid_start = starts, .valid_end = ends, .ratio = 0.37};
        desc.dtype = SPARSED_F32;
        desc.batch = 4;
        desc.heads = desc.kv_heads = 1;
        desc.head_dim = 8;
        desc.q_len = 120;
        desc.kv_len = 200;
        select.mode = modes[m];
        select.gen_len = 60;
        assert_int_equal(spd_problem_create(&desc, &select, &plan, NULL), SPARSED_OK);
        assert_int_equal(spd_problem_of_run(&plan, &io, &run, extents, NULL), SPARSED_OK);
        const sparsed_pattern_info info = {.mode = modes[m],
                                           .block_q = select.block_q,
                                           .block_k = select.block_k,
                                           .gen_len = 60,
                                           .ratio = 0.37};
        for (int b = 0; b < 4; b++) {
            spd_extent e;
            memset(&e, 0x77, sizeof e);
            e.key_start = extents[b].key_start;
            e.keys = extents[b].keys;
            e.query_start = extents[b].query_start;
            e.queries = extents[b].queries;
            e.query_position = extents[b].query_position;
            spd_pattern_derive_extent(&info, &e);
            extents[b].keep_prompt = extents[b].keep_generation = 0;
            assert_memory_equal(&e, &extents[b], sizeof e);
        }
    }
}

/* ---- references ---- */

static void test_pattern_release__counts_references(void **state) {
    (void)state;
    counting_allocator counter = COUNTING_ALLOCATOR_INIT;
    const sparsed_allocator allocator = counting_allocator_use(&counter);
    const sparsed_pattern_info info = small_info();
    sparsed_pattern *pattern;
    uint8_t mask[SMALL_MASK] = {0};
    assert_int_equal(sparsed_pattern_from_mask(&info, mask, &allocator, &pattern, NULL),
                     SPARSED_OK);
    assert_ptr_equal(sparsed_pattern_retain(pattern), pattern);
    sparsed_pattern_release(pattern);
    assert_true(counter.live > 0);
    assert_int_equal(sparsed_pattern_to_mask(pattern, mask), SPARSED_OK);
    sparsed_pattern_release(pattern);
    assert_int_equal(counter.live, 0);
    sparsed_pattern_release(NULL);
    assert_null(sparsed_pattern_retain(NULL));
}

enum { THREADS = 4, TURNS = 20000 };

static void *take_and_drop(void *pattern) {
    for (int i = 0; i < TURNS; i++)
        sparsed_pattern_release(sparsed_pattern_retain(pattern));
    sparsed_pattern_release(pattern);
    return NULL;
}

/* Each thread ends with a release of its own; the last one of all frees, wherever it happens. */
static void test_pattern_release__from_several_threads(void **state) {
    (void)state;
    counting_allocator counter = COUNTING_ALLOCATOR_INIT;
    const sparsed_allocator allocator = counting_allocator_use(&counter);
    const sparsed_pattern_info info = small_info();
    const uint8_t mask[SMALL_MASK] = {0};
    sparsed_pattern *pattern;
    pthread_t threads[THREADS];
    assert_int_equal(sparsed_pattern_from_mask(&info, mask, &allocator, &pattern, NULL),
                     SPARSED_OK);
    for (int i = 1; i < THREADS; i++)
        sparsed_pattern_retain(pattern);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_and_drop, pattern), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(counter.live, 0);
}

/* ---- mapped memory ---- */

/* Read-only memory that holds what a pattern holds, as a mapped file does. */
typedef struct mapping {
    FILE *file;
    void *memory;
    size_t size_bytes;
} mapping;

static mapping map_copy(const void *data, size_t size_bytes) {
    mapping m = {tmpfile(), NULL, size_bytes};
    assert_non_null(m.file);
    assert_int_equal(fwrite(data, 1, size_bytes, m.file), size_bytes);
    assert_int_equal(fflush(m.file), 0);
    m.memory = mmap(NULL, size_bytes, PROT_READ, MAP_SHARED, fileno(m.file), 0);
    assert_true(m.memory != MAP_FAILED);
    return m;
}

static void unmap(mapping *m) {
    munmap(m->memory, m->size_bytes);
    fclose(m->file);
}

/* What a pattern holds on to as long as its arrays lie in a file. */
static spd_file_map *new_file_map(const sparsed_allocator *allocator) {
    spd_file_map *map = spd_allocate(allocator, 1, sizeof *map);
    assert_non_null(map);
    atomic_init(&map->references, 1);
    map->allocator = *allocator;
    return map;
}

/* A write into the mapping kills the test, and so does freeing it. */
static void check_mapped(const sparsed_pattern *owned, const sparsed_pattern *mapped) {
    const double half = 0.5;
    float scores[SMALL_K_BLOCKS];
    double jaccard = 0.0;
    sparsed_pattern *made[5];
    assert_same_blocks(owned, mapped);
    assert_int_equal(sparsed_pattern_count(mapped, 1), sparsed_pattern_count(owned, 1));
    assert_true(sparsed_pattern_density(mapped, 1) == sparsed_pattern_density(owned, 1));
    assert_int_equal(sparsed_pattern_row(mapped, 1, 2, 0, NULL, NULL), SPARSED_OK);
    assert_int_equal(sparsed_pattern_scores(mapped, 0, 1, 2, 1, scores), SPARSED_OK);
    assert_int_equal(sparsed_pattern_jaccard(owned, mapped, UINT32_MAX, &jaccard, NULL),
                     SPARSED_OK);
    assert_true(jaccard == 1.0);
    assert_int_equal(sparsed_pattern_union(mapped, owned, &made[0], NULL), SPARSED_OK);
    assert_int_equal(sparsed_pattern_intersection(mapped, owned, &made[1], NULL), SPARSED_OK);
    assert_int_equal(sparsed_pattern_with_scores(mapped, NULL, 0, &made[2], NULL), SPARSED_OK);
    for (int i = 0; i < 3; i++)
        assert_same_blocks(made[i], owned);
    assert_int_equal(sparsed_pattern_rethreshold(mapped, &half, 1, &made[3], NULL), SPARSED_OK);
    assert_int_equal(sparsed_pattern_rethreshold(owned, &half, 1, &made[4], NULL), SPARSED_OK);
    assert_same_blocks(made[3], made[4]);
    for (int i = 0; i < 5; i++)
        sparsed_pattern_release(made[i]);
}

static void test_pattern__mapped_arrays_are_only_read(void **state) {
    (void)state;
    const sparsed_allocator allocator = spd_default_allocator();
    sparsed_pattern_info info = small_info();
    uint8_t mask[SMALL_MASK];
    float *scores = malloc(SMALL_MASK * sizeof *scores);
    info.mode = SPARSED_MODE_JOINT;
    info.ratio = 0.3;
    random_mask(mask, SMALL_MASK, 5);
    for (int i = 0; i < SMALL_MASK; i++)
        scores[i] = (float)mask[i];
    sparsed_pattern *plain = mask_pattern(&info, mask), *owned, *mapped;
    assert_int_equal(sparsed_pattern_with_scores(plain, scores, SPARSED_F32, &owned, NULL),
                     SPARSED_OK);
    mapping bits = map_copy(owned->bits, spd_pattern_words(&owned->info) * 8);
    mapping stored = map_copy(owned->scores, SMALL_MASK * sizeof *scores);
    assert_int_equal(
        spd_pattern_create(&owned->info, owned->extents, false, &allocator, &mapped, NULL),
        SPARSED_OK);
    assert_null(mapped->bits);
    mapped->map = new_file_map(&mapped->allocator);
    mapped->bits = bits.memory;
    mapped->scores = stored.memory;
    spd_file_map *file_map = spd_file_map_retain(mapped->map);
    check_mapped(owned, mapped);
    sparsed_pattern_release(mapped);
    assert_int_equal(atomic_load(&file_map->references), 1);
    spd_file_map_release(file_map);
    unmap(&bits);
    unmap(&stored);
    sparsed_pattern_release(plain);
    sparsed_pattern_release(owned);
    free(scores);
}

/* ---- shapes ---- */

static void refuse_pair(const sparsed_pattern *a, const sparsed_pattern_info *info,
                        const spd_extent *extents, const char *named) {
    const sparsed_allocator allocator = spd_default_allocator();
    sparsed_pattern_info known = *info;
    sparsed_message message = {""};
    sparsed_pattern *b;
    assert_int_equal(spd_pattern_check_info(&known, NULL), SPARSED_OK);
    assert_int_equal(spd_pattern_create(&known, extents, true, &allocator, &b, NULL), SPARSED_OK);
    sparsed_status status = spd_pattern_same_shape(a, b, &message);
    assert_error_text(message.text, status, SPARSED_E_MISMATCH, named);
    assert_int_equal(spd_pattern_same_shape(b, a, NULL), SPARSED_E_MISMATCH);
    sparsed_pattern_release(b);
}

static void test_pattern_same_shape__names_the_field(void **state) {
    (void)state;
    sparsed_pattern *a = small_pattern(1);
    sparsed_pattern_info info = small_info();
    info.batch = 1;
    refuse_pair(a, &info, NULL, "one pattern's batch is 2, the other's is 1");
    info = small_info();
    info.heads = 6;
    refuse_pair(a, &info, NULL, "heads is 3, the other's is 6");
    info = small_info();
    info.block_q = 64;
    refuse_pair(a, &info, NULL, "block_q is 32, the other's is 64");
    info = small_info();
    info.block_k = 128;
    refuse_pair(a, &info, NULL, "block_k is 16, the other's is 128");
    info = small_info();
    info.q_len = 71;
    refuse_pair(a, &info, NULL, "q_len is 70, the other's is 71");
    info = small_info();
    info.kv_len = 1199;
    refuse_pair(a, &info, NULL, "kv_len is 1200, the other's is 1199");
    info = small_info();
    info.pattern_flags = SPARSED_PATTERN_Q_START;
    info.q_start = 5;
    refuse_pair(a, &info, NULL, "q_start is 1130, the other's is 5");
    sparsed_pattern_release(a);
}

static void test_pattern_same_shape__names_valid_rows(void **state) {
    (void)state;
    static const char *const names[] = {"key_start of batch 1 is 0, the other's is 1",
                                        "keys of batch 1 is 1200, the other's is 1199",
                                        "query_start of batch 1 is 0, the other's is 1",
                                        "queries of batch 1 is 70, the other's is 69",
                                        "query_position of batch 1 is 1130, the other's is 1129"};
    sparsed_pattern *a = small_pattern(1);
    const sparsed_pattern_info info = small_info();
    for (int i = 0; i < 5; i++) {
        spd_extent extents[SMALL_BATCH] = {a->extents[0], a->extents[1]};
        extents[1].key_start += i == 0;
        extents[1].keys -= i == 1;
        extents[1].query_start += i == 2;
        extents[1].queries -= i == 3;
        extents[1].query_position -= i == 4;
        refuse_pair(a, &info, extents, names[i]);
    }
    sparsed_pattern_release(a);
}

static void test_pattern_same_shape__origins_may_differ(void **state) {
    (void)state;
    sparsed_pattern_info info = small_info();
    const uint8_t mask[SMALL_MASK] = {0};
    info.mode = SPARSED_MODE_JOINT;
    info.ratio = 0.5;
    info.gen_len = 64;
    info.step = 9;
    sparsed_pattern *a = small_pattern(1), *b = mask_pattern(&info, mask);
    assert_int_equal(spd_pattern_same_shape(a, b, NULL), SPARSED_OK);
    sparsed_pattern_release(a);
    sparsed_pattern_release(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pattern_describe__derived_and_copied_fields),
        cmocka_unit_test(test_pattern_describe__comes_round),
        cmocka_unit_test(test_pattern_describe__smaller_struct),
        cmocka_unit_test(test_pattern_describe__refuses),
        cmocka_unit_test(test_pattern_batch__all_rows),
        cmocka_unit_test(test_pattern_batch__refuses),
        cmocka_unit_test(test_pattern_derive_extent__as_a_run),
        cmocka_unit_test(test_pattern_release__counts_references),
        cmocka_unit_test(test_pattern_release__from_several_threads),
        cmocka_unit_test(test_pattern__mapped_arrays_are_only_read),
        cmocka_unit_test(test_pattern_same_shape__names_the_field),
        cmocka_unit_test(test_pattern_same_shape__names_valid_rows),
        cmocka_unit_test(test_pattern_same_shape__origins_may_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
