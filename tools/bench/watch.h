/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * What the machine does while something is timed: how busy others keep it, and whether the processor's
 * speed changes. Where a system does not tell, a value is NaN.
 */
#ifndef TOOLS_BENCH_WATCH_H
#define TOOLS_BENCH_WATCH_H

#include <stddef.h>
#include <stdint.h>

#include "statistics.h"

typedef struct bench_conditions {
    double others;    /* cores that other processes kept busy, on average */
    double mhz[2];    /* the processors' mean clock as the system tells it, before and after */
    double speed_gap; /* of short loops on one core between the rounds: how far the slowest lies
                         behind the fastest, as a share; 0.1 = a tenth slower */
} bench_conditions;

typedef struct bench_watch {
    double start_s, busy_s, own_s, mhz;
    double loop_s[BENCH_MAX_ROUNDS];
    size_t loops;
} bench_watch;

void bench_watch_start(bench_watch *watch);
/* Between the rounds: times the loop; 0.3 ms or so. */
void bench_watch_round(bench_watch *watch);
bench_conditions bench_watch_end(const bench_watch *watch);

/* The processor's name as the system tells it; "" where it does not. */
void bench_processor_name(char *name, size_t size);

#endif
