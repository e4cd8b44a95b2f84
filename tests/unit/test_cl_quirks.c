/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Each quirk applies to the device that it was seen on, and to no other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cl/quirks.h"

static unsigned flags_of(const char *platform, const char *vendor, const char *device,
                         const char *driver, const char **why) {
    const spd_cl_names names = {platform, vendor, device, driver};
    return spd_cl_quirks(&names, why);
}

static void test_quirks__llvmpipe_through_rusticl(void **state) {
    (void)state;
    const char *why;
    assert_int_equal(flags_of("rusticl", "Mesa/X.org", "llvmpipe (LLVM 15.0.6, 256 bits)",
                              "22.3.6-1+deb12u2", &why),
                     SPD_QUIRK_NO_CPU_SHAPED | SPD_QUIRK_FEW_KEYS | SPD_QUIRK_NO_GROUP_LIMIT);
    assert_true(why[0] != '\0');
    /* A later Mesa. */
    assert_int_equal(
        flags_of("rusticl", "Mesa/X.org", "llvmpipe (LLVM 17.0.6, 256 bits)", "24.1.0", &why),
        SPD_QUIRK_NO_CPU_SHAPED | SPD_QUIRK_FEW_KEYS);
    /* Another device of rusticl, and llvmpipe elsewhere. */
    assert_int_equal(flags_of("rusticl", "AMD", "AMD Radeon RX 6800", "22.3.6", &why),
                     SPD_QUIRK_NO_GROUP_LIMIT);
    assert_int_equal(flags_of("rusticl", "AMD", "AMD Radeon RX 7900", "24.0.0", &why), 0);
    assert_string_equal(why, "");
    assert_int_equal(flags_of("Clover", "Mesa", "llvmpipe", "22.3.6", &why), 0);
}

static void test_quirks__none_for_others(void **state) {
    (void)state;
    static const spd_cl_names others[] = {
        {"Portable Computing Language", "AuthenticAMD", "pthread-skylake-avx512-AMD EPYC",
         "3.1+debian"},
        {"NVIDIA CUDA", "NVIDIA Corporation", "NVIDIA H100 80GB HBM3", "580.159"},
        {"Intel(R) OpenCL", "Intel(R) Corporation", "AMD EPYC", "2026.2"},
        {"Oclgrind", "Oclgrind", "Oclgrind Simulator", "Oclgrind 21.10"},
        {"", "", "", ""}};
    const char *why;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_int_equal(spd_cl_quirks(&others[i], &why), 0);
        assert_string_equal(why, "");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quirks__llvmpipe_through_rusticl),
        cmocka_unit_test(test_quirks__none_for_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
