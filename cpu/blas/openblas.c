/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * OpenBLAS, opened at run time. It is set to one thread, because the callers cut the work
 * themselves; that setting is the process's. The library stays open: its threads and its at-exit
 * handlers would not survive a dlclose.
 */
#include "gemm.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { CBLAS_ROW_MAJOR = 101, CBLAS_NO_TRANS = 111, CBLAS_TRANS = 112 };

typedef void cblas_sgemm_fn(int order, int trans_a, int trans_b, int m, int n, int k, float alpha,
                            const float *a, int lda, const float *b, int ldb, float beta, float *c,
                            int ldc);
typedef void set_num_threads_fn(int threads);
typedef char *get_string_fn(void);

static struct {
    pthread_once_t once;
    cblas_sgemm_fn *sgemm; /* NULL: there is no OpenBLAS */
    char config[256], core[64];
} openblas = {.once = PTHREAD_ONCE_INIT};

/* The symbol's address into *function, the address of a function pointer. C has no conversion from
 * dlsym's object pointer to a function's; POSIX says that the representations agree. */
static bool load_symbol(void *library, const char *name, void *function) {
    void *address = dlsym(library, name);
    memcpy(function, &address, sizeof address);
    return address != NULL;
}

static void open_once(void) {
    void *library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        library = dlopen("libopenblas.so", RTLD_NOW | RTLD_LOCAL);
    }
    if (!library) {
        return;
    }
    cblas_sgemm_fn *sgemm;
    set_num_threads_fn *set_num_threads;
    get_string_fn *get_config, *get_core;
    if (!load_symbol(library, "cblas_sgemm", &sgemm) ||
        !load_symbol(library, "openblas_set_num_threads", &set_num_threads) ||
        !load_symbol(library, "openblas_get_config", &get_config) ||
        !load_symbol(library, "openblas_get_corename", &get_core)) {
        return;
    }
    set_num_threads(1);
    snprintf(openblas.config, sizeof openblas.config, "%s", get_config());
    snprintf(openblas.core, sizeof openblas.core, "%s", get_core());
    openblas.sgemm = sgemm;
}

static void gemm_openblas(bool transpose_a, bool transpose_b, int m, int n, int k, const float *a,
                          int lda, const float *b, int ldb, float beta, float *c, int ldc) {
    /* BLAS demands leading dimensions of 1 and more, also of empty operands. */
    if (m <= 0 || n <= 0 || k <= 0) {
        spd_gemm_plain(transpose_a, transpose_b, m, n, k, a, lda, b, ldb, beta, c, ldc);
        return;
    }
    openblas.sgemm(CBLAS_ROW_MAJOR, transpose_a ? CBLAS_TRANS : CBLAS_NO_TRANS,
                   transpose_b ? CBLAS_TRANS : CBLAS_NO_TRANS, m, n, k, 1.0f, a, lda, b, ldb, beta,
                   c, ldc);
}

spd_gemm_fn *spd_gemm_openblas(void) {
    pthread_once(&openblas.once, open_once);
    return openblas.sgemm ? gemm_openblas : NULL;
}

const char *spd_openblas_config(void) {
    pthread_once(&openblas.once, open_once);
    return openblas.config;
}

const char *spd_openblas_core(void) {
    pthread_once(&openblas.once, open_once);
    return openblas.core;
}
