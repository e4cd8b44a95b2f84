/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The list of devices, and what is said of the processor. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/blas/gemm.h"
#include "support/api_check.h"

#include <sparsed/sparsed.h>

static void test_device_list__number_alone(void **state) {
    (void)state;
    size_t count = 99;
    assert_int_equal(sparsed_device_list(NULL, &count, NULL), SPARSED_OK);
    assert_true(count >= 1);
    const size_t all = count;
    sparsed_device_info infos[4];
    count = 0; /* no room */
    assert_int_equal(sparsed_device_list(infos, &count, NULL), SPARSED_OK);
    assert_int_equal(count, all);
}

static void test_device_list__describes_the_processor(void **state) {
    (void)state;
    sparsed_device_info infos[8];
    size_t count = 8;
    memset(infos, 0xff, sizeof infos);
    for (int i = 0; i < 8; i++)
        infos[i].struct_size = sizeof infos[i];
    assert_int_equal(sparsed_device_list(infos, &count, NULL), SPARSED_OK);
    bool found = false;
    for (size_t i = 0; i < count && i < 8; i++) {
        if (strcmp(infos[i].selector, "cpu") != 0)
            continue;
        found = true;
        assert_int_equal(infos[i].usable, 1);
        assert_int_equal(infos[i].struct_size, sizeof infos[i]);
        assert_true(infos[i].name[0] != '\0');
        assert_true(infos[i].compute_units >= 1);
        assert_true(infos[i].memory_bytes > (uint64_t)1 << 20);
        assert_int_equal(infos[i].blas_core[0] != '\0', spd_gemm_openblas() != NULL);
        /* A core to ask for goes with a note that says so. */
        assert_int_equal(infos[i].blas_core_wanted[0] != '\0',
                         strstr(infos[i].note, "OPENBLAS_CORETYPE") != NULL);
        print_message("%s: %s; %s; %s\n", infos[i].name, infos[i].driver, infos[i].capabilities,
                      infos[i].note);
    }
    assert_true(found);
}

static void test_device_list__older_caller(void **state) {
    (void)state;
    struct {
        uint32_t struct_size, usable;
        char selector[32];
        uint32_t behind;
    } info = {offsetof(sparsed_device_info, name), 0, "", 0x12345678};
    size_t count = 1;
    assert_int_equal(sparsed_device_list((sparsed_device_info *)(void *)&info, &count, NULL),
                     SPARSED_OK);
    assert_int_equal(info.usable, 1);
    assert_true(info.selector[0] != '\0');
    assert_int_equal(info.behind, 0x12345678);
}

static void test_device_list__refuses(void **state) {
    (void)state;
    sparsed_message message;
    sparsed_device_info info = {.struct_size = 0};
    size_t count = 1;
    assert_error_text(message.text, sparsed_device_list(NULL, NULL, &message), SPARSED_E_INVALID,
                      "count is NULL");
    assert_error_text(message.text, sparsed_device_list(&info, &count, &message), SPARSED_E_INVALID,
                      "infos.struct_size is 0");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_device_list__number_alone),
        cmocka_unit_test(test_device_list__describes_the_processor),
        cmocka_unit_test(test_device_list__older_caller),
        cmocka_unit_test(test_device_list__refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
