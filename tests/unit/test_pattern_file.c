/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Pattern files: save, load, map; some layers; threads, memory, failures around the file. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <sparsed/pattern.h>

#include "src/little_endian.h"
#include "src/pattern_file.h"
#include "src/pattern_set.h"
#include "support/api_check.h"
#include "support/counting_allocator.h"
#include "support/pattern_bytes.h"
#include "support/test_files.h"

static void save(const sparsed_pattern_set *set, const char *path) {
    sparsed_message message;
    if (sparsed_pattern_set_save(set, path, &message) != SPARSED_OK)
        fail_msg("%s", message.text);
    assert_string_equal(message.text, "");
}

static sparsed_pattern_set *load(const char *path, uint32_t flags) {
    const sparsed_load_options options = {.struct_size = sizeof options, .flags = flags};
    sparsed_pattern_set *set;
    sparsed_message message;
    if (sparsed_pattern_set_load(path, &options, &set, &message) != SPARSED_OK)
        fail_msg("%s", message.text);
    assert_string_equal(message.text, "");
    return set;
}

/* Saves a new rich_set in the test's folder; the path is valid until the folder's next one. */
static const char *save_rich(void **state) {
    sparsed_pattern_set *set = rich_set(NULL);
    const char *path = test_folder_path(*state, "rich.spdp");
    save(set, path);
    sparsed_pattern_set_release(set);
    return path;
}

/* ---- round trips -------------------------------------------------------------------------- */

static void check_round_trip(test_folder *folder, sparsed_pattern_set *set) {
    size_t size, size_again;
    save(set, test_folder_path(folder, "a.spdp"));
    char *bytes = test_file_read(test_folder_path(folder, "a.spdp"), &size);
    for (uint32_t flags = 0; flags <= SPARSED_LOAD_MAP; flags++) {
        sparsed_pattern_set *again = load(test_folder_path(folder, "a.spdp"), flags);
        assert_same_sets(set, again);
        save(again, test_folder_path(folder, "b.spdp"));
        sparsed_pattern_set_release(again);
        char *bytes_again = test_file_read(test_folder_path(folder, "b.spdp"), &size_again);
        assert_int_equal(size, size_again);
        assert_memory_equal(bytes, bytes_again, size);
        free(bytes_again);
    }
    free(bytes);
    sparsed_pattern_set_release(set);
}

static void test_save__rich_set_comes_back(void **state) {
    check_round_trip(*state, rich_set(NULL));
}

static void test_save__plain_set_comes_back(void **state) {
    check_round_trip(*state, plain_set());
}

/* A fixed mode, of query rows that are not the last ones; all patterns of all layers. */
static void test_save__streaming_set_comes_back(void **state) {
    sparsed_pattern_info info = rich_info();
    info.mode = SPARSED_MODE_STREAMING;
    info.score_reduce = info.flags = info.always_first = 0;
    info.ratio = info.score_scale = 0.0;
    info.window = 20;
    info.sinks = UINT64_MAX;
    info.q_start = 5;
    info.pattern_flags = SPARSED_PATTERN_Q_START;
    sparsed_pattern *p = rows_pattern(&info, NULL);
    sparsed_pattern *const patterns[] = {p, p, p};
    const uint32_t layers[] = {2, 0, 1};
    const sparsed_pattern_set_info whole = {.struct_size = sizeof whole, .model_layers = 3};
    sparsed_pattern_set *set;
    assert_int_equal(sparsed_pattern_set_create(&whole, patterns, layers, 3, NULL, &set, NULL),
                     SPARSED_OK);
    sparsed_pattern_release(p);
    pattern_bytes file = pattern_bytes_of(set);
    assert_int_equal(spd_get_u64(file.bytes + SPD_HEADER_MUST_FLAGS), SPD_MUST_FIXED);
    assert_int_equal(spd_get_u64(file.bytes + SPD_HEADER_MAY_FLAGS), 0);
    pattern_bytes_free(&file);
    check_round_trip(*state, set);
}

/* A batch without a row, and one without a query, keep nothing. */
static void test_save__empty_batches_come_back(void **state) {
    const spd_extent rows[RICH_BATCH] = {{.key_start = 100},
                                         {.keys = 20, .query_start = 0, .queries = 0}};
    sparsed_pattern_info info = rich_info();
    const uint32_t layer = 0;
    float *scores = calloc(2 * RICH_BATCH * RICH_HEADS * 2 * 7, sizeof *scores);
    sparsed_pattern *p = rows_pattern(&info, rows), *scored;
    sparsed_pattern_set *set;
    assert_non_null(scores);
    assert_int_equal(sparsed_pattern_with_scores(p, scores, SPARSED_F32, &scored, NULL),
                     SPARSED_OK);
    assert_int_equal(sparsed_pattern_set_create(NULL, &scored, &layer, 1, NULL, &set, NULL),
                     SPARSED_OK);
    free(scores);
    sparsed_pattern_release(p);
    sparsed_pattern_release(scored);
    check_round_trip(*state, set);
}

/* Where no batch has a key there is no generation scores section; asked for, they are there. */
static void test_save__no_generation_block_comes_back(void **state) {
    const spd_extent rows[RICH_BATCH] = {{0}, {0}};
    const sparsed_pattern_info info = rich_info();
    const uint32_t layer = 0;
    const double ratio = 0.5;
    float *scores = calloc(2 * RICH_BATCH * RICH_HEADS * 2 * 7, sizeof *scores), row[7];
    sparsed_pattern *p = rows_pattern(&info, rows), *scored, *again;
    sparsed_pattern_set *set;
    assert_non_null(scores);
    assert_int_equal(sparsed_pattern_with_scores(p, scores, SPARSED_F16, &scored, NULL),
                     SPARSED_OK);
    free(scores);
    sparsed_pattern_release(p);
    assert_int_equal(sparsed_pattern_set_create(NULL, &scored, &layer, 1, NULL, &set, NULL),
                     SPARSED_OK);
    sparsed_pattern_release(scored);
    save(set, test_folder_path(*state, "none.spdp"));
    sparsed_pattern_set_release(set);
    for (uint32_t flags = 0; flags <= SPARSED_LOAD_MAP; flags++) {
        set = load(test_folder_path(*state, "none.spdp"), flags);
        assert_int_equal(sparsed_pattern_set_get(set, 0, &p, NULL), SPARSED_OK);
        assert_int_equal(sparsed_pattern_scores(p, 1, 1, 2, 1, row), SPARSED_OK);
        assert_true(row[0] == 0.0f && row[6] == 0.0f);
        assert_int_equal(sparsed_pattern_rethreshold(p, &ratio, 1, &again, NULL), SPARSED_OK);
        sparsed_pattern_release(again);
        sparsed_pattern_release(p);
        sparsed_pattern_set_release(set);
    }
}

/* Patterns of a mapping outlive the set, the file's name, and each other. */
static void test_map__patterns_outlive_the_set(void **state) {
    sparsed_pattern_set *original = rich_set(NULL), *set = load(save_rich(state), SPARSED_LOAD_MAP);
    sparsed_pattern *mapped, *owned;
    assert_int_equal(sparsed_pattern_set_get(set, 0, &mapped, NULL), SPARSED_OK);
    sparsed_pattern_set_release(set);
    assert_int_equal(remove(test_folder_path(*state, "rich.spdp")), 0);
    assert_int_equal(sparsed_pattern_set_get(original, 0, &owned, NULL), SPARSED_OK);
    assert_memory_equal(mapped->bits, owned->bits, 96);
    assert_memory_equal(mapped->scores, owned->scores, 336);
    sparsed_pattern_release(owned);
    sparsed_pattern_release(mapped);
    sparsed_pattern_set_release(original);
}

/* Whether a file is mapped into this process, as the system says. */
static bool is_mapped(const char *path) {
    char line[1024];
    bool found = false;
    FILE *maps = fopen("/proc/self/maps", "r");
    if (!maps) {
        print_message("/proc/self/maps is not there to be read\n");
        skip();
    }
    while (fgets(line, sizeof line, maps))
        found = found || strstr(line, path) != NULL;
    fclose(maps);
    return found;
}

static void test_map__is_unmapped_by_the_last_release(void **state) {
    const char *path = save_rich(state);
    sparsed_pattern_set *set = load(path, SPARSED_LOAD_MAP);
    sparsed_pattern *p;
    assert_int_equal(sparsed_pattern_set_get(set, 0, &p, NULL), SPARSED_OK);
    sparsed_pattern_set_release(set);
    assert_true(is_mapped(path));
    sparsed_pattern_release(p);
    assert_false(is_mapped(path));
}

/* A set that is mapped may be saved over its own file. */
static void test_save__over_the_mapped_file(void **state) {
    sparsed_pattern_set *original = rich_set(NULL), *set = load(save_rich(state), SPARSED_LOAD_MAP);
    save(set, test_folder_path(*state, "rich.spdp"));
    assert_same_sets(original, set);
    sparsed_pattern_set_release(set);
    set = load(test_folder_path(*state, "rich.spdp"), 0);
    assert_same_sets(original, set);
    sparsed_pattern_set_release(set);
    sparsed_pattern_set_release(original);
}

/* ---- some layers -------------------------------------------------------------------------- */

static void check_layer_0(const sparsed_pattern_set *set, const sparsed_pattern_set *original) {
    const uint32_t steps[] = {3, 5}, from[] = {0, 2};
    sparsed_pattern_set_info info = {.struct_size = sizeof info};
    assert_int_equal(sparsed_pattern_set_describe(set, &info, NULL), SPARSED_OK);
    assert_int_equal(info.patterns, 2);
    for (uint32_t i = 0; i < 2; i++) {
        sparsed_pattern_entry entry = {.struct_size = sizeof entry};
        sparsed_pattern *p, *q;
        assert_int_equal(sparsed_pattern_set_entry(set, i, &entry), SPARSED_OK);
        assert_int_equal(entry.layer, 0);
        assert_int_equal(entry.step, steps[i]);
        assert_int_equal(sparsed_pattern_set_get(set, i, &p, NULL), SPARSED_OK);
        assert_int_equal(sparsed_pattern_set_get(original, from[i], &q, NULL), SPARSED_OK);
        assert_memory_equal(p->bits, q->bits, 96);
        sparsed_pattern_release(p);
        sparsed_pattern_release(q);
    }
}

/* All steps of the layer; the other layer's data may be damaged. */
static void test_load__some_layers(void **state) {
    sparsed_pattern_set *original = rich_set(NULL);
    pattern_bytes file = pattern_bytes_of(original);
    const uint32_t layer_0 = 0;
    const uint64_t other = spd_get_u64(file.bytes + pattern_bytes_record(&file, 1) + 40);
    file.bytes[other] ^= 1;
    test_folder_write(*state, "part.spdp", file.bytes, (size_t)file.size);
    for (uint32_t flags = 0; flags <= SPARSED_LOAD_MAP; flags++) {
        const sparsed_load_options options = {
            .struct_size = sizeof options, .flags = flags, .layer_count = 1, .layers = &layer_0};
        sparsed_pattern_set *set;
        sparsed_message message;
        if (sparsed_pattern_set_load(test_folder_path(*state, "part.spdp"), &options, &set,
                                     &message) != SPARSED_OK)
            fail_msg("%s", message.text);
        check_layer_0(set, original);
        sparsed_pattern_set_release(set);
    }
    pattern_bytes_free(&file);
    sparsed_pattern_set_release(original);
}

static void assert_layers_refused(const char *path, const uint32_t *layers, uint32_t count,
                                  sparsed_status expected, const char *named) {
    const sparsed_load_options options = {
        .struct_size = sizeof options, .layer_count = count, .layers = layers};
    sparsed_pattern_set *set;
    sparsed_message message;
    sparsed_status status = sparsed_pattern_set_load(path, &options, &set, &message);
    assert_error_text(message.text, status, expected, named);
    assert_null(set);
}

static void test_load__layers_that_cannot_be(void **state) {
    const char *path = save_rich(state);
    const uint32_t missing[] = {0, 1}, falling[] = {2, 0}, twice[] = {0, 0}, large[] = {65536};
    assert_layers_refused(path, missing, 2, SPARSED_E_MISMATCH, "holds no layer 1");
    assert_layers_refused(path, missing, 2, SPARSED_E_MISMATCH, "rich.spdp");
    assert_layers_refused(path, falling, 2, SPARSED_E_INVALID, "options.layers[1] is 0");
    assert_layers_refused(path, twice, 2, SPARSED_E_INVALID, "options.layers[1] is 0");
    assert_layers_refused(path, large, 1, SPARSED_E_INVALID, "options.layers[0] is 65536");
    assert_layers_refused(path, NULL, 1, SPARSED_E_INVALID, "options.layers NULL");
    assert_layers_refused(path, large, 65537, SPARSED_E_INVALID, "options.layer_count is 65537");
}

/* A set of some layers of a whole one says that it is a part. */
static void test_save__some_layers_are_partial(void **state) {
    const sparsed_pattern_info info = {.struct_size = sizeof info,
                                       .batch = 1,
                                       .heads = 1,
                                       .block_q = 16,
                                       .block_k = 16,
                                       .q_len = 16,
                                       .kv_len = 16};
    sparsed_pattern *p = rows_pattern(&info, NULL);
    sparsed_pattern *const patterns[] = {p, p};
    const uint32_t layers[] = {0, 1};
    const sparsed_pattern_set_info whole = {.struct_size = sizeof whole, .model_layers = 2};
    const sparsed_load_options options = {
        .struct_size = sizeof options, .layer_count = 1, .layers = &layers[1]};
    sparsed_pattern_set *set, *part;
    assert_int_equal(sparsed_pattern_set_create(&whole, patterns, layers, 2, NULL, &set, NULL),
                     SPARSED_OK);
    pattern_bytes file = pattern_bytes_of(set);
    assert_int_equal(spd_get_u64(file.bytes + SPD_HEADER_MAY_FLAGS), 0);
    assert_int_equal(spd_pattern_set_parse(file.bytes, file.size, &options, &part, NULL),
                     SPARSED_OK);
    pattern_bytes_free(&file);
    file = pattern_bytes_of(part);
    assert_int_equal(spd_get_u64(file.bytes + SPD_HEADER_MAY_FLAGS), SPD_MAY_PARTIAL);
    pattern_bytes_free(&file);
    sparsed_pattern_release(p);
    sparsed_pattern_set_release(set);
    sparsed_pattern_set_release(part);
    (void)state;
}

/* ---- first use of a mapped pattern -------------------------------------------------------- */

static void test_map__damage_is_found_at_first_use(void **state) {
    sparsed_pattern_set *set = rich_set(NULL);
    pattern_bytes file = pattern_bytes_of(set);
    sparsed_pattern *p;
    sparsed_message message;
    sparsed_pattern_set_release(set);
    const uint64_t scores = spd_get_u64(file.bytes + pattern_bytes_record(&file, 1) + 88);
    file.bytes[scores + 3] ^= 4;
    test_folder_write(*state, "bad.spdp", file.bytes, (size_t)file.size);
    set = load(test_folder_path(*state, "bad.spdp"), SPARSED_LOAD_MAP);
    for (int again = 0; again < 2; again++) {
        assert_int_equal(sparsed_pattern_set_get(set, 0, &p, &message), SPARSED_OK);
        sparsed_pattern_release(p);
        sparsed_status status = sparsed_pattern_set_get(set, 1, &p, &message);
        assert_error_text(message.text, status, SPARSED_E_CHECKSUM, "bad.spdp");
        assert_error_text(message.text, status, SPARSED_E_CHECKSUM,
                          "the scores section of layer 2, step 3 (168 bytes) is damaged");
        assert_null(p);
    }
    sparsed_status status =
        sparsed_pattern_set_save(set, test_folder_path(*state, "copy.spdp"), &message);
    assert_error_text(message.text, status, SPARSED_E_CHECKSUM, "bad.spdp");
    assert_int_equal(test_folder_count(*state, "copy.spdp"), 0);
    sparsed_pattern_set_release(set);
    pattern_bytes_free(&file);
}

/* Verified once: what changes afterwards is not looked at again. */
static void test_map__verifies_once(void **state) {
    const sparsed_load_options options = {.struct_size = sizeof options, .flags = SPARSED_LOAD_MAP};
    sparsed_pattern_set *set = plain_set();
    pattern_bytes file = pattern_bytes_of(set);
    sparsed_pattern *p;
    sparsed_pattern_set_release(set);
    assert_int_equal(spd_pattern_set_parse(file.bytes, file.size, &options, &set, NULL),
                     SPARSED_OK);
    assert_int_equal(sparsed_pattern_set_get(set, 0, &p, NULL), SPARSED_OK);
    sparsed_pattern_release(p);
    file.bytes[file.size - 1] ^= 1;
    assert_int_equal(sparsed_pattern_set_get(set, 0, &p, NULL), SPARSED_OK);
    sparsed_pattern_release(p);
    sparsed_pattern_set_release(set);
    pattern_bytes_free(&file);
    (void)state;
}

enum { ROUNDS = 200 };

static void *take_patterns(void *argument) {
    const sparsed_pattern_set *set = argument;
    uintptr_t failures = 0;
    for (uint32_t i = 0; i < RICH_PATTERNS; i++) {
        sparsed_pattern *p;
        failures += sparsed_pattern_set_get(set, i, &p, NULL) != SPARSED_OK;
        failures += sparsed_pattern_count(p, UINT32_MAX) == 0;
        sparsed_pattern_release(p);
    }
    return (void *)failures;
}

static void test_map__two_threads_take_the_same_pattern(void **state) {
    const char *path = save_rich(state);
    for (int round = 0; round < ROUNDS; round++) {
        sparsed_pattern_set *set = load(path, SPARSED_LOAD_MAP);
        pthread_t other;
        void *failures;
        assert_int_equal(pthread_create(&other, NULL, take_patterns, set), 0);
        assert_null(take_patterns(set));
        assert_int_equal(pthread_join(other, &failures), 0);
        assert_null(failures);
        sparsed_pattern_set_release(set);
    }
}

/* ---- memory ------------------------------------------------------------------------------- */

/* Counts the bytes that are live. */
typedef struct byte_counter {
    uint64_t live, most;
} byte_counter;

enum { BEFORE = 64 }; /* room in front of each piece of memory for its size */

static void *allocate_bytes(void *user, size_t size, size_t alignment) {
    byte_counter *counter = user;
    unsigned char *memory = aligned_alloc(BEFORE, (size + 2 * BEFORE - 1) / BEFORE * BEFORE);
    assert_true(alignment <= BEFORE);
    if (!memory)
        return NULL;
    memcpy(memory, &size, sizeof size);
    counter->live += size;
    counter->most = counter->live > counter->most ? counter->live : counter->most;
    return memory + BEFORE;
}

static void release_bytes(void *user, void *memory) {
    byte_counter *counter = user;
    size_t size;
    memcpy(&size, (unsigned char *)memory - BEFORE, sizeof size);
    counter->live -= size;
    free((unsigned char *)memory - BEFORE);
}

/* 32 layers of 4 x 64 x 64 blocks; with some layers only, some of the bytes. */
static void test_load__memory_is_the_sections_and_an_index(void **state) {
    enum { LAYERS = 32, INDEX_BYTES = 1024 }; /* a layer: entry, pattern, rows */
    const sparsed_pattern_info info = {.struct_size = sizeof info,
                                       .batch = 1,
                                       .heads = 4,
                                       .block_q = 16,
                                       .block_k = 16,
                                       .q_len = 1024,
                                       .kv_len = 1024};
    sparsed_pattern *p = rows_pattern(&info, NULL), *patterns[LAYERS];
    uint32_t layers[LAYERS];
    sparsed_pattern_set *set;
    for (uint32_t i = 0; i < LAYERS; i++) {
        patterns[i] = p;
        layers[i] = i;
    }
    assert_int_equal(sparsed_pattern_set_create(NULL, patterns, layers, LAYERS, NULL, &set, NULL),
                     SPARSED_OK);
    pattern_bytes file = pattern_bytes_of(set);
    for (uint32_t count = 0; count <= LAYERS; count += 4) {
        byte_counter counter = {0, 0};
        const sparsed_allocator allocator = {allocate_bytes, release_bytes, &counter};
        const sparsed_load_options options = {.struct_size = sizeof options,
                                              .layer_count = count,
                                              .layers = layers,
                                              .allocator = &allocator};
        const uint64_t taken = count ? count : LAYERS;
        sparsed_pattern_set *again;
        assert_int_equal(spd_pattern_set_parse(file.bytes, file.size, &options, &again, NULL),
                         SPARSED_OK);
        assert_true(counter.most <= LAYERS * 192 + 4096 + taken * (INDEX_BYTES + 64 * 4 * 8));
        assert_true(counter.most <= 2 * file.size + taken * INDEX_BYTES);
        sparsed_pattern_set_release(again);
        assert_int_equal(counter.live, 0);
    }
    pattern_bytes_free(&file);
    sparsed_pattern_release(p);
    sparsed_pattern_set_release(set);
    (void)state;
}

/* As many batches as there can be, of one block each: the valid rows are there once, not once for
 * each layer. */
static void test_load__memory_of_many_batches(void **state) {
    enum { LAYERS = 40 };
    const sparsed_pattern_info info = {.struct_size = sizeof info,
                                       .batch = SPD_MAX_BATCH,
                                       .heads = 1,
                                       .block_q = 16,
                                       .block_k = 16,
                                       .q_len = 1,
                                       .kv_len = 1};
    const char *path = test_folder_path(*state, "batches.spdp");
    sparsed_pattern *p = rows_pattern(&info, NULL), *patterns[LAYERS];
    uint32_t layers[LAYERS];
    byte_counter counter = {0, 0};
    const sparsed_allocator allocator = {allocate_bytes, release_bytes, &counter};
    const sparsed_load_options options = {.struct_size = sizeof options, .allocator = &allocator};
    sparsed_pattern_set *set;
    size_t size;
    for (uint32_t i = 0; i < LAYERS; i++) {
        patterns[i] = p;
        layers[i] = i;
    }
    assert_int_equal(sparsed_pattern_set_create(NULL, patterns, layers, LAYERS, NULL, &set, NULL),
                     SPARSED_OK);
    assert_int_equal(sparsed_pattern_set_save(set, path, NULL), SPARSED_OK);
    sparsed_pattern_set_release(set);
    sparsed_pattern_release(p);
    free(test_file_read(path, &size));
    assert_int_equal(sparsed_pattern_set_load(path, &options, &set, NULL), SPARSED_OK);
    print_message("a file of %zu bytes: %llu during the load, %llu after it\n", size,
                  (unsigned long long)counter.most, (unsigned long long)counter.live);
    assert_true(counter.most <= 2 * size);
    /* A pattern holds the valid rows after the set has gone. */
    assert_int_equal(sparsed_pattern_set_get(set, 7, &p, NULL), SPARSED_OK);
    sparsed_pattern_set_release(set);
    assert_int_equal(p->extents[SPD_MAX_BATCH - 1].keys, 1);
    sparsed_pattern_release(p);
    assert_int_equal(counter.live, 0);
}

/* A header that promises much allocates nothing for it. */
static void test_load__false_promises_cost_nothing(void **state) {
    sparsed_pattern_set *set = plain_set();
    pattern_bytes file = pattern_bytes_of(set);
    sparsed_pattern_set_release(set);
    spd_put_u64(file.bytes + SPD_HEADER_FILE_SIZE, SPD_MAX_FILE_BYTES);
    spd_put_u64(file.bytes + SPD_HEADER_PATTERNS, SPD_MAX_PATTERNS);
    spd_put_u64(file.bytes + SPD_HEADER_BATCH, SPD_MAX_BATCH);
    spd_put_u64(file.bytes + SPD_HEADER_TABLE + 8, (uint64_t)SPD_MAX_PATTERNS * SPD_RECORD_BYTES);
    for (int honest = 0; honest < 2; honest++) {
        counting_allocator counter = COUNTING_ALLOCATOR_INIT;
        const sparsed_allocator allocator = counting_allocator_use(&counter);
        const sparsed_load_options options = {.struct_size = sizeof options,
                                              .allocator = &allocator};
        pattern_bytes_seal(&file);
        assert_int_equal(spd_pattern_set_parse(file.bytes, file.size, &options, &set, NULL),
                         SPARSED_E_FORMAT);
        assert_int_equal(counter.live, 0);
        assert_true(counter.largest_bytes < 1024);
        spd_put_u64(file.bytes + SPD_HEADER_FILE_SIZE, file.size);
    }
    pattern_bytes_free(&file);
    (void)state;
}

/* Loads, takes all patterns, saves to memory; SPARSED_E_NOMEM at whichever allocation fails. */
static sparsed_status use_all(const char *path, uint32_t flags, counting_allocator *counter) {
    const sparsed_allocator allocator = counting_allocator_use(counter);
    const sparsed_load_options options = {
        .struct_size = sizeof options, .flags = flags, .allocator = &allocator};
    sparsed_pattern_set *set;
    sparsed_message message;
    sparsed_status status = sparsed_pattern_set_load(path, &options, &set, &message);
    for (uint32_t i = 0; i < RICH_PATTERNS && status == SPARSED_OK; i++) {
        sparsed_pattern *p;
        status = sparsed_pattern_set_get(set, i, &p, &message);
        sparsed_pattern_release(p);
    }
    if (status == SPARSED_OK)
        status = sparsed_pattern_set_save(set, path, &message);
    if (status != SPARSED_OK)
        assert_error_text(message.text, status, SPARSED_E_NOMEM, "no memory");
    sparsed_pattern_set_release(set);
    return status;
}

static void test_load__allocation_failures(void **state) {
    const char *path = save_rich(state);
    for (uint32_t flags = 0; flags <= SPARSED_LOAD_MAP; flags++) {
        sparsed_status status = SPARSED_E_NOMEM;
        size_t failures = 0;
        for (; status != SPARSED_OK; failures++) {
            counting_allocator counter = COUNTING_ALLOCATOR_INIT;
            counter.fail_at = failures;
            status = use_all(path, flags, &counter);
            assert_int_equal(counter.live, 0);
        }
        print_message("flags %u: %zu failed allocations\n", flags, failures - 1);
        assert_true(failures > 10);
    }
    assert_int_equal(test_folder_count(*state, ""), 1);
}

/* ---- the file system ---------------------------------------------------------------------- */

static void assert_not_loaded(const char *path, sparsed_status expected, const char *named) {
    for (uint32_t flags = 0; flags <= SPARSED_LOAD_MAP; flags++) {
        const sparsed_load_options options = {.struct_size = sizeof options, .flags = flags};
        sparsed_pattern_set *set;
        sparsed_message message;
        sparsed_status status = sparsed_pattern_set_load(path, &options, &set, &message);
        assert_error_text(message.text, status, expected, named);
        assert_null(set);
    }
}

static void test_load__no_such_file(void **state) {
    const char *path = test_folder_path(*state, "none.spdp");
    assert_not_loaded(path, SPARSED_E_IO, path);
    assert_not_loaded(path, SPARSED_E_IO, "cannot be opened: No such file");
    assert_not_loaded("", SPARSED_E_IO, "\"\": cannot be opened");
}

static void test_load__folder(void **state) {
    assert_not_loaded(((test_folder *)*state)->path, SPARSED_E_IO, "not a regular file");
}

static void test_load__pipe(void **state) {
    const char *path = test_folder_path(*state, "pipe");
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_not_loaded(path, SPARSED_E_IO, "not a regular file");
}

static void test_load__unreadable_file(void **state) {
    if (geteuid() == 0) {
        print_message("run by root, who may read every file\n");
        skip();
    }
    const char *path = save_rich(state);
    assert_int_equal(chmod(path, 0), 0);
    assert_not_loaded(path, SPARSED_E_IO, "Permission denied");
}

static void test_load__empty_file(void **state) {
    test_folder_write(*state, "empty.spdp", "", 0);
    assert_not_loaded(test_folder_path(*state, "empty.spdp"), SPARSED_E_FORMAT,
                      "not a pattern file");
}

/* Of a long path the message names the end, and still says what is wrong. */
static void test_load__long_path(void **state) {
    char path[2048];
    memset(path, '/', sizeof path);
    snprintf(path + 1000, sizeof path - 1000, "/%s", test_folder_path(*state, "long.spdp"));
    test_folder_write(*state, "long.spdp", "12345678", 8);
    assert_not_loaded(path, SPARSED_E_FORMAT, "/long.spdp: byte 0: not a pattern file");
    assert_not_loaded(path, SPARSED_E_FORMAT, "...");
}

static void test_load__arguments(void **state) {
    const char *path = save_rich(state);
    const sparsed_allocator half = {allocate_bytes, NULL, NULL};
    const sparsed_load_options bad[] = {
        {.struct_size = 1},
        {.struct_size = sizeof bad[0], .flags = 2},
        {.struct_size = sizeof bad[0], .reserved = 1},
        {.struct_size = sizeof bad[0], .allocator = &half},
    };
    const char *const named[] = {"options.struct_size is 1", "options.flags is 0x2",
                                 "options.reserved 1", "options.allocator has a NULL function"};
    sparsed_pattern_set *set;
    sparsed_message message;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        sparsed_status status = sparsed_pattern_set_load(path, &bad[i], &set, &message);
        assert_error_text(message.text, status, SPARSED_E_INVALID, named[i]);
    }
    sparsed_status status = sparsed_pattern_set_load(NULL, NULL, &set, &message);
    assert_error_text(message.text, status, SPARSED_E_INVALID, "path is NULL");
    status = sparsed_pattern_set_load(path, NULL, NULL, &message);
    assert_error_text(message.text, status, SPARSED_E_INVALID, "set is NULL");
    assert_int_equal(sparsed_pattern_set_load(path, NULL, &set, NULL), SPARSED_OK);
    status = sparsed_pattern_set_save(NULL, path, &message);
    assert_error_text(message.text, status, SPARSED_E_INVALID, "set is NULL");
    status = sparsed_pattern_set_save(set, NULL, &message);
    assert_error_text(message.text, status, SPARSED_E_INVALID, "path is NULL");
    sparsed_pattern_set_release(set);
}

static void test_save__no_such_folder(void **state) {
    sparsed_pattern_set *set = plain_set();
    sparsed_message message;
    const char *path = test_folder_path(*state, "none/file.spdp");
    sparsed_status status = sparsed_pattern_set_save(set, path, &message);
    assert_error_text(message.text, status, SPARSED_E_IO, path);
    sparsed_pattern_set_release(set);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST_IN_FOLDER(test_save__rich_set_comes_back),
        TEST_IN_FOLDER(test_save__plain_set_comes_back),
        TEST_IN_FOLDER(test_save__streaming_set_comes_back),
        TEST_IN_FOLDER(test_save__empty_batches_come_back),
        TEST_IN_FOLDER(test_save__no_generation_block_comes_back),
        TEST_IN_FOLDER(test_map__patterns_outlive_the_set),
        TEST_IN_FOLDER(test_map__is_unmapped_by_the_last_release),
        TEST_IN_FOLDER(test_save__over_the_mapped_file),
        TEST_IN_FOLDER(test_load__some_layers),
        TEST_IN_FOLDER(test_load__layers_that_cannot_be),
        cmocka_unit_test(test_save__some_layers_are_partial),
        TEST_IN_FOLDER(test_map__damage_is_found_at_first_use),
        cmocka_unit_test(test_map__verifies_once),
        TEST_IN_FOLDER(test_map__two_threads_take_the_same_pattern),
        cmocka_unit_test(test_load__memory_is_the_sections_and_an_index),
        TEST_IN_FOLDER(test_load__memory_of_many_batches),
        cmocka_unit_test(test_load__false_promises_cost_nothing),
        TEST_IN_FOLDER(test_load__allocation_failures),
        TEST_IN_FOLDER(test_load__no_such_file),
        TEST_IN_FOLDER(test_load__folder),
        TEST_IN_FOLDER(test_load__pipe),
        TEST_IN_FOLDER(test_load__unreadable_file),
        TEST_IN_FOLDER(test_load__empty_file),
        TEST_IN_FOLDER(test_load__long_path),
        TEST_IN_FOLDER(test_load__arguments),
        TEST_IN_FOLDER(test_save__no_such_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
