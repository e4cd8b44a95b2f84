/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Promoted PTX: every rewriting, every refusal, sizes to the byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cl/promote.h"
#include "src/alloc.h"
#include "support/counting_allocator.h"
#include "support/guarded_memory.h"

/* As the driver writes it. */
#define HEAD                                                                 \
    ".version 8.7\n.target sm_90, texmode_independent\n.address_size 64\n\n" \
    ".entry attend(\n\t.param .u64 attend_param_0\n)\n.reqntid 384, 1, 1\n{\n"
#define PROMOTED_HEAD                                                         \
    ".version 8.7\n.target sm_90a, texmode_independent\n.address_size 64\n\n" \
    ".entry attend(\n\t.param .u64 attend_param_0\n)\n.reqntid 384, 1, 1\n.minnctapersm 1\n{\n"
#define ASM_LINE "\t// begin inline asm\n\t//@90a wgmma.fence.sync.aligned;\n\t// end inline asm\n"
#define PROMOTED_LINE "\t// begin inline asm\n\twgmma.fence.sync.aligned;\n\t// end inline asm\n"

/* Promotes `size_bytes` that end where memory does. */
static sparsed_status promote(const char *ptx, size_t size_bytes, char **promoted,
                              size_t *promoted_bytes, sparsed_message *message) {
    const sparsed_allocator allocator = spd_default_allocator();
    guarded_memory input = guarded_allocate(size_bytes, true);
    memcpy(input.memory, ptx, size_bytes);
    sparsed_status status = spd_cl_promote(&allocator, (const char *)input.memory, size_bytes,
                                           promoted, promoted_bytes, message);
    guarded_free(&input);
    return status;
}

static void expect_bytes(const char *ptx, size_t size_bytes, const char *expected,
                         size_t expected_bytes) {
    const sparsed_allocator allocator = spd_default_allocator();
    sparsed_message message = {""};
    char *promoted;
    size_t promoted_bytes;
    if (promote(ptx, size_bytes, &promoted, &promoted_bytes, &message) != SPARSED_OK)
        fail_msg("%s", message.text);
    assert_int_equal(promoted_bytes, expected_bytes);
    assert_memory_equal(promoted, expected, expected_bytes);
    spd_release(&allocator, promoted);
}

static void expect(const char *ptx, const char *expected) {
    expect_bytes(ptx, strlen(ptx), expected, strlen(expected));
}

static void refuse(const char *ptx, const char *why) {
    sparsed_message message = {""};
    char *promoted = (char *)&message;
    size_t promoted_bytes = 1;
    assert_int_equal(promote(ptx, strlen(ptx), &promoted, &promoted_bytes, &message),
                     SPARSED_E_COMPILE);
    assert_null(promoted);
    assert_int_equal(promoted_bytes, 0);
    assert_string_equal(message.text, why);
}

/* ---- what is rewritten ---- */

static void test_promote__target_markers_and_group(void **state) {
    (void)state;
    expect(HEAD ASM_LINE "}\n", PROMOTED_HEAD PROMOTED_LINE "}\n");
}

static void test_promote__markers_wherever_they_stand(void **state) {
    static const char *const lines[][2] = {
        {"//@90a setmaxnreg.dec.sync.aligned.u32 24;\n", "setmaxnreg.dec.sync.aligned.u32 24;\n"},
        {"{.reg .pred p; //@90a a;\n //@90a b;}\n", "{.reg .pred p; a;\n b;}\n"},
        {"//@90a //@90a twice;\n", "twice;\n"},
        {"///@90a /@90a //@90a ", "//@90a "}, /* what is left is no marker's place */
        {"//@90a \n//@90a\n//@90b x\n// @90a y\n/", "\n//@90a\n//@90b x\n// @90a y\n/"},
        {"no marker\n//@90a z;\n//@90", "no marker\nz;\n//@90"}};
    char text[512], expected[512];
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        snprintf(text, sizeof text, "%s%s", HEAD, lines[i][0]);
        snprintf(expected, sizeof expected, "%s%s", PROMOTED_HEAD, lines[i][1]);
        expect(text, expected);
    }
}

static void test_promote__targets_as_drivers_may_write_them(void **state) {
    (void)state;
    expect(".target sm_90\n.reqntid 1\n//@90a x", ".target sm_90a\n.reqntid 1\n.minnctapersm 1\nx");
    expect("\t.target\t sm_90 // c\n.reqntid 1\n//@90a x",
           "\t.target\t sm_90a // c\n.reqntid 1\n.minnctapersm 1\nx");
    expect(".target sm_90\r\n.reqntid 1\r\n//@90a x\r\n",
           ".target sm_90a\r\n.reqntid 1\r\n.minnctapersm 1\nx\r\n");
    expect(".reqntid 1\n//@90a x\n.target sm_90", ".reqntid 1\n.minnctapersm 1\nx\n.target sm_90a");
    expect("//@90a x\n.target sm_90,debug\n.reqntid 1",
           "x\n.target sm_90a,debug\n.reqntid 1\n.minnctapersm 1\n");
}

/* Only whole words at the beginning of a line. */
static void test_promote__other_lines_stay(void **state) {
    static const char other[] = "// .target sm_80\n.targets sm_80\nx .target sm_80\n.reqntid_ 2\n"
                                "// .reqntid 2\nmov.b32 %r1, sm_90;\n";
    char text[512], expected[512];
    (void)state;
    snprintf(text, sizeof text, "%s%s%s", HEAD, ASM_LINE, other);
    snprintf(expected, sizeof expected, "%s%s%s", PROMOTED_HEAD, PROMOTED_LINE, other);
    expect(text, expected);
}

static void test_promote__every_kernel_of_the_program(void **state) {
    (void)state;
    expect(".target sm_90\n.entry a()\n.reqntid 1\n{//@90a x;}\n.entry b()\n\t.reqntid 2\n{}",
           ".target sm_90a\n.entry a()\n.reqntid 1\n.minnctapersm 1\n{x;}\n.entry b()\n"
           "\t.reqntid 2\n.minnctapersm 1\n{}");
}

/* ---- sizes ---- */

static void test_promote__a_0_is_a_character(void **state) {
    static const char text[] = HEAD ASM_LINE "}\n\0\0", middle[] = "a\0b\n" HEAD ASM_LINE;
    static const char expected[] = PROMOTED_HEAD PROMOTED_LINE "}\n\0\0";
    static const char expected_middle[] = "a\0b\n" PROMOTED_HEAD PROMOTED_LINE;
    (void)state;
    expect_bytes(text, sizeof text, expected, sizeof expected);
    expect_bytes(text, sizeof text - 1, expected, sizeof expected - 1);
    expect_bytes(middle, sizeof middle - 1, expected_middle, sizeof expected_middle - 1);
}

/* Nothing behind the text is read, wherever it ends. */
static void test_promote__every_beginning_of_a_text(void **state) {
    static const char text[] = HEAD ASM_LINE "}\n";
    const sparsed_allocator allocator = spd_default_allocator();
    const size_t marker_at = sizeof HEAD - 1 + strlen("\t// begin inline asm\n\t//@90a ");
    (void)state;
    for (size_t length = 0; length < sizeof text; length++) {
        sparsed_message message;
        char *promoted;
        size_t promoted_bytes;
        sparsed_status status = promote(text, length, &promoted, &promoted_bytes, &message);
        assert_int_equal(status, length < marker_at ? SPARSED_E_COMPILE : SPARSED_OK);
        assert_int_equal(promoted_bytes, length < marker_at ? 0 : length + 1 + 16 - 7);
        spd_release(&allocator, promoted);
    }
}

static void test_promote__a_text_of_many_markers(void **state) {
    enum { LINES = 200000 };
    static const char line[] = "\t//@90a x;\n", promoted_line[] = "\tx;\n";
    const size_t line_bytes = sizeof line - 1, promoted_bytes = sizeof promoted_line - 1;
    const size_t head = sizeof HEAD - 1, promoted_head = sizeof PROMOTED_HEAD - 1;
    char *text = malloc(head + LINES * line_bytes);
    char *expected = malloc(promoted_head + LINES * promoted_bytes);
    (void)state;
    assert_true(text && expected);
    memcpy(text, HEAD, head);
    memcpy(expected, PROMOTED_HEAD, promoted_head);
    for (size_t i = 0; i < LINES; i++) {
        memcpy(text + head + i * line_bytes, line, line_bytes);
        memcpy(expected + promoted_head + i * promoted_bytes, promoted_line, promoted_bytes);
    }
    expect_bytes(text, head + LINES * line_bytes, expected, promoted_head + LINES * promoted_bytes);
    free(text);
    free(expected);
}

/* ---- refusals ---- */

static void test_promote__what_is_no_ptx_of_sm_90(void **state) {
    static const char none[] =
        "the driver's binary has no line '.target sm_90': it is not such PTX";
    (void)state;
    refuse("", none);
    refuse("\n", none);
    refuse("\177ELF\2\1\1", none);
    refuse("target sm_90\n.reqntid 1\n//@90a x", none);
    refuse("// .target sm_90\n.reqntid 1\n//@90a x", none);
}

static void test_promote__another_target(void **state) {
    (void)state;
    refuse(".target sm_90a, texmode_independent\n.reqntid 1\n//@90a x",
           "it is PTX for 'sm_90a', not for sm_90");
    refuse(".target sm_100\n.reqntid 1\n//@90a x", "it is PTX for 'sm_100', not for sm_90");
    refuse(".target sm_900\n.reqntid 1\n//@90a x", "it is PTX for 'sm_900', not for sm_90");
    refuse(".target sm_9", "it is PTX for 'sm_9', not for sm_90");
    refuse(".target", "it is PTX for '', not for sm_90");
    refuse(".target sm_90\n.target sm_80\n.reqntid 1\n//@90a x",
           "it is PTX for 'sm_80', not for sm_90");
    refuse(".target a_name_that_is_much_longer_than_names_are\n",
           "it is PTX for 'a_name_that_is_much_', not for sm_90");
}

static void test_promote__no_marker(void **state) {
    static const char why[] = "no marker '//@90a ' has survived in its PTX";
    (void)state;
    refuse(HEAD "}\n", why);
    refuse(HEAD "//@90a\n//@90 a x\n}\n//@90a", why);
}

static void test_promote__no_group(void **state) {
    (void)state;
    refuse(".target sm_90\n.entry x()\n.maxntid 384, 1, 1\n{//@90a x;}\n",
           "its PTX has no line '.reqntid'");
}

static void test_promote__no_memory(void **state) {
    counting_allocator counter = COUNTING_ALLOCATOR_INIT;
    const sparsed_allocator allocator = counting_allocator_use(&counter);
    static const char text[] = HEAD ASM_LINE;
    char *promoted = (char *)&counter;
    size_t promoted_bytes = 1;
    sparsed_message message = {""};
    (void)state;
    counter.fail_at = 0;
    assert_int_equal(
        spd_cl_promote(&allocator, text, sizeof text - 1, &promoted, &promoted_bytes, &message),
        SPARSED_E_NOMEM);
    assert_null(promoted);
    assert_int_equal(promoted_bytes, 0);
    assert_non_null(strstr(message.text, "no memory for "));
    /* too large to be measured: it is not read */
    assert_int_equal(
        spd_cl_promote(&allocator, text, SIZE_MAX, &promoted, &promoted_bytes, &message),
        SPARSED_E_NOMEM);
    assert_int_equal(counter.calls, 1);
    assert_int_equal(counter.live, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_promote__target_markers_and_group),
        cmocka_unit_test(test_promote__markers_wherever_they_stand),
        cmocka_unit_test(test_promote__targets_as_drivers_may_write_them),
        cmocka_unit_test(test_promote__other_lines_stay),
        cmocka_unit_test(test_promote__every_kernel_of_the_program),
        cmocka_unit_test(test_promote__a_0_is_a_character),
        cmocka_unit_test(test_promote__every_beginning_of_a_text),
        cmocka_unit_test(test_promote__a_text_of_many_markers),
        cmocka_unit_test(test_promote__what_is_no_ptx_of_sm_90),
        cmocka_unit_test(test_promote__another_target),
        cmocka_unit_test(test_promote__no_marker),
        cmocka_unit_test(test_promote__no_group),
        cmocka_unit_test(test_promote__no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
