/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "report.h"

#include <stdio.h>
#include <string.h>

const char bench_estimate_note[] =
    "An estimate: composed of one layer's median times and the time given for the rest of a layer. What "
    "runs once a step (embedding, sampling), what changes with the step, and what the two disturb in "
    "each other is left out.";

const char bench_rates_note[] =
    "Rates count 4 D operations a query-key pair attended, 2 D in a build alone; as dense: what a dense "
    "pass would have to make in the same time. Block scores, softmax and copies count as no operations.";

const char bench_baseline_note[] =
    "Faster, slower: the larger of the two medians is more than 2 % above the smaller one, and by more than "
    "both spreads together; else the same. In brackets: now / before.";

void bench_print_warnings(const bench_report *report, FILE *to) {
    for (size_t i = 0; i < report->findings->warning_count; i++)
        fprintf(to, "warning: %s: %s\n", report->findings->warnings[i].kind,
                report->findings->warnings[i].text);
}

void bench_print_refused(const bench_device_results *device, const char *before, FILE *to) {
    for (size_t i = 0; i < device->refused_count; i++)
        fprintf(to, "%srefused: %s (%s)\n", before, device->refused[i].name,
                device->refused[i].verdict);
}

void bench_baseline_text(const bench_table *table, char *text, size_t size) {
    size_t counts[BENCH_SLOWER + 1] = {0};
    for (size_t i = 0; i < table->count; i++)
        counts[table->rows[i].verdict] += strcmp(table->rows[i].source, "sparsed") == 0;
    snprintf(text, size, "%zu faster, %zu slower, %zu the same, %zu not in it",
             counts[BENCH_FASTER], counts[BENCH_SLOWER], counts[BENCH_SAME],
             counts[BENCH_NOT_COMPARED]);
}

static bool runs_driver(const bench_device_results *device) {
    if (device->info.kind != SPARSED_DEVICE_CPU)
        return true;
    for (size_t i = 0; i < device->peak_count; i++)
        if (strcmp(device->peaks[i].kernel, "cpu-blas") == 0)
            return true;
    return false;
}

void bench_device_text(const bench_device_results *device, char *text, size_t size) {
    char units[32];
    const sparsed_device_info *info = &device->info;
    const bool driver = runs_driver(device) && info->driver[0];
    device_units_text(info, units, sizeof units);
    snprintf(text, size, "%s%s%s%s%s; tensors %s", units, info->isa[0] ? ", " : "", info->isa,
             driver ? "; " : "", driver ? info->driver : "",
             device->resident ? "on the device, times by its clock" : "in host memory");
}

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

/* With so many digits behind the point. */
static bench_number bytes_to(double bytes, int digits) {
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    bench_number n;
    size_t unit = 0;
    while (bytes >= 1023.95 && unit + 1 < sizeof units / sizeof *units) {
        bytes /= 1024.0;
        unit++;
    }
    snprintf(n.text, sizeof n.text, "%.*f %s", unit > 0 ? digits : 0, bytes, units[unit]);
    return n;
}

bench_number bench_bytes_of(double bytes) {
    return bytes_to(bytes, 1);
}

void bench_bytes_apart(double a, double b, bench_number *a_text, bench_number *b_text) {
    int digits = 0;
    do {
        digits++;
        *a_text = bytes_to(a, digits);
        *b_text = bytes_to(b, digits);
    } while (digits < 9 && a != b && strcmp(a_text->text, b_text->text) == 0);
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
