/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "compare/record_file.h"

#include <stdlib.h>

#include "room.h"

const char *record_op_name(record_op op) {
    static const char *const names[RECORD_OPS] = {[RECORD_DENSE] = "dense",
                                                  [RECORD_BUILD] = "build",
                                                  [RECORD_SPARSE_OWN] = "sparse-own",
                                                  [RECORD_SPARSE_FIXED] = "sparse-fixed"};
    return names[op];
}

const char *record_scores_check_name(uint32_t check) {
    static const char *const names[] = {"nothing", "sums", "oracle"};
    return names[check];
}

bool record_same_digest(sparsed_fingerprint a, sparsed_fingerprint b) {
    return a.low == b.low && a.high == b.high;
}

safetensors_dtype record_storage(uint32_t dtype) {
    return dtype == SPARSED_F32   ? SAFETENSORS_F32
           : dtype == SPARSED_F16 ? SAFETENSORS_F16
                                  : SAFETENSORS_BF16;
}

void *record_room(record *r, uint64_t count, size_t size_bytes) {
    void *room = room_for(count, size_bytes);
    void **memory = room ? realloc(r->memory, (r->memory_count + 1) * sizeof *memory) : NULL;
    if (!memory) {
        free(room);
        return NULL;
    }
    r->memory = memory;
    r->memory[r->memory_count++] = room;
    return room;
}

void record_free(record *r) {
    for (size_t i = 0; i < r->memory_count; i++)
        free(r->memory[i]);
    free(r->memory);
    safetensors_close(r->file);
    *r = (record){.case_count = 0};
}
