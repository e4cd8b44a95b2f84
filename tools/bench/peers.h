/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Other libraries' figures of the same shapes, from a file that a script of tools/peers wrote. docs/bench.md
 * has its form.
 */
#ifndef TOOLS_BENCH_PEERS_H
#define TOOLS_BENCH_PEERS_H

#include <cjson/cJSON.h>
#include <stdint.h>

#include "error.h"
#include "statistics.h"

typedef struct bench_peer_row {
    const char *name, *pass, *dtype; /* "torch sdpa", "dense" or "sparse", "bf16" */
    uint32_t threads;                /* of a processor; 0: not told */
    uint32_t heads, kv_heads, head_dim, block_q, block_k;
    uint64_t length;
    double density;
    bench_statistics ms;
} bench_peer_row;

typedef struct bench_peers {
    const char *path;
    cJSON *root;
    const char *device;   /* the name of what they ran on */
    const char *versions; /* of the libraries */
    bench_peer_row *rows;
    size_t count;
} bench_peers;

/* The strings live as long as the peers. On failure nothing is left to free. */
bool bench_peers_read(const char *path, bench_peers *peers, tool_error *error);
void bench_peers_free(bench_peers *peers);

#endif
