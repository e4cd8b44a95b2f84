/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * dlm/bpe.c against the definition of BPE, taken literally, and on pieces as long as a book.
 */
#include "dlm/bpe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "support/random.h"
#include "support/test_files.h"

#define MAX_MERGES 8192

typedef struct merge_list {
    dlm_merge rows[MAX_MERGES];
    size_t n;
    dlm_merges table;
} merge_list;

/* tiny-dream's merges: lines of left, right, result, by rank. */
static merge_list *load_merges(void) {
    char *text = test_file_read(MODELS_DIR "/tiny-dream/merges.tsv", NULL);
    merge_list *list = calloc(1, sizeof *list);
    assert_non_null(list);
    for (char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
        dlm_merge merge = {.rank = (uint32_t)list->n};
        assert_true(list->n < MAX_MERGES);
        assert_int_equal(sscanf(line, "%u %u %u", &merge.left, &merge.right, &merge.result), 3);
        list->rows[list->n++] = merge;
    }
    free(text);
    assert_true(dlm_merges_init(&list->table, list->n));
    for (size_t i = 0; i < list->n; i++) {
        dlm_merges_put(&list->table, list->rows[i]);
    }
    return list;
}

static void free_merges(merge_list *list) {
    dlm_merges_free(&list->table);
    free(list);
}

static const dlm_merge *find_literally(const merge_list *list, uint32_t left, uint32_t right) {
    for (size_t i = 0; i < list->n; i++) {
        if (list->rows[i].left == left && list->rows[i].right == right) {
            return &list->rows[i];
        }
    }
    return NULL;
}

/* The lowest rank of all pairs, the leftmost of it, again and again. */
static size_t merge_literally(const merge_list *list, uint32_t *ids, size_t n) {
    for (;;) {
        const dlm_merge *best = NULL;
        size_t at = 0;
        for (size_t i = 0; i + 1 < n; i++) {
            const dlm_merge *merge = find_literally(list, ids[i], ids[i + 1]);
            if (merge && (!best || merge->rank < best->rank)) {
                best = merge;
                at = i;
            }
        }
        if (!best) {
            return n;
        }
        ids[at] = best->result;
        memmove(&ids[at + 1], &ids[at + 2], (n - at - 2) * sizeof *ids);
        n--;
    }
}

static void test_dlm_bpe_merge__equals_the_definition(void **state) {
    (void)state;
    /* The token of a byte b is 8 + b. */
    static const char *const alphabets[] = {" theandoingr", "aeiou nst", "0123456789", "xe"};
    merge_list *list = load_merges();
    dlm_bpe_work work = {0};
    uint64_t random = 7;
    for (int i = 0; i < 400; i++) {
        const char *alphabet = alphabets[i % 4];
        uint32_t ids[64], expected[64];
        size_t n = (size_t)random_bits(&random) % 24, count = n;
        for (size_t j = 0; j < n; j++) {
            ids[j] = 8u + (unsigned char)alphabet[random_bits(&random) % strlen(alphabet)];
            expected[j] = ids[j];
        }
        size_t expected_count = merge_literally(list, expected, n);
        assert_true(dlm_bpe_merge(&list->table, &work, ids, &count));
        assert_int_equal(count, expected_count);
        assert_memory_equal(ids, expected, count * sizeof *ids);
    }
    dlm_bpe_work_free(&work);
    free_merges(list);
}

static void test_dlm_bpe_merge__of_a_megabyte_takes_seconds_at_most(void **state) {
    (void)state;
    /* 0 0 -> 1, 1 1 -> 2, ...: the heap holds merges of every rank at once. */
    dlm_merges merges;
    dlm_bpe_work work = {0};
    size_t n = 1000003, count = n;
    uint32_t *ids = calloc(n, sizeof *ids);
    assert_non_null(ids);
    assert_true(dlm_merges_init(&merges, 12));
    for (uint32_t i = 0; i < 12; i++) {
        dlm_merges_put(&merges, (dlm_merge){i, i, i, i + 1});
    }
    clock_t begin = clock();
    assert_true(dlm_bpe_merge(&merges, &work, ids, &count));
    assert_true((double)(clock() - begin) / CLOCKS_PER_SEC < 20);
    /* 1000003 = 244 x 4096 + 579, and 579 = 512 + 64 + 2 + 1. */
    assert_int_equal(count, 244 + 4);
    static const uint32_t tail[4] = {9, 6, 1, 0};
    assert_memory_equal(ids + 244, tail, sizeof tail);
    assert_int_equal(ids[243], 12);
    dlm_bpe_work_free(&work);
    dlm_merges_free(&merges);
    free(ids);
}

static void test_dlm_merges_put__last_of_equal_pairs_wins(void **state) {
    (void)state;
    dlm_merges merges;
    dlm_bpe_work work = {0};
    uint32_t ids[2] = {1, 2};
    size_t count = 2;
    assert_true(dlm_merges_init(&merges, 2));
    dlm_merges_put(&merges, (dlm_merge){1, 2, 0, 3});
    dlm_merges_put(&merges, (dlm_merge){1, 2, 1, 4});
    assert_true(dlm_bpe_merge(&merges, &work, ids, &count));
    assert_int_equal(count, 1);
    assert_int_equal(ids[0], 4);
    dlm_bpe_work_free(&work);
    dlm_merges_free(&merges);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dlm_bpe_merge__equals_the_definition),
        cmocka_unit_test(test_dlm_bpe_merge__of_a_megabyte_takes_seconds_at_most),
        cmocka_unit_test(test_dlm_merges_put__last_of_equal_pairs_wins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
