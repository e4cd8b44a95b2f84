/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Lists of numbers; see number_list.h. */
#include "number_list.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Digits alone, below limit; *text moves behind them. */
static bool read_number(const char **text, uint32_t limit, uint32_t *number) {
    uint64_t value = 0;
    const char *at = *text;
    if (*at < '0' || *at > '9')
        return false;
    for (; *at >= '0' && *at <= '9'; at++) {
        value = value * 10 + (uint64_t)(*at - '0');
        if (value >= limit)
            return false;
    }
    *text = at;
    *number = (uint32_t)value;
    return true;
}

/* Marks what the text lists in seen[0 .. limit-1]. */
static bool mark(const char *text, uint32_t limit, unsigned char *seen) {
    for (;;) {
        uint32_t first, last;
        if (!read_number(&text, limit, &first))
            return false;
        last = first;
        if (*text == '-') {
            text++;
            if (!read_number(&text, limit, &last) || last < first)
                return false;
        }
        memset(seen + first, 1, (size_t)(last - first) + 1);
        if (*text == '\0')
            return true;
        if (*text++ != ',')
            return false;
    }
}

bool number_list_parse(const char *option, const char *text, const char *example, uint32_t limit,
                       number_list *list, tool_error *error) {
    *list = (number_list){NULL, 0};
    if (!text || strcmp(text, "all") == 0)
        return true;
    bool done = false;
    unsigned char *seen = calloc(limit, 1);
    if (!seen)
        return tool_fail(error, "out of memory for --%s", option);
    if (!mark(text, limit, seen)) {
        tool_fail_usage(error, "--%s is '%s', not a list such as %s of numbers below %u", option,
                        text, example, limit);
        goto done;
    }
    for (uint32_t i = 0; i < limit; i++)
        list->count += seen[i];
    list->numbers = malloc(list->count * sizeof *list->numbers);
    if (!list->numbers) {
        tool_fail(error, "out of memory for --%s", option);
        goto done;
    }
    for (uint32_t i = 0, n = 0; i < limit; i++)
        if (seen[i])
            list->numbers[n++] = i;
    done = true;
done:
    free(seen);
    return done;
}

void number_list_free(number_list *list) {
    free(list->numbers);
    *list = (number_list){NULL, 0};
}

bool number_list_has(const number_list *list, uint32_t number) {
    if (!list->numbers)
        return true;
    size_t low = 0, high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (list->numbers[middle] < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < list->count && list->numbers[low] == number;
}

static size_t count_commas(const char *text) {
    size_t count = 0;
    for (; *text; text++)
        count += *text == ',';
    return count;
}

bool real_list_parse(const char *option, const char *text, real_list *list, tool_error *error) {
    *list = (real_list){calloc(count_commas(text) + 1, sizeof *list->numbers), 0};
    if (!list->numbers)
        return tool_fail(error, "out of memory for --%s", option);
    for (const char *at = text;; at++) {
        char *end;
        const double number = strtod(at, &end);
        if (end == at || (*end && *end != ',') || !isfinite(number)) {
            real_list_free(list);
            return tool_fail_usage(error, "--%s is '%s', not a list of numbers such as 0.1,0.3",
                                   option, text);
        }
        list->numbers[list->count++] = number;
        at = end;
        if (!*at)
            return true;
    }
}

void real_list_free(real_list *list) {
    free(list->numbers);
    *list = (real_list){NULL, 0};
}

void number_list_print(const uint32_t *numbers, size_t count, char *text, size_t size_bytes) {
    enum { LONGEST = 32 }; /* a separator, a range, and the dots */
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0, next; i < count; i = next) {
        const char *comma = i > 0 ? "," : "";
        for (next = i + 1; next < count && numbers[next] == numbers[next - 1] + 1;)
            next++;
        if (size_bytes - used < LONGEST) {
            snprintf(text + used, size_bytes - used, "%s...", comma);
            return;
        }
        int length = next - i > 1
                         ? snprintf(text + used, size_bytes - used, "%s%u-%u", comma, numbers[i],
                                    numbers[next - 1])
                         : snprintf(text + used, size_bytes - used, "%s%u", comma, numbers[i]);
        used += (size_t)length;
    }
}
