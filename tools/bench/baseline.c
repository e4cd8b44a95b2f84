/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "baseline.h"

#include <math.h>
#include <string.h>

#include "given_file.h"
#include "json_file.h"

static const size_t max_bytes = (size_t)64 << 20;
static const double least_change = 0.02;

/* ---- keys ---- */

static bool has_text(const cJSON *row, const char *key, const char *text) {
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(row, key);
    return cJSON_IsString(value) && strcmp(value->valuestring, text) == 0;
}

static bool has_number(const cJSON *row, const char *key, double number) {
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(row, key);
    return cJSON_IsNumber(value) && fabs(value->valuedouble - number) <= 1e-9 * fabs(number);
}

static bool fits(const cJSON *row, const bench_key *k) {
    return has_text(row, "source", "sparsed") && has_text(row, "device", k->device) &&
           has_text(row, "tensors", k->tensors) && has_number(row, "threads", k->threads) &&
           has_text(row, "dtype", k->dtype) && has_text(row, "pass", k->pass) &&
           has_text(row, "mode", k->mode) && has_text(row, "pattern", k->pattern) &&
           has_number(row, "heads", k->heads) && has_number(row, "kv_heads", k->kv_heads) &&
           has_number(row, "head_dim", k->head_dim) && has_number(row, "block_q", k->block_q) &&
           has_number(row, "block_k", k->block_k) && has_number(row, "length", (double)k->length) &&
           has_number(row, "ratio", k->ratio);
}

/* ---- reading ---- */

/* The statistics that a row must have. */
static bool read_statistics(const cJSON *row, bench_statistics *ms) {
    const cJSON *object = cJSON_GetObjectItemCaseSensitive(row, "ms");
    const struct {
        const char *key;
        double *value;
    } values[] = {{"median", &ms->median},
                  {"least", &ms->least},
                  {"most", &ms->most},
                  {"spread", &ms->spread}};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, values[i].key);
        if (!cJSON_IsNumber(value) || !isfinite(value->valuedouble) || value->valuedouble < 0.0)
            return false;
        *values[i].value = value->valuedouble;
    }
    ms->count = 0;
    return ms->median > 0.0;
}

static bool check_rows(const bench_baseline *b, tool_error *error) {
    const cJSON *row;
    size_t index = 0;
    cJSON_ArrayForEach(row, b->rows) {
        bench_statistics ms;
        if (!read_statistics(row, &ms))
            return tool_fail(error, "%s: rows[%zu] has no \"ms\" with median, least, most, spread",
                             b->path, index);
        index++;
    }
    return true;
}

static bool read_root(bench_baseline *b, tool_error *error) {
    char text[JSON_DESCRIBE_BYTES];
    const cJSON *format = cJSON_GetObjectItemCaseSensitive(b->root, "sparsed_bench");
    b->rows = cJSON_GetObjectItemCaseSensitive(b->root, "rows");
    if (!cJSON_IsNumber(format))
        return tool_fail(error, "%s: \"sparsed_bench\" is missing", b->path);
    json_describe(format, text);
    if (format->valuedouble != BENCH_FORMAT)
        return tool_fail(error, "%s: \"sparsed_bench\": %s, this command reads %d", b->path, text,
                         BENCH_FORMAT);
    if (!cJSON_IsArray(b->rows))
        return tool_fail(error, "%s: \"rows\" is no array", b->path);
    return check_rows(b, error);
}

bool bench_baseline_read(const char *path, bench_baseline *baseline, tool_error *error) {
    const bench_given_file file = {"baseline", "what `sparsed bench --json` prints", path};
    tool_error fault;
    *baseline = (bench_baseline){.path = path, .root = bench_given_read(&file, max_bytes, error)};
    if (!baseline->root)
        return false;
    if (read_root(baseline, &fault))
        return true;
    bench_baseline_free(baseline);
    return bench_given_refuse(&file, &fault, error);
}

void bench_baseline_free(bench_baseline *baseline) {
    cJSON_Delete(baseline->root);
    *baseline = (bench_baseline){.root = NULL};
}

bool bench_baseline_find(const bench_baseline *baseline, const bench_key *key, bench_statistics *ms,
                         const char **kernel) {
    const cJSON *row;
    cJSON_ArrayForEach(row, baseline->rows) {
        const cJSON *name = cJSON_GetObjectItemCaseSensitive(row, "kernel");
        if (!fits(row, key))
            continue;
        *kernel = cJSON_IsString(name) ? name->valuestring : "";
        return read_statistics(row, ms);
    }
    return false;
}

/* ---- comparing ---- */

double bench_noise(const bench_statistics *a, const bench_statistics *b) {
    return fmax(least_change, a->spread + b->spread);
}

bench_change bench_compare(const bench_statistics *before, const bench_statistics *now) {
    const double times = now->median / before->median;
    if (fmax(times, 1.0 / times) <= 1.0 + bench_noise(before, now))
        return BENCH_SAME;
    return times < 1.0 ? BENCH_FASTER : BENCH_SLOWER;
}

const char *bench_change_name(bench_change change) {
    static const char *const names[] = {"not compared", "same", "faster", "slower"};
    return names[change];
}
