/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "peers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "given_file.h"
#include "json_keys.h"

enum { FORMAT = 1, MOST = INT32_MAX };

static const size_t max_bytes = (size_t)16 << 20;

static bool read_text(const json_keys *keys, const char *key, const char **text) {
    return json_keys_string_or(keys, key, NULL, text) &&
           (*text ? true : json_keys_missing(keys, key));
}

static bool read_pass(const json_keys *keys, bench_peer_row *row) {
    return read_text(keys, "pass", &row->pass) &&
           (strcmp(row->pass, "dense") == 0 || strcmp(row->pass, "sparse") == 0
                ? true
                : json_keys_fail(keys, "pass", "is not dense or sparse"));
}

/* The tables tell rows apart by their names: none may pass for one that was measured here. */
static bool read_name(const json_keys *keys, bench_peer_row *row) {
    static const char own[] = "sparsed";
    if (!read_text(keys, "name", &row->name))
        return false;
    const char *name = row->name + strspn(row->name, " ");
    if (!*name)
        return json_keys_fail(keys, "name", "names nothing");
    const bool is_own = strncasecmp(name, own, sizeof own - 1) == 0 &&
                        strspn(name + sizeof own - 1, " ") == strlen(name + sizeof own - 1);
    return is_own ? json_keys_fail(keys, "name", "is what rows measured here are called") : true;
}

/* A dense pass attends to everything; a sparse one leaves out whole blocks. */
static bool check_pass(const json_keys *keys, const bench_peer_row *row) {
    const bool is_dense = strcmp(row->pass, "dense") == 0;
    if (row->density > 1.0)
        return json_keys_fail(keys, "density", "is above 1");
    if (is_dense && row->density < 1.0)
        return json_keys_fail(keys, "density", "is not 1, of a dense pass");
    if (!is_dense && row->block_q == 0)
        return json_keys_fail(keys, "block_q", "is no block of a sparse pass");
    if (!is_dense && row->block_k == 0)
        return json_keys_fail(keys, "block_k", "is no block of a sparse pass");
    return true;
}

static bool read_row(const json_keys *keys, bench_peer_row *row) {
    uint32_t length, rounds;
    if (!read_name(keys, row) || !read_pass(keys, row) || !read_text(keys, "dtype", &row->dtype) ||
        !json_keys_uint_or(keys, "threads", 0, MOST, 0, &row->threads) ||
        !json_keys_uint(keys, "heads", 1, MOST, &row->heads) ||
        !json_keys_uint(keys, "kv_heads", 1, MOST, &row->kv_heads) ||
        !json_keys_uint(keys, "head_dim", 1, MOST, &row->head_dim) ||
        !json_keys_uint(keys, "length", 1, MOST, &length) ||
        !json_keys_uint_or(keys, "block_q", 0, MOST, 0, &row->block_q) ||
        !json_keys_uint_or(keys, "block_k", 0, MOST, 0, &row->block_k) ||
        !json_keys_positive(keys, "density", &row->density) ||
        !json_keys_uint(keys, "rounds", 1, MOST, &rounds) ||
        !json_keys_positive(keys, "median_ms", &row->ms.median) ||
        !json_keys_positive(keys, "least_ms", &row->ms.least) ||
        !json_keys_positive(keys, "most_ms", &row->ms.most))
        return false;
    row->length = length;
    row->ms.count = rounds;
    if (row->ms.least > row->ms.median)
        return json_keys_fail(keys, "least_ms", "is above its \"median_ms\"");
    if (row->ms.median > row->ms.most)
        return json_keys_fail(keys, "median_ms", "is above its \"most_ms\"");
    /* They tell no quartiles: the whole width stands for the middle half's. */
    row->ms.spread = (row->ms.most - row->ms.least) / row->ms.median;
    return check_pass(keys, row);
}

static bool read_rows(bench_peers *p, const cJSON *rows, tool_error *error) {
    const cJSON *object;
    char prefix[32];
    p->rows = calloc((size_t)cJSON_GetArraySize(rows) + 1, sizeof *p->rows);
    if (!p->rows)
        return tool_fail(error, "%s: out of memory", p->path);
    cJSON_ArrayForEach(object, rows) {
        snprintf(prefix, sizeof prefix, "rows[%zu].", p->count);
        const json_keys keys = {object, p->path, prefix, error};
        if (!cJSON_IsObject(object))
            return tool_fail(error, "%s: rows[%zu] is no object", p->path, p->count);
        if (!read_row(&keys, &p->rows[p->count]))
            return false;
        p->count++;
    }
    return true;
}

static int compare_numbers(double a, double b) {
    return (a > b) - (a < b);
}

/* By what tells rows apart: all but the times. */
static int compare_rows(const bench_peer_row *a, const bench_peer_row *b) {
    const double numbers[][2] = {{a->threads, b->threads},
                                 {a->heads, b->heads},
                                 {a->kv_heads, b->kv_heads},
                                 {a->head_dim, b->head_dim},
                                 {(double)a->length, (double)b->length},
                                 {a->block_q, b->block_q},
                                 {a->block_k, b->block_k},
                                 {a->density, b->density}};
    int order = strcmp(a->name, b->name);
    order = order ? order : strcmp(a->pass, b->pass);
    order = order ? order : strcmp(a->dtype, b->dtype);
    for (size_t i = 0; order == 0 && i < sizeof numbers / sizeof *numbers; i++)
        order = compare_numbers(numbers[i][0], numbers[i][1]);
    return order;
}

/* Of the same rows the first in the file comes first. */
static int compare_places(const void *a, const void *b) {
    const bench_peer_row *const *first = a, *const *second = b;
    const int order = compare_rows(*first, *second);
    return order ? order : (*first > *second) - (*first < *second);
}

static bool check_no_row_twice(const bench_peers *p, tool_error *error) {
    const bench_peer_row **sorted = calloc(p->count + 1, sizeof *sorted);
    bool done = true;
    if (!sorted)
        return tool_fail(error, "%s: out of memory", p->path);
    for (size_t i = 0; i < p->count; i++)
        sorted[i] = &p->rows[i];
    qsort(sorted, p->count, sizeof *sorted, compare_places);
    for (size_t i = 1; done && i < p->count; i++)
        if (compare_rows(sorted[i - 1], sorted[i]) == 0)
            done = tool_fail(
                error, "%s: rows[%zu] is about the same as rows[%zu]: only times differ", p->path,
                (size_t)(sorted[i] - p->rows), (size_t)(sorted[i - 1] - p->rows));
    free(sorted);
    return done;
}

static bool read_root(bench_peers *p, tool_error *error) {
    const json_keys keys = {p->root, p->path, "", error};
    const cJSON *rows = cJSON_GetObjectItemCaseSensitive(p->root, "rows");
    uint32_t format;
    if (!json_keys_uint(&keys, "sparsed_peers", FORMAT, FORMAT, &format) ||
        !read_text(&keys, "device", &p->device) || !read_text(&keys, "versions", &p->versions))
        return false;
    if (!cJSON_IsArray(rows))
        return tool_fail(error, "%s: \"rows\" is no array", p->path);
    return read_rows(p, rows, error) && check_no_row_twice(p, error);
}

bool bench_peers_read(const char *path, bench_peers *peers, tool_error *error) {
    const bench_given_file file = {"peers", "what a script of tools/peers writes", path};
    tool_error fault;
    *peers = (bench_peers){.path = path, .root = bench_given_read(&file, max_bytes, error)};
    if (!peers->root)
        return false;
    if (read_root(peers, &fault))
        return true;
    bench_peers_free(peers);
    return bench_given_refuse(&file, &fault, error);
}

void bench_peers_free(bench_peers *peers) {
    cJSON_Delete(peers->root);
    free(peers->rows);
    *peers = (bench_peers){.root = NULL};
}
