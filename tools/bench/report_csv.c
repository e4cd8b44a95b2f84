/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The rows as RFC 4180 has them, but for line ends. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report.h"

static void print_text(const char *text) {
    if (!text || !text[strcspn(text, ",\"\n\r")]) {
        printf("%s,", text ? text : "");
        return;
    }
    putchar('"');
    for (; *text; text++)
        printf(*text == '"' ? "\"\"" : "%c", *text);
    printf("\",");
}

static void print_number(double value) {
    printf("%s,", bench_number_of("%.9g", value).text);
}

static void print_bytes(uint64_t bytes) {
    print_number(bytes > 0 ? (double)bytes : NAN);
}

static void print_row(const bench_row *row) {
    const char *const texts[] = {row->source,
                                 row->device,
                                 row->selector,
                                 row->tensors,
                                 row->shape,
                                 row->dtype,
                                 row->pass,
                                 row->kernel,
                                 row->mode,
                                 row->pattern,
                                 bench_change_name(row->verdict)};
    const size_t texts_before = sizeof texts / sizeof *texts - 1;
    for (size_t i = 0; i < texts_before; i++)
        print_text(texts[i]);
    printf("%u,%u,%u,%u,%llu,%llu,%u,%u,", row->threads, row->heads, row->kv_heads, row->head_dim,
           (unsigned long long)row->length, (unsigned long long)row->gen_length, row->block_q,
           row->block_k);
    print_number(row->ratio > 0.0 ? row->ratio : NAN);
    print_number(row->density);
    printf("%zu,", row->ms.count);
    print_number(row->ms.median);
    print_number(row->ms.least);
    print_number(row->ms.most);
    print_number(row->ms.spread);
    print_number(row->flops);
    print_number(row->flops_as_dense);
    print_number(row->of_peak);
    print_number(row->of_dense);
    print_bytes(row->tensor_bytes);
    print_bytes(row->scratch_bytes);
    print_bytes(row->kept_bytes);
    print_number(row->before_ms);
    print_number(row->change);
    printf("%s\n", texts[texts_before]);
}

void bench_print_csv(const bench_report *report) {
    printf("source,device,selector,tensors,shape,dtype,pass,kernel,mode,pattern,threads,heads,"
           "kv_heads,head_dim,length,gen_length,block_q,block_k,ratio,density,rounds,median_ms,"
           "least_ms,most_ms,spread,flops_per_s,flops_per_s_as_dense,of_peak,of_dense,tensor_bytes,"
           "scratch_bytes,kept_bytes,before_ms,change,verdict\n");
    for (size_t i = 0; i < report->table->count; i++)
        print_row(&report->table->rows[i]);
    for (size_t i = 0; i < report->results->device_count; i++) {
        const bench_device_results *d = &report->results->devices[i];
        char before[sizeof d->info.selector + 2];
        snprintf(before, sizeof before, "%s: ", d->info.selector);
        bench_print_refused(d, before, stderr);
    }
    bench_print_warnings(report, stderr);
    if (report->tuning)
        bench_tune_print(report->tuning, stderr);
}
