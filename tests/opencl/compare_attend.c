/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * compare_attend: holds a file that `sparsed attend` wrote to another one: the same tensors of the
 * same shapes, kept blocks equal, numbers within a relative error (Frobenius norms).
 *   usage: compare_attend FILE REFERENCE BOUND
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/error.h"
#include "tools/safetensors.h"

static bool same_shape(const safetensors_tensor *a, const safetensors_tensor *b) {
    return a->dtype == b->dtype && a->rank == b->rank && a->size_bytes == b->size_bytes &&
           memcmp(a->shape, b->shape, a->rank * sizeof a->shape[0]) == 0;
}

/* What is equal in both, infinities included, adds no error; NaN fails any bound. */
static double relative_error(const safetensors_tensor *a, const safetensors_tensor *b) {
    double difference = 0.0, norm = 0.0;
    for (uint64_t i = 0; i < b->size_bytes / sizeof(float); i++) {
        float x, y;
        memcpy(&x, (const char *)a->data + i * sizeof x, sizeof x);
        memcpy(&y, (const char *)b->data + i * sizeof y, sizeof y);
        if (x == y && isinf(y))
            continue;
        difference += ((double)x - (double)y) * ((double)x - (double)y);
        norm += (double)y * (double)y;
    }
    return norm > 0.0 ? sqrt(difference / norm) : sqrt(difference);
}

static bool compare_tensor(const safetensors_file *file, const safetensors_tensor *want,
                           double bound) {
    const safetensors_tensor *got = safetensors_find(file, want->name);
    if (!got || !same_shape(got, want)) {
        fprintf(stderr, "error: %s: no %s of the reference's type and shape\n",
                safetensors_path(file), want->name);
        return false;
    }
    if (want->dtype != SAFETENSORS_F32) {
        bool equal = memcmp(got->data, want->data, want->size_bytes) == 0;
        printf(" %s %s", want->name, equal ? "equal" : "DIFFERS");
        return equal;
    }
    double error = relative_error(got, want);
    printf(" %s %.1e%s", want->name, error, error <= bound ? "" : " TOO FAR");
    return error <= bound;
}

int main(int argc, char **argv) {
    tool_error error = {false, ""};
    int status = 1;
    if (argc != 4) {
        fprintf(stderr, "usage: compare_attend FILE REFERENCE BOUND\n");
        return 2;
    }
    safetensors_file *file = safetensors_open(argv[1], &error);
    safetensors_file *reference = file ? safetensors_open(argv[2], &error) : NULL;
    if (!reference) {
        fprintf(stderr, "error: %s\n", error.text);
        goto done;
    }
    status = safetensors_count(reference) == 0;
    for (size_t i = 0; i < safetensors_count(reference); i++)
        if (!compare_tensor(file, safetensors_at(reference, i), strtod(argv[3], NULL)))
            status = 1;
    printf("\n");
done:
    safetensors_close(file);
    safetensors_close(reference);
    return status;
}
