/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The emulator of PTX: what it computes, and what it does not let pass. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "emulated/ptx.h"
#include "src/half.h"

enum { WORDS = 1024, ITEMS = 64 };

static uint32_t memory[WORDS];

/* A program of one kernel, whose parameter is in %rd1, and the item's number in %r1. */
static ptx_program *program_of(const char *declarations, const char *body, ptx_message *message) {
    char text[4096];
    snprintf(text, sizeof text,
             ".version 8.0\n.target sm_90\n.address_size 64\n"
             ".entry k(.param .u64 .ptr .global .align 4 k_param_0)\n{\n"
             ".reg .pred %%p<9>;\n.reg .b16 %%rs<9>;\n.reg .b32 %%r<99>;\n.reg .b64 %%rd<9>;\n%s\n"
             "ld.param.b64 %%rd1, [k_param_0];\nmov.u32 %%r1, %%tid.x;\n%s\nret;\n}\n",
             declarations, body);
    return ptx_parse(text, message);
}

static bool run(const char *declarations, const char *body, uint32_t items, ptx_message *message) {
    ptx_program *program = program_of(declarations, body, message);
    if (!program)
        fail_msg("%s", message->text);
    const uint64_t address = (uint64_t)(uintptr_t)memory;
    const ptx_range range = {(unsigned char *)memory, sizeof memory};
    const ptx_launch launch = {
        {1, 1, 1}, {items, 1, 1}, (const unsigned char *)&address, &range, 1};
    const bool done = ptx_run(ptx_find_kernel(program, "k"), &launch, message);
    ptx_free(program);
    return done;
}

static void check_run(const char *declarations, const char *body, uint32_t items) {
    ptx_message message;
    if (!run(declarations, body, items, &message))
        fail_msg("%s", message.text);
}

static void check_fault(const char *declarations, const char *body, uint32_t items,
                        const char *what) {
    ptx_message message = {""};
    assert_false(run(declarations, body, items, &message));
    if (!strstr(message.text, what))
        fail_msg("'%s' does not tell of '%s'", message.text, what);
}

#define STORE_R2_ESCAPED \
    "mul.wide.u32 %%rd2, %%r1, 4;\nadd.s64 %%rd3, %%rd1, %%rd2;\nst.global.b32 [%%rd3], %%r2;\n"
#define STORE_R2 \
    "mul.wide.u32 %rd2, %r1, 4;\nadd.s64 %rd3, %rd1, %rd2;\nst.global.b32 [%rd3], %r2;\n"

/* ---- texts ---------------------------------------------------------------------------------- */

static void test_ptx_parse__unknown_instruction(void **state) {
    ptx_message message;
    (void)state;
    assert_null(program_of("", "add.s32 %r2, %r1, 1;\nfrob.b32 %r2, %r1;", &message));
    assert_string_equal(message.text, "line 14: the instruction 'frob.b32' is not known");
}

static void test_ptx_parse__register_of_another_width(void **state) {
    ptx_message message;
    (void)state;
    assert_null(program_of("", "add.s32 %r2, %rd1, 1;", &message));
    assert_non_null(strstr(message.text, "'%rd1' has 8 bytes, not 4"));
}

static void test_ptx_parse__label_that_is_nowhere(void **state) {
    ptx_message message;
    (void)state;
    assert_null(program_of("", "bra $away;", &message));
    assert_non_null(strstr(message.text, "the label '$away' is nowhere"));
}

static void test_ptx_parse__malformed_texts(void **state) {
    static const char *const bodies[] = {
        "add.s32 %r2, %r1;",
        "bra ;",
        "x",
        "bar.sync;",
        "mov.b32 %r1, -;",
        ": bra $x;",
        ".reg .b32 %q<99999999999>;",
        ".shared .b8 x[-1];",
        ".shared .pred x[4];",
        ".pragma \"",
        "ld.param.b64 %p1, [k_param_0];",
        "ld.global.b32 %r2, [%rs1];",
        "shfl.sync.bfly.b32 %r2, %r1, 1, 0x1f;",
        "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%r1}, {%r1}, {%r1}, {%r1};",
    };
    ptx_message message;
    char word[300] = "";
    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        if (program_of("", bodies[i], &message))
            fail_msg("'%s' passes", bodies[i]);
    assert_null(ptx_parse(":", &message));
    memset(word, 'a', sizeof word - 1);
    assert_null(ptx_parse(word, &message));
}

/* ---- lanes ---------------------------------------------------------------------------------- */

/* Each item counts to its own number, and all meet again at an exchange. */
static void test_ptx_run__lanes_that_part(void **state) {
    (void)state;
    check_run("",
              "mov.b32 %r2, 0;\n$loop:\nsetp.ge.u32 %p1, %r2, %r1;\n@%p1 bra $out;\n"
              "add.s32 %r2, %r2, 1;\nbra.uni $loop;\n$out:\n"
              "shfl.sync.bfly.b32 %r2, %r2, 1, 0x1f, 0xffffffff;\n" STORE_R2,
              ITEMS);
    for (uint32_t i = 0; i < ITEMS; i++)
        assert_int_equal(memory[i], i ^ 1);
}

static void test_ptx_run__items_write_what_others_read(void **state) {
    (void)state;
    check_run(".shared .align 4 .b8 x[256];",
              "shl.b32 %r3, %r1, 2;\nmov.b32 %r4, x;\nadd.s32 %r5, %r3, %r4;\n"
              "st.shared.b32 [%r5], %r1;\nbar.sync 0;\nxor.b32 %r6, %r5, 128;\n"
              "ld.shared.b32 %r2, [%r6];\n" STORE_R2,
              ITEMS);
    for (uint32_t i = 0; i < ITEMS; i++)
        assert_int_equal(memory[i], i ^ 32);
}

static void test_ptx_run__arithmetic(void **state) {
    static const struct {
        const char *body;
        uint32_t expected; /* of item 0 */
    } cases[] = {
        {"mul.hi.u32 %r2, 0x80000001, 6;", 3},
        {"bfe.u32 %r2, 0x12345678, 4, 8;", 0x67},
        {"mov.b32 %r3, 0x80000000;\nneg.s32 %r2, %r3;", 0x80000000},
        {"cvt.rn.bf16x2.f32 %r2, 0f3F808000, 0f3F818000;", 0x3f803f82}, /* ties to even */
        {"cvt.rn.f16x2.f32 %r2, 0f477FF000, 0f33000001;", 0x7c000001},  /* overflow, subnormal */
        {"cvt.rn.f16x2.f32 %r2, 0f80000000, 0f387FC000;", 0x800003ff},  /* -0, subnormal */
        {"ex2.approx.ftz.f32 %r2, 0f40400000;", 0x41000000},
        {"ex2.approx.ftz.f32 %r2, 0fC3000000;", 0}, /* 2^-128 is no normal number */
        {"max.f32 %r2, 0f7FC00000, 0f3F800000;", 0x3f800000},
        {"fma.rn.f32 %r2, 0f3F800001, 0f3F800001, 0fBF800002;", 0x28800000},
        {"setp.leu.f32 %p1, 0f7FC00000, 0f0;\nselp.b32 %r2, 1, 2, %p1;", 1},
        {"mov.b32 %r3, -5;\nmov.b32 %r4, 3;\nmax.s32 %r2, %r3, %r4;", 3},
        {"popc.b64 %r2, 0xf0f0f0f0f0f0f0f0;", 32},
        {"shl.b32 %r2, 1, 32;", 0},
        {"st.global.b64 [%rd1+8], -1;\nld.global.b32 %r2, [%rd1+12];", 0xffffffff},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char body[256];
        snprintf(body, sizeof body, "%s\n%s", cases[i].body, STORE_R2);
        check_run("", body, 1);
        if (memory[0] != cases[i].expected)
            fail_msg("%s gives 0x%x, not 0x%x", cases[i].body, memory[0], cases[i].expected);
    }
}

/* ---- matrices ------------------------------------------------------------------------------- */

/* A of 16 x 8 with A[r][k] = 8 r + k, B = 2 I: the result's lanes have the columns that they should. */
static void test_ptx_run__product_of_tf32(void **state) {
    (void)state;
    check_run("",
              "shr.u32 %r3, %r1, 2;\nand.b32 %r4, %r1, 3;\nshl.b32 %r5, %r3, 3;\n"
              "add.s32 %r5, %r5, %r4;\ncvt.rn.f32.u32 %r10, %r5;\nadd.s32 %r6, %r5, 64;\n"
              "cvt.rn.f32.u32 %r11, %r6;\nadd.s32 %r6, %r5, 4;\ncvt.rn.f32.u32 %r12, %r6;\n"
              "add.s32 %r6, %r5, 68;\ncvt.rn.f32.u32 %r13, %r6;\n"
              "setp.eq.b32 %p1, %r4, %r3;\nselp.f32 %r14, 0f40000000, 0f0, %p1;\n"
              "add.s32 %r6, %r4, 4;\nsetp.eq.b32 %p2, %r6, %r3;\n"
              "selp.f32 %r15, 0f40000000, 0f0, %p2;\nmov.b32 %r20, 0f3F800000;\n"
              "mov.b32 %r21, %r20;\nmov.b32 %r22, %r20;\nmov.b32 %r23, %r20;\n"
              "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%r20, %r21, %r22, %r23}, "
              "{%r10, %r11, %r12, %r13}, {%r14, %r15}, {%r20, %r21, %r22, %r23};\n"
              "mul.wide.u32 %rd2, %r1, 16;\nadd.s64 %rd3, %rd1, %rd2;\n"
              "st.global.b32 [%rd3], %r20;\nst.global.b32 [%rd3+4], %r21;\n"
              "st.global.b32 [%rd3+8], %r22;\nst.global.b32 [%rd3+12], %r23;\n",
              32);
    for (uint32_t lane = 0; lane < 32; lane++)
        for (uint32_t n = 0; n < 4; n++) {
            const uint32_t row = lane / 4 + n / 2 * 8, column = lane % 4 * 2 + n % 2;
            assert_int_equal(memory[4 * lane + n],
                             spd_float_bits((float)(2 * (8 * row + column) + 1)));
        }
}

/* 1 + 2^-25 8 times, of which none is left: sums are cut off. */
static void test_ptx_run__sums_of_products_are_rounded_towards_0(void **state) {
    (void)state;
    check_run("",
              "mov.b32 %r10, 0f32800000;\nmov.b32 %r14, 0f3F400000;\nmov.b32 %r20, 0f3F800000;\n"
              "mov.b32 %r21, %r20;\nmov.b32 %r22, %r20;\nmov.b32 %r23, %r20;\n"
              "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%r20, %r21, %r22, %r23}, "
              "{%r10, %r10, %r10, %r10}, {%r14, %r14}, {%r20, %r21, %r22, %r23};\n"
              "mov.b32 %r2, %r20;\n" STORE_R2,
              32);
    assert_true(spd_float_from_bits(memory[0]) == 1.0f); /* 1 + 8 * 2^-26 * .75 = 1 + .75 * 2^-23 */
}

#define RESULTS                                                                            \
    "%r20, %r21, %r22, %r23, %r24, %r25, %r26, %r27, %r28, %r29, %r30, %r31, %r32, %r33, " \
    "%r34, %r35, %r36, %r37, %r38, %r39, %r40, %r41, %r42, %r43, %r44, %r45, %r46, %r47, " \
    "%r48, %r49, %r50, %r51"
#define PRODUCT \
    "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 {%s}, %%rd4, %%rd5, 0, 1, 1, 0, 0;\n"

/* A product of what `before` leaves. */
static void check_fault_of_product(const char *before, const char *what) {
    char body[2048];
    snprintf(body, sizeof body,
             "mov.b32 %%r3, x;\nmad.lo.s32 %%r4, %%r1, 128, %%r3;\nmov.b32 %%r5, 0;\n"
             "$fill:\nst.shared.b32 [%%r4], 0;\nadd.s32 %%r4, %%r4, 4;\n"
             "add.s32 %%r5, %%r5, 1;\nsetp.lt.u32 %%p1, %%r5, 32;\n@%%p1 bra $fill;\n%s"
             "mov.b64 %%rd4, 0x4000004000010000;\nmov.b64 %%rd5, 0x4000004000010200;\n" PRODUCT
             "wgmma.commit_group.sync.aligned;\nwgmma.wait_group.sync.aligned 0;\n",
             before, RESULTS);
    check_fault(".shared .align 1024 .b8 x[16384];", body, 128, what);
}

static void test_ptx_run__products_without_a_fence(void **state) {
    (void)state;
    check_fault_of_product("bar.sync 0;\nwgmma.fence.sync.aligned;\n", "no fence has shown");
    check_fault_of_product("fence.proxy.async;\nbar.sync 0;\n", "no wgmma.fence");
}

/* A warpgroup's product of ones, 64 x 64 over 16. The first warp waits, and has zeros written over the right operand:
 * the last one, which comes late, must have read it by then. */
static void test_ptx_run__products_of_a_warpgroup_end_together(void **state) {
    char body[2048];
    (void)state;
    snprintf(body, sizeof body,
             "mov.b32 %%r3, x;\nmad.lo.s32 %%r4, %%r1, 128, %%r3;\nmov.b32 %%r5, 0;\n"
             "mov.b32 %%r6, 0x3f803f80;\n$fill:\nst.shared.b32 [%%r4], %%r6;\n"
             "add.s32 %%r4, %%r4, 4;\nadd.s32 %%r5, %%r5, 1;\nsetp.lt.u32 %%p1, %%r5, 32;\n"
             "@%%p1 bra $fill;\nfence.proxy.async;\nbar.sync 0;\nmov.b32 %%r5, 0;\n"
             "$late:\nsetp.ge.u32 %%p2, %%r5, %%r1;\nadd.s32 %%r5, %%r5, 1;\n@!%%p2 bra $late;\n"
             "mov.b64 %%rd4, 0x4000004000010000;\nmov.b64 %%rd5, 0x4000004000010200;\n"
             "wgmma.fence.sync.aligned;\n" PRODUCT
             "wgmma.commit_group.sync.aligned;\nwgmma.wait_group.sync.aligned 0;\n"
             "setp.ge.u32 %%p3, %%r1, 32;\n@%%p3 bra $store;\n"
             "mad.lo.s32 %%r4, %%r1, 256, %%r3;\nmov.b32 %%r5, 0;\n"
             "$clear:\nst.shared.b32 [%%r4+8192], 0;\nadd.s32 %%r4, %%r4, 4;\n"
             "add.s32 %%r5, %%r5, 1;\nsetp.lt.u32 %%p1, %%r5, 64;\n@%%p1 bra $clear;\n"
             "$store:\nmov.b32 %%r2, %%r51;\n" STORE_R2_ESCAPED,
             RESULTS);
    check_run(".shared .align 1024 .b8 x[16384];", body, 128);
    for (uint32_t i = 0; i < 128; i++)
        assert_true(spd_float_from_bits(memory[i]) == 16.0f);
}

/* ---- copies --------------------------------------------------------------------------------- */

#define COPY                              \
    "mov.b32 %r4, x;\nmov.b32 %r3, 16;\n" \
    "cp.async.cg.shared.global [%r4], [%rd1], 16, %r3;\ncp.async.commit_group;\n"

static void test_ptx_run__copies_come_early_or_when_they_are_waited_for(void **state) {
    uint32_t early = 0;
    (void)state;
    memory[0] = 1;
    check_run(".shared .align 16 .b8 x[1024];",
              "shl.b32 %r7, %r1, 4;\nmov.b32 %r8, x;\nadd.s32 %r4, %r7, %r8;\nmov.b32 %r3, 16;\n"
              "cp.async.cg.shared.global [%r4], [%rd1], 16, %r3;\ncp.async.commit_group;\n"
              "ld.shared.b32 %r5, [%r4];\ncp.async.wait_group 0;\nld.shared.b32 %r6, [%r4];\n"
              "mad.lo.s32 %r9, %r1, 8, 16;\ncvt.u64.u32 %rd2, %r9;\nadd.s64 %rd3, %rd1, %rd2;\n"
              "st.global.b32 [%rd3], %r5;\nst.global.b32 [%rd3+4], %r6;\n",
              ITEMS);
    for (uint32_t i = 0; i < ITEMS; i++) {
        early += memory[4 + 2 * i] == 1;
        assert_int_equal(memory[5 + 2 * i], 1);
    }
    assert_in_range(early, 1, ITEMS - 1);
}

static void test_ptx_run__copies_that_nobody_waits_for(void **state) {
    (void)state;
    check_fault(".shared .align 16 .b8 x[16];", COPY COPY COPY COPY COPY COPY COPY COPY, 1,
                "that nobody waits for");
}

#define BARRIER ".shared .align 8 .b8 b[8];"

/* Two arrivals and the bytes' word end the phase. */
static void test_ptx_run__barrier_in_local_memory(void **state) {
    (void)state;
    check_run(BARRIER,
              "mov.b32 %r4, b;\nsetp.ne.b32 %p1, %r1, 0;\n@%p1 bra $made;\nmov.b32 %r5, 64;\n"
              "mbarrier.init.shared.b64 [%r4], %r5;\n$made:\nbar.sync 0;\n"
              "mbarrier.arrive.shared.b64 %rd4, [%r4];\n$wait:\n"
              "mbarrier.try_wait.parity.shared.b64 %p2, [%r4], 0;\n@!%p2 bra $wait;\n"
              "mov.b32 %r2, 7;\n" STORE_R2,
              ITEMS);
    assert_int_equal(memory[ITEMS - 1], 7);
}

/* Lane 0 arrives; the others wait, further back in the text. */
static void test_ptx_run__lanes_that_wait_let_others_go(void **state) {
    (void)state;
    check_run(
        BARRIER,
        "mov.b32 %r4, b;\nmov.b32 %r5, 1;\nsetp.ne.b32 %p1, %r1, 0;\n@%p1 bra $made;\n"
        "mbarrier.init.shared.b64 [%r4], %r5;\n$made:\nbar.warp.sync 0xffffffff;\n"
        "@!%p1 bra $arrive;\n$wait:\n"
        "mbarrier.try_wait.parity.shared.b64 %p2, [%r4], 0;\n@!%p2 bra $wait;\nbra $out;\n"
        "$arrive:\nmbarrier.arrive.shared.b64 %rd4, [%r4];\n$out:\nmov.b32 %r2, 9;\n" STORE_R2,
        32);
    assert_int_equal(memory[31], 9);
}

/* The second warp overwrites x when the first one has told it that it may: early, and late. */
static void test_ptx_run__what_is_given_back_may_be_overwritten_at_once(void **state) {
    uint32_t overwritten = 0;
    (void)state;
    check_run(BARRIER ".shared .align 4 .b8 x[4];\n.shared .align 8 .b8 c[8];",
              "mov.b32 %r4, b;\nmov.b32 %r6, c;\nsetp.ne.b32 %p1, %r1, 0;\n@%p1 bra $made;\n"
              "mbarrier.init.shared.b64 [%r4], 1;\nmbarrier.init.shared.b64 [%r6], 1;\n$made:\n"
              "setp.ge.u32 %p3, %r1, 32;\nand.b32 %r9, %r1, 31;\nsetp.eq.b32 %p4, %r9, 0;\n"
              "st.shared.b32 [x], 0;\nmov.b32 %r5, 0;\nbar.sync 0;\n$loop:\nand.b32 %r7, %r5, 1;\n"
              "add.s32 %r5, %r5, 1;\n@%p3 bra $second;\n"
              "@%p4 mbarrier.arrive.shared.b64 %rd4, [%r4];\nbar.warp.sync 0xffffffff;\n"
              "ld.shared.b32 %r3, [x];\nsetp.eq.b32 %p5, %r3, %r5;\nselp.b32 %r2, 1, 0, %p5;\n"
              "mul.wide.u32 %rd2, %r5, 4;\nadd.s64 %rd3, %rd1, %rd2;\nst.global.b32 [%rd3], %r2;\n"
              "$wait:\nmbarrier.try_wait.parity.shared.b64 %p2, [%r6], %r7;\n@!%p2 bra $wait;\n"
              "bra $next;\n$second:\n"
              "mbarrier.try_wait.parity.shared.b64 %p2, [%r4], %r7;\n@!%p2 bra $second;\n"
              "st.shared.b32 [x], %r5;\nbar.warp.sync 0xffffffff;\n"
              "@%p4 mbarrier.arrive.shared.b64 %rd4, [%r6];\n$next:\n"
              "setp.lt.u32 %p6, %r5, 64;\n@%p6 bra $loop;\n",
              ITEMS);
    for (uint32_t i = 1; i <= 64; i++)
        overwritten += memory[i];
    assert_in_range(overwritten, 8, 56);
}

/* A lane reads what the next one wrote, without a bar.warp.sync between them. */
static void test_ptx_run__lanes_are_not_in_step(void **state) {
    uint32_t missed = 0;
    (void)state;
    check_run(
        ".shared .align 4 .b8 x[128];",
        "shl.b32 %r3, %r1, 2;\nmov.b32 %r4, x;\nadd.s32 %r5, %r3, %r4;\nxor.b32 %r6, %r5, 4;\n"
        "mov.b32 %r7, 0;\nmov.b32 %r2, 0;\n$loop:\nadd.s32 %r7, %r7, 1;\n"
        "bar.warp.sync 0xffffffff;\nst.shared.b32 [%r5], %r7;\nld.shared.b32 %r8, [%r6];\n"
        "setp.eq.b32 %p1, %r8, %r7;\n@%p1 bra $seen;\nadd.s32 %r2, %r2, 1;\n$seen:\n"
        "setp.lt.u32 %p2, %r7, 4000;\n@%p2 bra $loop;\n" STORE_R2,
        32);
    for (uint32_t i = 0; i < 32; i++)
        missed += memory[i];
    assert_in_range(missed, 32, 32 * 400);
}

static void test_ptx_run__arrival_too_many(void **state) {
    (void)state;
    check_fault(
        BARRIER,
        "mov.b32 %r4, b;\nmov.b32 %r5, 2;\nmbarrier.init.shared.b64 [%r4], %r5;\n"
        "mov.b32 %r6, 8;\n{.reg .b64 s; mbarrier.arrive.expect_tx.shared.b64 s, [%r4], %r6;}\n"
        "mbarrier.arrive.shared.b64 %rd4, [%r4];\nmbarrier.arrive.shared.b64 %rd4, [%r4];",
        1, "an arrival too many");
}

/* ---- faults --------------------------------------------------------------------------------- */

static void test_ptx_run__access_outside_of_buffers(void **state) {
    (void)state;
    check_fault("", "st.global.b32 [%rd1+4096], %r1;", 1, "st.global.b32: 4 bytes at 0x");
    check_fault("", "ld.global.b32 %r2, [%rd1+-4];", 1, "are in no buffer");
}

static void test_ptx_run__misaligned_access(void **state) {
    (void)state;
    check_fault("", "ld.global.b64 %rd2, [%rd1+4];", 1, "not a multiple of 8");
}

static void test_ptx_run__access_outside_of_local_memory(void **state) {
    (void)state;
    check_fault(".shared .align 4 .b8 x[16];", "st.shared.b32 [x+16], %r1;", 1,
                "4 bytes at 16 of 16 bytes of local memory");
}

static void test_ptx_run__matrices_that_nobody_has_written(void **state) {
    (void)state;
    check_fault(
        ".shared .align 16 .b8 x[16];",
        "mov.b32 %r9, x;\nldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r2, %r3, %r4, %r5}, [%r9];",
        32, "which nobody has written");
}

static void test_ptx_run__barrier_that_not_all_come_to(void **state) {
    (void)state;
    check_fault("", "setp.lt.u32 %p1, %r1, 32;\n@%p1 bra $out;\nbar.sync 1, 64;\n$out:\n", ITEMS,
                "its warps wait for ever");
}

static void test_ptx_run__lanes_at_different_exchanges(void **state) {
    (void)state;
    check_fault("",
                "setp.lt.u32 %p1, %r1, 16;\n@%p1 bra $low;\nbar.warp.sync 0xffffffff;\nbra $out;\n"
                "$low:\nbar.warp.sync 0xffffffff;\n$out:\n",
                32, "wait for each other");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ptx_parse__unknown_instruction),
        cmocka_unit_test(test_ptx_parse__register_of_another_width),
        cmocka_unit_test(test_ptx_parse__label_that_is_nowhere),
        cmocka_unit_test(test_ptx_parse__malformed_texts),
        cmocka_unit_test(test_ptx_run__lanes_that_part),
        cmocka_unit_test(test_ptx_run__items_write_what_others_read),
        cmocka_unit_test(test_ptx_run__arithmetic),
        cmocka_unit_test(test_ptx_run__product_of_tf32),
        cmocka_unit_test(test_ptx_run__sums_of_products_are_rounded_towards_0),
        cmocka_unit_test(test_ptx_run__products_of_a_warpgroup_end_together),
        cmocka_unit_test(test_ptx_run__products_without_a_fence),
        cmocka_unit_test(test_ptx_run__copies_come_early_or_when_they_are_waited_for),
        cmocka_unit_test(test_ptx_run__copies_that_nobody_waits_for),
        cmocka_unit_test(test_ptx_run__barrier_in_local_memory),
        cmocka_unit_test(test_ptx_run__lanes_that_wait_let_others_go),
        cmocka_unit_test(test_ptx_run__what_is_given_back_may_be_overwritten_at_once),
        cmocka_unit_test(test_ptx_run__lanes_are_not_in_step),
        cmocka_unit_test(test_ptx_run__arrival_too_many),
        cmocka_unit_test(test_ptx_run__access_outside_of_buffers),
        cmocka_unit_test(test_ptx_run__misaligned_access),
        cmocka_unit_test(test_ptx_run__access_outside_of_local_memory),
        cmocka_unit_test(test_ptx_run__matrices_that_nobody_has_written),
        cmocka_unit_test(test_ptx_run__barrier_that_not_all_come_to),
        cmocka_unit_test(test_ptx_run__lanes_at_different_exchanges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
