/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* See pattern_case.h. */
#include "support/pattern_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/api_check.h"
#include "support/random.h"

sparsed_pattern_info small_info(void) {
    return (sparsed_pattern_info){.struct_size = sizeof(sparsed_pattern_info),
                                  .batch = SMALL_BATCH,
                                  .heads = SMALL_HEADS,
                                  .block_q = 32,
                                  .block_k = 16,
                                  .q_len = 70,
                                  .kv_len = 1200};
}

void random_mask(uint8_t *mask, uint64_t count, uint64_t seed) {
    for (uint64_t i = 0; i < count; i++)
        mask[i] = random_bits(&seed) % 3 == 0 ? (uint8_t)(1 + i % 255) : 0;
}

sparsed_pattern *mask_pattern(const sparsed_pattern_info *info, const uint8_t *mask) {
    sparsed_pattern *pattern;
    sparsed_message message;
    if (sparsed_pattern_from_mask(info, mask, NULL, &pattern, &message) != SPARSED_OK)
        fail_msg("%s", message.text);
    assert_string_equal(message.text, "");
    return pattern;
}

sparsed_pattern *small_pattern(uint64_t seed) {
    const sparsed_pattern_info info = small_info();
    uint8_t mask[SMALL_MASK];
    random_mask(mask, SMALL_MASK, seed);
    return mask_pattern(&info, mask);
}

sparsed_pattern_info describe(const sparsed_pattern *pattern) {
    sparsed_pattern_info info = {.struct_size = sizeof info};
    assert_int_equal(sparsed_pattern_describe(pattern, &info), SPARSED_OK);
    return info;
}

static uint8_t *mask_of(const sparsed_pattern *pattern, uint64_t *count) {
    const sparsed_pattern_info info = describe(pattern);
    *count = (uint64_t)info.batch * info.heads * info.q_blocks * info.k_blocks;
    uint8_t *mask = malloc(*count + 1);
    assert_non_null(mask);
    assert_int_equal(sparsed_pattern_to_mask(pattern, mask), SPARSED_OK);
    return mask;
}

void assert_same_blocks(const sparsed_pattern *a, const sparsed_pattern *b) {
    uint64_t count, other;
    uint8_t *mask = mask_of(a, &count), *other_mask = mask_of(b, &other);
    assert_int_equal(count, other);
    assert_memory_equal(mask, other_mask, count);
    assert_int_equal(describe(a).kept_blocks, describe(b).kept_blocks);
    free(mask);
    free(other_mask);
}

void assert_survives_failed_allocations(counting_allocator *counter, pattern_maker make,
                                        void *argument) {
    const size_t live = counter->live;
    for (size_t n = 0;; n++) {
        sparsed_pattern *pattern = (sparsed_pattern *)(void *)counter;
        sparsed_message message;
        counter->fail_at = counter->calls + n;
        sparsed_status status = make(argument, &pattern, &message);
        counter->fail_at = SIZE_MAX;
        if (status == SPARSED_OK) {
            assert_true(n > 0);
            assert_string_equal(message.text, "");
            sparsed_pattern_release(pattern);
            assert_int_equal(counter->live, live);
            return;
        }
        assert_error_text(message.text, status, SPARSED_E_NOMEM, "no memory for");
        assert_null(pattern);
        assert_int_equal(counter->live, live);
    }
}
