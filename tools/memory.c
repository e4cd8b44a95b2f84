/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "memory.h"

#include <stdio.h>

#include "../src/size.h"

/* MemAvailable of the whole machine (Linux). */
static uint64_t machine_bytes(void) {
    unsigned long long kib;
    uint64_t bytes = UINT64_MAX;
    char line[128];
    FILE *file = fopen("/proc/meminfo", "r");
    if (!file)
        return UINT64_MAX;
    while (bytes == UINT64_MAX && fgets(line, sizeof line, file))
        if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1)
            bytes = (uint64_t)kib << 10;
    fclose(file);
    return bytes;
}

/* The limit of the control group that a container is; "max" is none. */
static uint64_t container_bytes(void) {
    unsigned long long bytes;
    FILE *file = fopen("/sys/fs/cgroup/memory.max", "r");
    if (!file)
        return UINT64_MAX;
    const bool limited = fscanf(file, "%llu", &bytes) == 1;
    fclose(file);
    return limited ? bytes : UINT64_MAX;
}

uint64_t memory_available(void) {
    return spd_min(machine_bytes(), container_bytes());
}
