/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* See elementwise.h. */
#include "elementwise.h"

#include <math.h>

static double mean_of_squares(const float *x, size_t width) {
    double sum = 0.0;
    for (size_t i = 0; i < width; i++) {
        sum += (double)x[i] * (double)x[i];
    }
    return sum / (double)width;
}

void dlm_rms_norm(const float *x, const float *weight, float eps, size_t rows, size_t width,
                  int threads, float *y) {
#pragma omp parallel for num_threads(threads) schedule(static)
    for (size_t r = 0; r < rows; r++) {
        const float *from = x + r * width;
        float *to = y + r * width;
        float scale = 1.0f / sqrtf((float)mean_of_squares(from, width) + eps);
        for (size_t i = 0; i < width; i++) {
            to[i] = from[i] * scale * weight[i];
        }
    }
}

void dlm_swiglu(float *gate, const float *up, size_t rows, size_t width, int threads) {
#pragma omp parallel for num_threads(threads) schedule(static)
    for (size_t r = 0; r < rows; r++) {
        float *g = gate + r * width;
        const float *u = up + r * width;
        for (size_t i = 0; i < width; i++) {
            g[i] = g[i] / (1.0f + expf(-g[i])) * u[i];
        }
    }
}
