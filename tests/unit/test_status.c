/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Names of the statuses, and the version. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <sparsed/sparsed.h>

static const int statuses[] = {0, -1, -2, -3, -4, -10, -11, -13, -20, -21, -22, -23, -24};

enum { STATUSES = sizeof statuses / sizeof *statuses };

static void test_status_string__names_every_status(void **state) {
    (void)state;
    for (size_t i = 0; i < STATUSES; i++) {
        const char *name = sparsed_status_string((sparsed_status)statuses[i]);
        assert_true(name[0] != '\0');
        assert_string_not_equal(name, sparsed_status_string((sparsed_status)-999));
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(name, sparsed_status_string((sparsed_status)statuses[j]));
    }
    assert_string_equal(sparsed_status_string(SPARSED_E_INVALID), "invalid argument");
}

static void test_status_string__unknown_status(void **state) {
    (void)state;
    assert_non_null(sparsed_status_string((sparsed_status)-999));
    assert_non_null(sparsed_status_string((sparsed_status)12345));
}

static void test_status__values_never_change(void **state) {
    (void)state;
    assert_int_equal(SPARSED_OK, 0);
    assert_int_equal(SPARSED_E_INVALID, -1);
    assert_int_equal(SPARSED_E_NOMEM, -2);
    assert_int_equal(SPARSED_E_UNSUPPORTED, -3);
    assert_int_equal(SPARSED_E_STATE, -4);
    assert_int_equal(SPARSED_E_NO_DEVICE, -10);
    assert_int_equal(SPARSED_E_DEVICE, -11);
    assert_int_equal(SPARSED_E_SELF_TEST, -13);
    assert_int_equal(SPARSED_E_IO, -20);
    assert_int_equal(SPARSED_E_FORMAT, -21);
    assert_int_equal(SPARSED_E_VERSION, -22);
    assert_int_equal(SPARSED_E_CHECKSUM, -23);
    assert_int_equal(SPARSED_E_MISMATCH, -24);
}

static void test_version__is_the_header_s(void **state) {
    (void)state;
    uint32_t version = sparsed_version();
    assert_int_equal(version >> 16, SPARSED_VERSION_MAJOR);
    assert_int_equal(version >> 8 & 0xff, SPARSED_VERSION_MINOR);
    assert_int_equal(version & 0xff, SPARSED_VERSION_PATCH);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status_string__names_every_status),
        cmocka_unit_test(test_status_string__unknown_status),
        cmocka_unit_test(test_status__values_never_change),
        cmocka_unit_test(test_version__is_the_header_s),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
