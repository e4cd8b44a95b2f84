/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The schedule presets (docs/algorithm.md, "Schedule"). */
#include "error.h"

#include <sparsed/sparsed.h>

#include <stdbool.h>
#include <string.h>

enum { MAX_STEPS = 1 << 20 };

static void fill(sparsed_schedule_entry *entries, int64_t first, int64_t end, sparsed_op op) {
    for (int64_t i = first; i < end; i++)
        entries[i] = (sparsed_schedule_entry){.op = op};
}

/* Reads the digits at *text, seven at most, and steps over them. */
static bool read_number(const char **text, int64_t *number) {
    int digits = 0;
    for (*number = 0; **text >= '0' && **text <= '9' && digits < 8; digits++)
        *number = *number * 10 + (*(*text)++ - '0');
    return digits >= 1 && digits <= 7;
}

/* "window:A:B" */
static sparsed_status fill_window(const char *name, sparsed_schedule_entry *entries, int64_t steps,
                                  sparsed_message *message) {
    int64_t first = 0, end = 0;
    const char *text = name + strlen("window:");
    if (!read_number(&text, &first) || *text++ != ':' || !read_number(&text, &end) ||
        *text != '\0' || first >= end || end > steps)
        return spd_fail(message, SPARSED_E_INVALID,
                        "schedule '%s' is not window:A:B with 0 <= A < B <= %lld steps", name,
                        (long long)steps);
    fill(entries, 0, steps, SPARSED_DENSE);
    fill(entries, first, end, SPARSED_SPARSE);
    entries[first].op = SPARSED_BUILD_SPARSE;
    return SPARSED_OK;
}

sparsed_status sparsed_schedule_preset(const char *name, double skip,
                                       sparsed_schedule_entry *entries, uint32_t steps,
                                       sparsed_message *message) {
    spd_message_clear(message);
    if (!name || !entries)
        return spd_fail(message, SPARSED_E_INVALID, "%s is NULL", name ? "entries" : "name");
    if (steps < 1 || steps > MAX_STEPS)
        return spd_fail(message, SPARSED_E_INVALID, "steps is %u, not in 1 to %d", steps,
                        MAX_STEPS);
    if (!(skip >= 0.0 && skip <= 1.0))
        return spd_fail(message, SPARSED_E_INVALID, "skip is %g, not in [0, 1]", skip);
    int64_t n = steps, skipped = (int64_t)((double)steps * skip);
    int64_t build = strcmp(name, "paper") == 0 ? skipped - 1 : skipped + 1;
    if (build < 0)
        build = 0;
    if (strncmp(name, "window:", 7) == 0)
        return fill_window(name, entries, n, message);
    if (strcmp(name, "upstream") == 0 || strcmp(name, "paper") == 0) {
        fill(entries, 0, n, SPARSED_SPARSE);
        fill(entries, 0, build < n ? build : n, SPARSED_DENSE);
        if (build < n)
            entries[build].op = SPARSED_DENSE_BUILD;
    } else if (strcmp(name, "no-dense") == 0) {
        fill(entries, 0, n, SPARSED_SPARSE);
        entries[0].op = SPARSED_BUILD_SPARSE;
    } else if (strcmp(name, "rebuild") == 0) {
        fill(entries, 0, n, SPARSED_BUILD_SPARSE);
        fill(entries, 0, build < n ? build : n, SPARSED_DENSE);
    } else if (strcmp(name, "dense") == 0) {
        fill(entries, 0, n, SPARSED_DENSE);
    } else if (strcmp(name, "warm") == 0) {
        fill(entries, 0, skipped, SPARSED_DENSE);
        fill(entries, skipped, n, SPARSED_SPARSE);
    } else {
        return spd_fail(message, SPARSED_E_INVALID,
                        "schedule '%s' is not upstream, paper, no-dense, rebuild, dense, warm or "
                        "window:A:B",
                        name);
    }
    return SPARSED_OK;
}
