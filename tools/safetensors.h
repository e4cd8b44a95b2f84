/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Reads and writes safetensors files. Reading maps the file and checks the whole header first:
 * every offset, size product, overlap and gap, as the format's own specification asks. Writing goes
 * to a temporary file in the same folder that is renamed at the end, so no half-written file is
 * left.
 */
#ifndef TOOLS_SAFETENSORS_H
#define TOOLS_SAFETENSORS_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

#define SAFETENSORS_MAX_RANK 8

typedef enum safetensors_dtype {
    SAFETENSORS_F32,
    SAFETENSORS_F16,
    SAFETENSORS_BF16,
    SAFETENSORS_U8,
    SAFETENSORS_I32,
    SAFETENSORS_I64,
    SAFETENSORS_OTHER /* legal in the format, of no use here */
} safetensors_dtype;

typedef struct safetensors_tensor {
    const char *name;
    safetensors_dtype dtype;
    char dtype_name[8]; /* as the file says: "F32" */
    uint32_t rank;
    uint64_t shape[SAFETENSORS_MAX_RANK];
    const void *data; /* into the map; any alignment */
    uint64_t size_bytes;
} safetensors_tensor;

typedef struct safetensors_file safetensors_file;

/* Maps and checks a file. NULL on failure. The tensors live as long as the file is open; nobody may
 * shorten it meanwhile. */
safetensors_file *safetensors_open(const char *path, tool_error *error);
void safetensors_close(safetensors_file *file); /* NULL is ignored */

/* Tensors in the order of the header. */
size_t safetensors_count(const safetensors_file *file);
const safetensors_tensor *safetensors_at(const safetensors_file *file, size_t index);
const safetensors_tensor *safetensors_find(const safetensors_file *file,
                                           const char *name);                    /* or NULL */
const char *safetensors_metadata(const safetensors_file *file, const char *key); /* or NULL */
const char *safetensors_path(const safetensors_file *file);

const char *safetensors_dtype_string(safetensors_dtype dtype);
/* Bytes of an element; 0 for SAFETENSORS_OTHER. */
size_t safetensors_dtype_bytes(safetensors_dtype dtype);

/* Writes n tensors (name, dtype, rank, shape, data, size_bytes are used) and the metadata pairs
 * keys[i] = values[i]; names and metadata are UTF-8. The data begins at a multiple of 8, the
 * tensors lie in it by element size, largest first, and else in the order given: each is aligned to
 * its elements, though the format allows no gaps. */
bool safetensors_write(const char *path, const safetensors_tensor *tensors, size_t n,
                       const char *const *keys, const char *const *values, size_t n_metadata,
                       tool_error *error);

#endif
