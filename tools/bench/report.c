/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "report.h"

#include <stdio.h>

const char bench_estimate_note[] =
    "An estimate: composed of one layer's median times and the time given for the rest of a layer. What "
    "runs once a step (embedding, sampling), what changes with the step, and what the two disturb in "
    "each other is left out.";

const char bench_rates_note[] =
    "Rates count 4 D operations a query-key pair attended, 2 D in a build alone; as dense: what a dense "
    "pass would have to make in the same time. Block scores, softmax and copies count as no operations.";

bench_number bench_blocks_of(const bench_row *row) {
    bench_number n = {""};
    if (row->block_q > 0)
        snprintf(n.text, sizeof n.text, "%ux%u", row->block_q, row->block_k);
    return n;
}

bench_number bench_rate_of(double flops) {
    return flops < 1e13 ? bench_number_of("%.1f GF/s", flops * 1e-9)
                        : bench_number_of("%.1f TF/s", flops * 1e-12);
}

bench_number bench_bytes_of(double bytes) {
    static const char *const formats[] = {"%.0f B", "%.1f KiB", "%.1f MiB", "%.1f GiB", "%.1f TiB"};
    size_t unit = 0;
    while (bytes >= 1023.95 && unit + 1 < sizeof formats / sizeof *formats) {
        bytes /= 1024.0;
        unit++;
    }
    return bench_number_of(formats[unit], bytes);
}

void bench_schedule_text(const bench_results *results, char *text, size_t size) {
    static const char *const kinds[BENCH_STEP_KINDS] = {"dense", "dense+build", "build", "sparse",
                                                        "build+sparse"};
    const bench_options *o = results->options;
    int used = snprintf(text, size, "%s, T %llu, skip %g:", o->schedule,
                        (unsigned long long)o->words.steps, o->skip);
    const char *comma = "";
    for (int i = 0; i < BENCH_STEP_KINDS && used >= 0 && (size_t)used < size; i++)
        if (results->steps.steps[i] > 0) {
            used += snprintf(text + used, size - (size_t)used, "%s %llu %s", comma,
                             (unsigned long long)results->steps.steps[i], kinds[i]);
            comma = ",";
        }
}
