/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../src/size.h"

/* The number with which a file's first line that begins so goes on; UINT64_MAX if there is none. */
static uint64_t read_number(const char *path, const char *begin) {
    uint64_t number = UINT64_MAX;
    char line[128];
    FILE *file = fopen(path, "r");
    if (!file)
        return UINT64_MAX;
    while (fgets(line, sizeof line, file))
        if (strncmp(line, begin, strlen(begin)) == 0) {
            char *end;
            const char *digits = line + strlen(begin);
            const unsigned long long read = strtoull(digits, &end, 10);
            number = end > digits ? read : UINT64_MAX;
            break;
        }
    fclose(file);
    return number;
}

uint64_t memory_available(void) {
    const uint64_t machine_kib = read_number("/proc/meminfo", "MemAvailable:");
    /* The limit of the control group that a container is, or "max". */
    const uint64_t container = read_number("/sys/fs/cgroup/memory.max", "");
    return spd_min(machine_kib < UINT64_MAX >> 10 ? machine_kib << 10 : UINT64_MAX, container);
}
