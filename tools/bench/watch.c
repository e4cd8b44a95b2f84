/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "watch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

enum { LOOP_TURNS = 1 << 17, LOOP_REPEATS = 3 };

/* Processor seconds of the whole machine that were not idle. */
static double machine_busy(void) {
    char line[512];
    double busy = NAN;
    FILE *file = fopen("/proc/stat", "r");
    if (!file)
        return NAN;
    /* user nice system idle iowait irq softirq steal */
    if (fgets(line, sizeof line, file) && strncmp(line, "cpu ", 4) == 0) {
        const char *at = line + 4;
        double ticks = 0.0;
        for (int i = 0; i < 8; i++) {
            char *end;
            const double value = strtod(at, &end);
            ticks += i == 3 || i == 4 ? 0.0 : value;
            at = end;
        }
        busy = ticks / (double)sysconf(_SC_CLK_TCK);
    }
    fclose(file);
    return busy;
}

static double own_seconds(void) {
    struct timespec t;
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) != 0)
        return NAN;
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* The value behind "KEY : " of a line of /proc/cpuinfo; NULL: another key. */
static const char *cpuinfo_value(const char *line, const char *key) {
    const char *colon = strncmp(line, key, strlen(key)) == 0 ? strchr(line, ':') : NULL;
    return colon ? colon + 1 + strspn(colon + 1, " ") : NULL;
}

static double mean_mhz(void) {
    char line[1024];
    double sum = 0.0;
    int count = 0;
    FILE *file = fopen("/proc/cpuinfo", "r");
    while (file && fgets(line, sizeof line, file)) {
        const char *value = cpuinfo_value(line, "cpu MHz");
        sum += value ? strtod(value, NULL) : 0.0;
        count += value != NULL;
    }
    if (file)
        fclose(file);
    return count > 0 ? sum / count : NAN;
}

void bench_processor_name(char *name, size_t size) {
    char line[1024];
    FILE *file = fopen("/proc/cpuinfo", "r");
    name[0] = '\0';
    while (file && !name[0] && fgets(line, sizeof line, file)) {
        const char *value = cpuinfo_value(line, "model name");
        if (value)
            snprintf(name, size, "%.*s", (int)strcspn(value, "\n"), value);
    }
    if (file)
        fclose(file);
}

/* Each product needs the one before it: as many clock cycles every time. */
static double time_loop(void) {
    double best = INFINITY;
    for (int repeat = 0; repeat < LOOP_REPEATS; repeat++) {
        static volatile uint64_t sink;
        uint64_t x = sink | 1;
        const double start = clock_seconds();
        for (int i = 0; i < LOOP_TURNS; i++)
            x = x * 0x9e3779b97f4a7c15u + 1u;
        sink = x;
        best = fmin(best, clock_seconds() - start);
    }
    return best;
}

void bench_watch_start(bench_watch *watch) {
    *watch = (bench_watch){.start_s = clock_seconds(),
                           .busy_s = machine_busy(),
                           .own_s = own_seconds(),
                           .mhz = mean_mhz()};
}

void bench_watch_round(bench_watch *watch) {
    if (watch->loops < BENCH_MAX_ROUNDS)
        watch->loop_s[watch->loops++] = time_loop();
}

bench_conditions bench_watch_end(const bench_watch *watch) {
    const double seconds = clock_seconds() - watch->start_s;
    const double busy = machine_busy() - watch->busy_s, own = own_seconds() - watch->own_s;
    bench_conditions c = {.mhz = {watch->mhz, mean_mhz()}, .others = NAN, .speed_gap = NAN};
    /* Ticks of the system are 10 ms: too coarse for less. */
    if (seconds >= 0.2 && isfinite(busy - own))
        c.others = fmax(0.0, (busy - own) / seconds);
    if (watch->loops > 1) {
        const bench_statistics s = bench_statistics_of(watch->loop_s, watch->loops);
        c.speed_gap = s.most / s.least - 1.0;
    }
    return c;
}
