/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Levels of the processor: what SPARSED_CPU_ISA may say, what follows from it, and on x86-64 the
 * rules held to processors that are not here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/processor.h"
#include "support/api_check.h"
#if defined(SPD_X86_LEVELS)
#include "cpu/x86/processor.h"
#endif

static char *before; /* the test's own SPARSED_CPU_ISA */

static int clear_environment(void **state) {
    (void)state;
    const char *value = getenv("SPARSED_CPU_ISA");
    before = value ? strdup(value) : NULL;
    return unsetenv("SPARSED_CPU_ISA");
}

static int restore_environment(void **state) {
    (void)state;
    if (before)
        setenv("SPARSED_CPU_ISA", before, 1);
    else
        unsetenv("SPARSED_CPU_ISA");
    free(before);
    return 0;
}

static void set_level(const char *value) {
    assert_int_equal(setenv("SPARSED_CPU_ISA", value, 1), 0);
}

static bool is_here(int isa) {
    return spd_processor_lacks((spd_isa)isa) == NULL;
}

static bool runs(int isa) {
    return spd_isa_runs((spd_isa)isa, NULL, 0);
}

static void expect_reason(spd_isa isa, const char *text) {
    char why[256] = "";
    assert_false(spd_isa_runs(isa, why, sizeof why));
    if (!strstr(why, text))
        fail_msg("%s: '%s' does not say '%s'", spd_isa_name(isa), why, text);
}

static void test_isa_name__each(void **state) {
    (void)state;
    assert_string_equal(spd_isa_name(SPD_ISA_BASELINE), "baseline");
    assert_string_equal(spd_isa_name(SPD_ISA_AVX2), "avx2");
    assert_string_equal(spd_isa_name(SPD_ISA_AVX512), "avx512");
    assert_string_equal(spd_isa_name(SPD_ISA_AVX512_BF16), "avx512-bf16");
    assert_string_equal(spd_isa_name(SPD_ISA_AMX), "amx");
    assert_string_equal(spd_isa_name(SPD_ISA_NEON), "neon");
}

static void test_processor_lacks__nothing_of_the_baseline(void **state) {
    (void)state;
    assert_null(spd_processor_lacks(SPD_ISA_BASELINE));
#if defined(SPD_ARM_LEVELS)
    assert_null(spd_processor_lacks(SPD_ISA_NEON));
    assert_string_equal(spd_processor_lacks(SPD_ISA_AVX2), "avx2");
#elif defined(SPD_X86_LEVELS)
    assert_string_equal(spd_processor_lacks(SPD_ISA_NEON), "neon");
#endif
}

/* What the processor has is right, what it lacks is refused by name, with what there is. */
static void test_check_environment__each_name(void **state) {
    (void)state;
    sparsed_message message;
    for (int isa = 0; isa < SPD_ISA_COUNT; isa++) {
        const char *name = spd_isa_name((spd_isa)isa);
        char text[128];
        set_level(name);
        sparsed_status status = spd_isa_check_environment(&message);
        if (is_here(isa)) {
            assert_int_equal(status, SPARSED_OK);
            continue;
        }
        snprintf(text, sizeof text,
                 "SPARSED_CPU_ISA is '%s', but there is no %s here; levels here: "
                 "baseline",
                 name, spd_processor_lacks((spd_isa)isa));
        assert_error_text(message.text, status, SPARSED_E_UNSUPPORTED, text);
    }
}

static void test_check_environment__unknown_name(void **state) {
    (void)state;
    const char *const words[] = {"avx1024", "AVX2", "avx2 ", " avx2", "avx", "avx2,avx512", "sse"};
    sparsed_message message;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        char text[128];
        set_level(words[i]);
        snprintf(text, sizeof text,
                 "SPARSED_CPU_ISA is '%s'; known are: baseline, avx2, avx512, avx512-bf16, amx, "
                 "neon",
                 words[i]);
        assert_error_text(message.text, spd_isa_check_environment(&message), SPARSED_E_INVALID,
                          text);
        assert_int_equal(spd_isa_check_environment(NULL), SPARSED_E_INVALID);
    }
}

static void test_check_environment__empty_is_as_none(void **state) {
    (void)state;
    assert_int_equal(spd_isa_check_environment(NULL), SPARSED_OK);
    spd_isa highest = spd_isa_highest();
    set_level("");
    assert_int_equal(spd_isa_check_environment(NULL), SPARSED_OK);
    assert_int_equal(spd_isa_highest(), highest);
}

/* Without the variable: all that the processor has, but for what is slower. */
static void test_isa_runs__without_the_variable(void **state) {
    (void)state;
    for (int isa = 0; isa < SPD_ISA_COUNT; isa++) {
        assert_int_equal(runs(isa), is_here(isa) && spd_processor_gains((spd_isa)isa));
        if (!is_here(isa))
            expect_reason((spd_isa)isa, spd_processor_lacks((spd_isa)isa));
        else if (!runs(isa))
            expect_reason((spd_isa)isa, "is slower here than the level below it; SPARSED_CPU_ISA=");
    }
    assert_true(runs((int)spd_isa_highest()));
    for (int isa = (int)spd_isa_highest() + 1; isa < SPD_ISA_COUNT; isa++)
        assert_false(runs(isa));
}

/* The level that is named runs, those below as without the variable, none above. */
static void test_isa_runs__up_to_the_level_named(void **state) {
    (void)state;
    for (int named = 0; named < SPD_ISA_COUNT; named++) {
        char text[64];
        if (!is_here(named))
            continue;
        set_level(spd_isa_name((spd_isa)named));
        assert_int_equal(spd_isa_highest(), named);
        assert_true(runs(named));
        assert_true(runs(SPD_ISA_BASELINE));
        for (int isa = 0; isa < named; isa++)
            assert_int_equal(runs(isa), is_here(isa) && spd_processor_gains((spd_isa)isa));
        for (int isa = named + 1; isa < SPD_ISA_COUNT; isa++) {
            snprintf(text, sizeof text, "it needs %s; SPARSED_CPU_ISA is '%s'",
                     spd_isa_name((spd_isa)isa), spd_isa_name((spd_isa)named));
            expect_reason((spd_isa)isa, text);
        }
    }
}

/* No level takes the place of one that cannot be had. */
static void test_isa_runs__nothing_with_a_wrong_name(void **state) {
    (void)state;
    set_level("avx1024");
    for (int isa = 0; isa < SPD_ISA_COUNT; isa++)
        expect_reason((spd_isa)isa, "SPARSED_CPU_ISA is 'avx1024'");
}

static sparsed_status describe_cpu(sparsed_device_info *info, sparsed_message *message) {
    sparsed_options options = SPARSED_OPTIONS_INIT;
    sparsed_context *context;
    options.device = "cpu";
    sparsed_status status = sparsed_context_create(&options, &context, message);
    *info = (sparsed_device_info){.struct_size = sizeof *info};
    if (context)
        assert_int_equal(sparsed_context_device(context, info), SPARSED_OK);
    sparsed_context_destroy(context);
    return status;
}

static void test_context_create__tells_the_level(void **state) {
    (void)state;
    sparsed_device_info info;
    assert_int_equal(describe_cpu(&info, NULL), SPARSED_OK);
    assert_string_equal(info.isa, spd_isa_name(spd_isa_highest()));
    for (int isa = 0; isa < SPD_ISA_COUNT; isa++) {
        const char *name = spd_isa_name((spd_isa)isa);
        set_level(name);
        assert_int_equal(describe_cpu(&info, NULL),
                         is_here(isa) ? SPARSED_OK : SPARSED_E_NO_DEVICE);
        assert_string_equal(info.isa, is_here(isa) ? name : "");
    }
}

/* OpenBLAS's core type matters where its products are used: at the baseline. */
static void test_context_create__warns_of_openblas_at_baseline_alone(void **state) {
    (void)state;
    sparsed_device_info info;
    for (int isa = 0; isa < SPD_ISA_COUNT; isa++) {
        if (!is_here(isa))
            continue;
        set_level(spd_isa_name((spd_isa)isa));
        assert_int_equal(describe_cpu(&info, NULL), SPARSED_OK);
        if (isa == SPD_ISA_BASELINE) {
            assert_null(strstr(info.driver, "cpu-blas alone"));
            assert_int_equal(info.blas_core_wanted[0] || !info.blas_core[0], info.note[0] != '\0');
            continue;
        }
        assert_non_null(strstr(info.driver, "cpu-blas alone"));
        assert_string_equal(info.blas_core_wanted, "");
        assert_string_equal(info.note, "");
    }
}

static void test_context_create__refuses_a_wrong_level(void **state) {
    (void)state;
    sparsed_device_info info;
    sparsed_message message;
    set_level("avx1024");
    sparsed_status status = describe_cpu(&info, &message);
    assert_error_text(message.text, status, SPARSED_E_NO_DEVICE,
                      "cannot be used: SPARSED_CPU_ISA is 'avx1024'; known are: ");
    set_level(is_here(SPD_ISA_NEON) ? "avx2" : "neon");
    status = describe_cpu(&info, &message);
    assert_error_text(message.text, status, SPARSED_E_NO_DEVICE, "here; levels here: baseline");
}

#if defined(SPD_X86_LEVELS)

/* A processor with everything, of AMD's. */
static spd_x86 full(void) {
    spd_x86 x86 = {.vendor = "AuthenticAMD"};
    memset(x86.word, 0xff, sizeof x86.word);
    return x86;
}

/* Names of what one bit takes away: of the lowest level that needs it, and of all above. */
static void expect_lack(int word, int bit, spd_isa lowest, const char *name) {
    spd_x86 x86 = full();
    x86.word[word] &= ~(1u << bit);
    for (int isa = 0; isa <= SPD_ISA_AMX; isa++) {
        const char *lacks = spd_x86_lacks(&x86, (spd_isa)isa);
        if (isa < (int)lowest)
            assert_null(lacks);
        else
            assert_string_equal(lacks, name);
    }
}

static void test_x86_lacks__nothing(void **state) {
    (void)state;
    const spd_x86 x86 = full();
    for (int isa = 0; isa <= SPD_ISA_AMX; isa++)
        assert_null(spd_x86_lacks(&x86, (spd_isa)isa));
    assert_string_equal(spd_x86_lacks(&x86, SPD_ISA_NEON), "neon");
}

static void test_x86_lacks__one_thing(void **state) {
    (void)state;
    expect_lack(SPD_CPUID_1_ECX, 27, SPD_ISA_AVX2, "osxsave");
    expect_lack(SPD_CPUID_1_ECX, 28, SPD_ISA_AVX2, "avx");
    expect_lack(SPD_CPUID_1_ECX, 12, SPD_ISA_AVX2, "fma");
    expect_lack(SPD_CPUID_1_ECX, 29, SPD_ISA_AVX2, "f16c");
    expect_lack(SPD_CPUID_1_ECX, 22, SPD_ISA_AVX2, "movbe");
    expect_lack(SPD_CPUID_EXTENDED_ECX, 5, SPD_ISA_AVX2, "lzcnt");
    expect_lack(SPD_CPUID_7_EBX, 3, SPD_ISA_AVX2, "bmi1");
    expect_lack(SPD_CPUID_7_EBX, 5, SPD_ISA_AVX2, "avx2");
    expect_lack(SPD_CPUID_7_EBX, 8, SPD_ISA_AVX2, "bmi2");
    expect_lack(SPD_XCR0, 2, SPD_ISA_AVX2, "ymm registers in the system");
    expect_lack(SPD_CPUID_7_EBX, 16, SPD_ISA_AVX512, "avx512f");
    expect_lack(SPD_CPUID_7_EBX, 17, SPD_ISA_AVX512, "avx512dq");
    expect_lack(SPD_CPUID_7_EBX, 28, SPD_ISA_AVX512, "avx512cd");
    expect_lack(SPD_CPUID_7_EBX, 30, SPD_ISA_AVX512, "avx512bw");
    expect_lack(SPD_CPUID_7_EBX, 31, SPD_ISA_AVX512, "avx512vl");
    expect_lack(SPD_XCR0, 5, SPD_ISA_AVX512, "mask registers in the system");
    expect_lack(SPD_XCR0, 6, SPD_ISA_AVX512, "zmm registers in the system");
    expect_lack(SPD_XCR0, 7, SPD_ISA_AVX512, "zmm registers in the system");
    expect_lack(SPD_CPUID_7_1_EAX, 5, SPD_ISA_AVX512_BF16, "avx512_bf16");
    expect_lack(SPD_CPUID_7_EDX, 22, SPD_ISA_AMX, "amx_bf16");
    expect_lack(SPD_CPUID_7_EDX, 24, SPD_ISA_AMX, "amx_tile");
    expect_lack(SPD_XCR0, 17, SPD_ISA_AMX, "tile registers in the system");
    expect_lack(SPD_XCR0, 18, SPD_ISA_AMX, "tile registers in the system");
}

/* Products of bf16 pairs are slow on Intel's processors; the other levels gain on all. */
static void test_x86_gains__by_vendor(void **state) {
    (void)state;
    static const struct {
        const char *vendor;
        bool bf16;
    } vendors[] = {
        {"AuthenticAMD", true}, {"HygonGenuine", false}, {"GenuineIntel", false}, {"", false}};
    for (size_t i = 0; i < sizeof vendors / sizeof *vendors; i++) {
        spd_x86 x86 = full();
        snprintf(x86.vendor, sizeof x86.vendor, "%s", vendors[i].vendor);
        assert_true(spd_x86_gains(&x86, SPD_ISA_AVX2));
        assert_true(spd_x86_gains(&x86, SPD_ISA_AVX512));
        assert_int_equal(spd_x86_gains(&x86, SPD_ISA_AVX512_BF16), vendors[i].bf16);
        assert_true(spd_x86_gains(&x86, SPD_ISA_AMX));
    }
}

/* "flags" of /proc/cpuinfo between spaces; false where there is no such file. */
static bool read_flags(char *flags, size_t size) {
    FILE *file = fopen("/proc/cpuinfo", "r");
    bool found = false;
    while (file && !found && fgets(flags, (int)size - 1, file))
        found = strncmp(flags, "flags", 5) == 0;
    if (file)
        fclose(file);
    if (found)
        flags[strcspn(flags, "\n")] = ' ';
    return found;
}

/* Linux lists what the processor has and the system lets programs use. */
static void test_x86_read__agrees_with_the_system(void **state) {
    (void)state;
    static const struct {
        spd_isa isa;
        const char *flags[5];
    } levels[] = {
        {SPD_ISA_AVX2, {" avx2 ", " fma ", " f16c ", " bmi2 ", " movbe "}},
        {SPD_ISA_AVX512, {" avx512f ", " avx512bw ", " avx512cd ", " avx512dq ", " avx512vl "}},
        {SPD_ISA_AVX512_BF16, {" avx512_bf16 ", " avx512f ", " avx512vl "}},
        {SPD_ISA_AMX, {" amx_tile ", " amx_bf16 ", " avx512_bf16 "}},
    };
    static char flags[8192];
    spd_x86 x86;
    if (!read_flags(flags, sizeof flags))
        skip();
    spd_x86_read(&x86);
    assert_int_equal(strlen(x86.vendor), 12);
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        bool listed = true;
        for (int j = 0; j < 5 && levels[i].flags[j]; j++)
            listed = listed && strstr(flags, levels[i].flags[j]);
        print_message("%s: %s\n", spd_isa_name(levels[i].isa), listed ? "here" : "not here");
        assert_int_equal(spd_x86_lacks(&x86, levels[i].isa) == NULL, listed);
    }
}

#endif

#define WITH_ENVIRONMENT(test) \
    cmocka_unit_test_setup_teardown(test, clear_environment, restore_environment)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_isa_name__each),
        cmocka_unit_test(test_processor_lacks__nothing_of_the_baseline),
        WITH_ENVIRONMENT(test_check_environment__each_name),
        WITH_ENVIRONMENT(test_check_environment__unknown_name),
        WITH_ENVIRONMENT(test_check_environment__empty_is_as_none),
        WITH_ENVIRONMENT(test_isa_runs__without_the_variable),
        WITH_ENVIRONMENT(test_isa_runs__up_to_the_level_named),
        WITH_ENVIRONMENT(test_isa_runs__nothing_with_a_wrong_name),
        WITH_ENVIRONMENT(test_context_create__tells_the_level),
        WITH_ENVIRONMENT(test_context_create__warns_of_openblas_at_baseline_alone),
        WITH_ENVIRONMENT(test_context_create__refuses_a_wrong_level),
#if defined(SPD_X86_LEVELS)
        cmocka_unit_test(test_x86_lacks__nothing),
        cmocka_unit_test(test_x86_lacks__one_thing),
        cmocka_unit_test(test_x86_gains__by_vendor),
        cmocka_unit_test(test_x86_read__agrees_with_the_system),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
