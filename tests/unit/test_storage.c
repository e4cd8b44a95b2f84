/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Stored rows to float tiles and back, at any alignment. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/storage.h"
#include "src/half.h"

#include <sparsed/sparsed.h>

enum { DIM = 24, STRIDE = 29, ROWS = 5, FIRST = 3, SIZE = FIRST + ROWS * STRIDE };

static const uint32_t dtypes[] = {SPARSED_F32, SPARSED_F16, SPARSED_BF16};

static uint32_t bytes_of(uint32_t dtype) {
    return dtype == SPARSED_F32 ? 4 : 2;
}

static void put(unsigned char *data, uint32_t dtype, int index, float value) {
    uint16_t half = dtype == SPARSED_F16 ? spd_f16_from_float(value) : spd_bf16_from_float(value);
    if (dtype == SPARSED_F32)
        memcpy(data + 4 * index, &value, 4);
    else
        memcpy(data + 2 * index, &half, 2);
}

static float get(const unsigned char *data, uint32_t dtype, int index) {
    float value;
    uint16_t half;
    if (dtype == SPARSED_F32) {
        memcpy(&value, data + 4 * index, 4);
        return value;
    }
    memcpy(&half, data + 2 * index, 2);
    return dtype == SPARSED_F16 ? spd_float_from_f16(half) : spd_float_from_bf16(half);
}

/* Element i is i / 2, exact in every type. */
static spd_rows fill(unsigned char *data, uint32_t dtype) {
    for (int i = 0; i < SIZE; i++)
        put(data, dtype, i, (float)i * 0.5f);
    return (spd_rows){data, dtype, FIRST, STRIDE};
}

static float expected(int row, int d) {
    return (float)(FIRST + row * STRIDE + d) * 0.5f;
}

static void test_load_rows__every_type_and_alignment(void **state) {
    (void)state;
    unsigned char data[8 + SIZE * 4];
    for (size_t type = 0; type < 3; type++)
        for (int offset = 0; offset < 4; offset++) {
            const spd_rows rows = fill(data + offset, dtypes[type]);
            float to[2 * DIM + 1];
            to[2 * DIM] = -1.0f;
            spd_load_rows(&spd_loops_baseline, &rows, 2, 2, DIM, to);
            for (int i = 0; i < 2 * DIM; i++)
                assert_true(to[i] == expected(2 + i / DIM, i % DIM));
            assert_true(to[2 * DIM] == -1.0f);
        }
}

static void test_rows_in_place__only_what_a_product_can_read(void **state) {
    (void)state;
    float data[4 * DIM];
    spd_rows rows = {data, SPARSED_F32, 2, DIM};
    assert_true(spd_rows_in_place(&rows, DIM));
    assert_ptr_equal(spd_row_at(&rows, 1), data + 2 + DIM);
    assert_int_equal(spd_row_stride_bytes(&rows), DIM * sizeof(float));
    rows.row_stride = DIM - 1; /* rows that overlap */
    assert_false(spd_rows_in_place(&rows, DIM));
    rows.row_stride = 0;
    assert_false(spd_rows_in_place(&rows, DIM));
    rows.row_stride = (uint64_t)INT_MAX + 1;
    assert_false(spd_rows_in_place(&rows, DIM));
    rows = (spd_rows){(const char *)data + 1, SPARSED_F32, 2, DIM};
    assert_false(spd_rows_in_place(&rows, DIM));
    rows = (spd_rows){data, SPARSED_F16, 2, DIM};
    assert_false(spd_rows_in_place(&rows, DIM));
    rows.dtype = SPARSED_BF16;
    assert_false(spd_rows_in_place(&rows, DIM));
}

static void test_store_row__every_type_and_alignment(void **state) {
    (void)state;
    unsigned char data[8 + SIZE * 4];
    float row[DIM];
    for (int d = 0; d < DIM; d++)
        row[d] = 1.0f + (float)d * 0x1p-12f; /* must be rounded in f16 and bf16 */
    for (size_t type = 0; type < 3; type++)
        for (int offset = 0; offset < 4; offset++) {
            memset(data, 0x5a, sizeof data);
            spd_store_row(row, DIM, data + offset, dtypes[type], FIRST);
            for (int d = 0; d < DIM; d++) {
                float wanted = row[d];
                if (dtypes[type] == SPARSED_F16)
                    wanted = spd_float_from_f16(spd_f16_from_float(row[d]));
                else if (dtypes[type] == SPARSED_BF16)
                    wanted = spd_float_from_bf16(spd_bf16_from_float(row[d]));
                assert_true(get(data + offset, dtypes[type], FIRST + d) == wanted);
            }
            size_t first = (size_t)offset + FIRST * bytes_of(dtypes[type]);
            size_t end = first + DIM * bytes_of(dtypes[type]);
            for (size_t i = 0; i < sizeof data; i++)
                assert_true((i >= first && i < end) || data[i] == 0x5a);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load_rows__every_type_and_alignment),
        cmocka_unit_test(test_rows_in_place__only_what_a_product_can_read),
        cmocka_unit_test(test_store_row__every_type_and_alignment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
