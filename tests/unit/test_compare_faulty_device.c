/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* compare/run_case.c on a device of which one call goes wrong: the linker puts it in the library's place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "compare/run_case.h"
#include "compare/suite.h"
#include "compare/verdict.h"

typedef enum tensor { OUT, LSE, SCORES } tensor;

/* What call `nth` (from 0) does with the first element of a tensor. */
static struct {
    int nth;
    bool skips; /* does not write it; else changes its least bit */
    tensor what;
    int calls;
} fault;

/* The linker makes these names. */
sparsed_status __real_sparsed_plan_run(sparsed_plan *plan, sparsed_op op, const sparsed_io *io,
                                       sparsed_kept *kept);
sparsed_status __wrap_sparsed_plan_run(sparsed_plan *plan, sparsed_op op, const sparsed_io *io,
                                       sparsed_kept *kept);

sparsed_status __wrap_sparsed_plan_run(sparsed_plan *plan, sparsed_op op, const sparsed_io *io,
                                       sparsed_kept *kept) {
    if (fault.calls++ != fault.nth)
        return __real_sparsed_plan_run(plan, op, io, kept);
    uint32_t *element = fault.what == OUT   ? io->out.mem
                        : fault.what == LSE ? io->lse.mem
                                            : io->scores.mem;
    const uint32_t before = *element;
    sparsed_status status = __real_sparsed_plan_run(plan, op, io, kept);
    *element = fault.skips ? before : *element ^ 1u;
    return status;
}

/* Each operation is called and then called again. */
static void run(int nth, bool skips, tensor what, record *r) {
    sparsed_context *context;
    case_input input;
    tool_error error;
    size_t i = 0;
    while (suite_at(i)->kind != GENERATOR_NORMAL || suite_at(i)->shape->dtype != SPARSED_F32)
        i++;
    *r = (record){.case_count = 1};
    r->cases = record_room(r, 1, sizeof *r->cases);
    assert_non_null(r->cases);
    assert_int_equal(sparsed_context_create(NULL, &context, NULL), SPARSED_OK);
    fault.nth = nth;
    fault.skips = skips;
    fault.what = what;
    fault.calls = 0;
    if (!case_input_generate(suite_at(i), SUITE_SEED, &input, &error) ||
        !run_case(context, &input, (case_repeats){1, 0.0}, r, &r->cases[0], &error))
        fail_msg("%s", error.text);
    assert_string_equal(r->cases[0].failure, "");
    assert_int_equal(fault.calls, 2 * RECORD_OPS);
    case_input_free(&input);
    sparsed_context_destroy(context);
}

static void test_run_case__sees_a_result_that_is_not_the_same_again(void **state) {
    static const struct {
        record_op op;
        tensor what;
    } rows[] = {{RECORD_DENSE, OUT},      {RECORD_BUILD, LSE},        {RECORD_BUILD, SCORES},
                {RECORD_SPARSE_OWN, OUT}, {RECORD_SPARSE_FIXED, LSE}, {RECORD_OPS, OUT}};
    (void)state;
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        record r;
        run(2 * (int)rows[k].op + 1, false, rows[k].what, &r);
        for (int op = 0; op < RECORD_OPS; op++)
            assert_int_equal(r.cases[0].runs[op].repeatable, op != (int)rows[k].op);
        record_free(&r);
    }
}

/* What an earlier call has left is not taken for a result: it may well be right. */
static void test_run_case__sees_an_element_that_is_not_written(void **state) {
    (void)state;
    for (int what = OUT; what <= SCORES; what++) {
        record r;
        run(2 * RECORD_BUILD, true, (tensor)what, &r);
        const record_run *build = &r.cases[0].runs[RECORD_BUILD];
        const uint64_t odd[] = {build->out_errors.nonfinite, build->lse_errors.nonfinite,
                                build->scores_errors.nonfinite};
        for (int i = OUT; i <= SCORES; i++)
            assert_int_equal(odd[i], i == what);
        assert_false(build->repeatable);
        assert_int_equal(verdict_of_case(&r.cases[0]), VERDICT_FAIL);
        record_free(&r);

        run(2 * RECORD_BUILD + 1, true, (tensor)what, &r);
        assert_false(r.cases[0].runs[RECORD_BUILD].repeatable);
        record_free(&r);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_case__sees_a_result_that_is_not_the_same_again),
        cmocka_unit_test(test_run_case__sees_an_element_that_is_not_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
