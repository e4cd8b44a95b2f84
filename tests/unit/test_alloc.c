/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Memory through an allocator, and size arithmetic that cannot wrap. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "src/alloc.h"
#include "src/size.h"
#include "support/counting_allocator.h"

static void test_allocate__zeroed_and_aligned(void **state) {
    (void)state;
    counting_allocator counter = COUNTING_ALLOCATOR_INIT;
    const sparsed_allocator allocators[] = {spd_default_allocator(),
                                            counting_allocator_use(&counter)};
    for (size_t a = 0; a < 2; a++)
        for (size_t size = 0; size < 300; size += 7) {
            unsigned char *memory = spd_allocate(&allocators[a], 3, size);
            assert_non_null(memory);
            assert_int_equal((uintptr_t)memory % SPD_ALIGNMENT_BYTES, 0);
            for (size_t i = 0; i < 3 * size; i++)
                assert_int_equal(memory[i], 0);
            spd_release(&allocators[a], memory);
        }
    spd_release(&allocators[1], NULL);
    assert_int_equal(counter.live, 0);
}

static void test_allocate__refuses_what_does_not_fit(void **state) {
    (void)state;
    counting_allocator counter = COUNTING_ALLOCATOR_INIT;
    const sparsed_allocator allocator = counting_allocator_use(&counter);
    assert_null(spd_allocate(&allocator, UINT64_MAX, 2));
    assert_null(spd_allocate(&allocator, (uint64_t)1 << 32, (uint64_t)1 << 32));
    assert_null(spd_allocate(&allocator, 1, UINT64_MAX));
    assert_int_equal(counter.calls, 0);
    counter.fail_at = 0;
    assert_null(spd_allocate(&allocator, 1, 1));
    const sparsed_allocator libc = spd_default_allocator();
    assert_null(libc.allocate(libc.user, SIZE_MAX, 64));
}

static void test_mul__and_add_find_what_wraps(void **state) {
    (void)state;
    uint64_t result = 7;
    assert_true(spd_mul(0, UINT64_MAX, &result) && result == 0);
    assert_true(spd_mul(UINT64_MAX, 0, &result) && result == 0);
    assert_true(spd_mul(UINT64_MAX, 1, &result) && result == UINT64_MAX);
    assert_true(spd_mul(UINT32_MAX, UINT32_MAX, &result));
    assert_false(spd_mul((uint64_t)1 << 32, (uint64_t)1 << 32, &result));
    assert_false(spd_mul(UINT64_MAX, 2, &result));
    assert_true(spd_add(UINT64_MAX - 1, 1, &result) && result == UINT64_MAX);
    assert_false(spd_add(UINT64_MAX, 1, &result));
}

static void test_ceil_div__does_not_wrap(void **state) {
    (void)state;
    assert_int_equal(spd_ceil_div(0, 16), 0);
    assert_int_equal(spd_ceil_div(1, 16), 1);
    assert_int_equal(spd_ceil_div(16, 16), 1);
    assert_int_equal(spd_ceil_div(17, 16), 2);
    assert_true(spd_ceil_div(UINT64_MAX, 2) == (uint64_t)1 << 63);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_allocate__zeroed_and_aligned),
        cmocka_unit_test(test_allocate__refuses_what_does_not_fit),
        cmocka_unit_test(test_mul__and_add_find_what_wraps),
        cmocka_unit_test(test_ceil_div__does_not_wrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
