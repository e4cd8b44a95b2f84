/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* What figures are warned of, at the bounds that docs/bench.md tells. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bench/findings.h"

enum { ROWS = 2 };

static const bench_shape shape = {.name = "tiny"};

/* One problem on one device, of two passes, with nothing to warn of. */
typedef struct quiet_results {
    bench_options options; /* no selection: no crossovers */
    bench_problem problem;
    bench_device_results device;
    bench_results results;
    bench_row rows[ROWS];
    bench_table table;
} quiet_results;

static void fill(quiet_results *q) {
    *q = (quiet_results){
        .problem = {.shape = &shape,
                    .dtype = SPARSED_BF16,
                    .length = 512,
                    .measured = {.conditions = {.others = 0.25,
                                                .speed_gap = 0.1,
                                                .mhz = {1000.0, 1040.0}}}},
        .device = {.info = {.selector = "cpu"},
                   .problems = &q->problem,
                   .problem_count = 1,
                   .peaks = {{.kernel = "cpu-plain",
                              .dtype = SPARSED_BF16,
                              .best = {.flops = 1e9},
                              .least_flops = 0.96e9}},
                   .peak_count = 1},
        .results = {.options = &q->options, .devices = &q->device, .device_count = 1},
        .table = {.rows = q->rows, .count = ROWS}};
    for (size_t i = 0; i < ROWS; i++)
        q->rows[i] = (bench_row){.source = "sparsed",
                                 .selector = "cpu",
                                 .pass = i == 0 ? "dense" : "sparse",
                                 .ms = {.spread = 0.1},
                                 .of_peak = 1.0};
}

/* The one warning there is, and that it says so; kind NULL: there is none. */
static void check_warning(const quiet_results *q, const char *kind, const char *text) {
    bench_findings findings;
    tool_error error;
    if (!bench_findings_make(&q->results, &q->table, NULL, NULL, &findings, &error))
        fail_msg("%s", error.text);
    assert_int_equal(findings.warning_count, kind ? 1 : 0);
    if (kind) {
        assert_string_equal(findings.warnings[0].kind, kind);
        if (!strstr(findings.warnings[0].text, text))
            fail_msg("'%s' is not in: %s", text, findings.warnings[0].text);
    }
    bench_findings_free(&findings);
}

static void test_bench_findings_make__nothing_to_warn_of(void **state) {
    quiet_results q;
    (void)state;
    fill(&q);
    check_warning(&q, NULL, NULL);
    /* What the system does not tell. */
    q.problem.measured.conditions = (bench_conditions){NAN, {NAN, NAN}, NAN};
    q.rows[0].of_peak = q.rows[1].of_peak = NAN;
    q.device.peaks[0].best.flops = q.device.peaks[0].least_flops = 0.0;
    check_warning(&q, NULL, NULL);
}

static void test_bench_findings_make__others_kept_cores_busy(void **state) {
    quiet_results q;
    (void)state;
    fill(&q);
    q.problem.measured.conditions.others = 0.26;
    check_warning(&q, "load", "cpu, tiny bf16, 512 rows: other processes kept 0.3 cores busy");
}

static void test_bench_findings_make__the_clock_changed(void **state) {
    quiet_results q;
    (void)state;
    fill(&q);
    q.problem.measured.conditions.speed_gap = 0.11;
    check_warning(&q, "clock", "cpu, tiny bf16, 512 rows: a core ran up to 11 % slower");
    fill(&q);
    q.problem.measured.conditions.mhz[1] = 940.0;
    check_warning(&q, "clock", "was 1000 MHz before and 940 after");
    q.problem.measured.conditions.mhz[1] = 1060.0;
    check_warning(&q, "clock", "was 1000 MHz before and 1060 after");
}

static void test_bench_findings_make__the_peak_is_in_doubt(void **state) {
    quiet_results q;
    (void)state;
    fill(&q);
    q.device.peaks[0].least_flops = 0.94e9;
    check_warning(&q, "peak", "cpu: the peak of cpu-plain with bf16, measured several times");
    fill(&q);
    q.rows[0].of_peak = 1.01;
    q.rows[1].of_peak = 1.25;
    check_warning(&q, "peak", "cpu: a rate is 1.25 of the peak");
}

static void test_bench_findings_make__passes_spread(void **state) {
    quiet_results q;
    (void)state;
    fill(&q);
    q.rows[1].ms.spread = 0.11;
    check_warning(&q, "spread", "1 pass spreads over more than 10 % of the median; sparse");
    q.rows[0].ms.spread = 0.2;
    check_warning(&q, "spread", "2 passes spread over more than 10 % of the median; dense");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bench_findings_make__nothing_to_warn_of),
        cmocka_unit_test(test_bench_findings_make__others_kept_cores_busy),
        cmocka_unit_test(test_bench_findings_make__the_clock_changed),
        cmocka_unit_test(test_bench_findings_make__the_peak_is_in_doubt),
        cmocka_unit_test(test_bench_findings_make__passes_spread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
