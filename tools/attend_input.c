/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "attend_input.h"

#include <stdlib.h>
#include <string.h>

#include "dlm/widen.h"
#include "storage_convert.h"

typedef struct shape {
    uint64_t batch, heads, rows, dim;
} shape;

/* A tensor of rank 4, or 3 with a batch of 1. */
static bool check_tensor(const safetensors_file *file, const char *name,
                         const safetensors_tensor *t, shape *s, tool_error *error) {
    if (t->dtype != SAFETENSORS_F32 && t->dtype != SAFETENSORS_F16 && t->dtype != SAFETENSORS_BF16)
        return tool_fail(error, "%s: '%s' is %s, not F32, F16 or BF16", safetensors_path(file),
                         name, t->dtype_name);
    if (t->rank != 3 && t->rank != 4)
        return tool_fail(error, "%s: '%s' has %u dimensions, not 4 (or 3: batch 1)",
                         safetensors_path(file), name, t->rank);
    const uint64_t *last = t->shape + t->rank - 3;
    *s = (shape){t->rank == 4 ? t->shape[0] : 1, last[0], last[1], last[2]};
    if (s->dim % 8 != 0 || s->dim > 256)
        return tool_fail(error,
                         "%s: '%s' has a head dimension of %llu, not a multiple of 8 up to 256",
                         safetensors_path(file), name, (unsigned long long)s->dim);
    for (uint32_t i = 0; i < t->rank; i++)
        if (t->shape[i] == 0 || t->shape[i] > INT32_MAX)
            return tool_fail(error, "%s: '%s' has a dimension of %llu", safetensors_path(file),
                             name, (unsigned long long)t->shape[i]);
    return true;
}

/* NULL, with an error, unless the file has it in that form. */
static const safetensors_tensor *find_tensor(const safetensors_file *file, const char *name,
                                             shape *s, tool_error *error) {
    const safetensors_tensor *t = safetensors_find(file, name);
    if (!t) {
        tool_fail(error, "%s: no tensor '%s'", safetensors_path(file), name);
        return NULL;
    }
    return check_tensor(file, name, t, s, error) ? t : NULL;
}

static uint32_t stored_dtype(const safetensors_tensor *t) {
    return t->dtype == SAFETENSORS_F32   ? SPARSED_F32
           : t->dtype == SAFETENSORS_F16 ? SPARSED_F16
                                         : SPARSED_BF16;
}

/* A number that becomes an infinity is none that the user gave. */
static bool check_fits(const attend_input *in, const safetensors_tensor *t, const float *values,
                       size_t count, tool_error *error) {
    const sparsed_dtype dtype = (sparsed_dtype)in->desc.dtype;
    for (size_t i = 0; i < count; i++)
        if (!storage_holds(values[i], dtype))
            return tool_fail(error, "%s: '%s' has %g, which %s cannot hold",
                             safetensors_path(in->file), t->name, (double)values[i],
                             storage_name(dtype));
    return true;
}

/* The data in desc.dtype: in place, or converted to a copy. */
static bool convert(const attend_input *in, const safetensors_tensor *t, const void **data,
                    void **copy, tool_error *error) {
    const uint32_t dtype = in->desc.dtype;
    *data = t->data;
    if (stored_dtype(t) == dtype)
        return true;
    size_t count = (size_t)(t->size_bytes / safetensors_dtype_bytes(t->dtype));
    float *floats = malloc(count * sizeof *floats);
    *copy = malloc(count * sizeof *floats);
    bool converted = floats && *copy;
    if (converted) {
        dlm_widen(t->dtype, t->data, 0, count, floats);
        storage_from_floats(floats, count, (sparsed_dtype)dtype, *copy);
        converted = check_fits(in, t, floats, count, error);
    } else {
        tool_fail(error, "out of memory for '%s'", t->name);
    }
    free(floats);
    *data = *copy;
    return converted;
}

static bool check_shapes(const attend_input *in, shape q, shape k, shape v, tool_error *error) {
    const char *path = safetensors_path(in->file);
    if (memcmp(&k, &v, sizeof k) != 0)
        return tool_fail(error, "%s: k is [%llu,%llu,%llu,%llu] but v is [%llu,%llu,%llu,%llu]",
                         path, (unsigned long long)k.batch, (unsigned long long)k.heads,
                         (unsigned long long)k.rows, (unsigned long long)k.dim,
                         (unsigned long long)v.batch, (unsigned long long)v.heads,
                         (unsigned long long)v.rows, (unsigned long long)v.dim);
    if (q.batch != k.batch || q.dim != k.dim || q.rows > k.rows || q.heads % k.heads != 0)
        return tool_fail(error,
                         "%s: q is [%llu,%llu,%llu,%llu], which does not go with k "
                         "[%llu,%llu,%llu,%llu]: batch and head dimension must be equal, query "
                         "rows no more than key rows, query heads a multiple of key heads",
                         path, (unsigned long long)q.batch, (unsigned long long)q.heads,
                         (unsigned long long)q.rows, (unsigned long long)q.dim,
                         (unsigned long long)k.batch, (unsigned long long)k.heads,
                         (unsigned long long)k.rows, (unsigned long long)k.dim);
    return true;
}

/* An I64 tensor of one number a batch; *values stays NULL if the file has none. */
static bool read_range(const attend_input *in, const char *name, uint64_t **values,
                       tool_error *error) {
    const safetensors_tensor *t = safetensors_find(in->file, name);
    uint32_t batch = in->desc.batch;
    if (!t)
        return true;
    if (t->dtype != SAFETENSORS_I64 || t->rank != 1 || t->shape[0] != batch)
        return tool_fail(error, "%s: '%s' is not an I64 tensor of %u numbers, one a batch",
                         safetensors_path(in->file), name, batch);
    *values = malloc(batch * sizeof **values);
    if (!*values)
        return tool_fail(error, "out of memory for '%s'", name);
    for (uint32_t b = 0; b < batch; b++) {
        int64_t number;
        memcpy(&number, (const char *)t->data + b * sizeof number, sizeof number);
        if (number < 0 || (uint64_t)number > in->desc.kv_len)
            return tool_fail(error, "%s: %s[%u] is %lld, not in 0 to %llu",
                             safetensors_path(in->file), name, b, (long long)number,
                             (unsigned long long)in->desc.kv_len);
        (*values)[b] = (uint64_t)number;
    }
    return true;
}

static bool read_tensors(attend_input *in, uint32_t dtype, tool_error *error) {
    shape qs = {0}, ks = {0}, vs = {0};
    const safetensors_tensor *q = find_tensor(in->file, "q", &qs, error);
    const safetensors_tensor *k = q ? find_tensor(in->file, "k", &ks, error) : NULL;
    const safetensors_tensor *v = k ? find_tensor(in->file, "v", &vs, error) : NULL;
    if (!v || !check_shapes(in, qs, ks, vs, error))
        return false;
    if (q->dtype != k->dtype || q->dtype != v->dtype)
        return tool_fail(error, "%s: q is %s, k %s, v %s; they must be stored alike",
                         safetensors_path(in->file), q->dtype_name, k->dtype_name, v->dtype_name);
    in->desc = (sparsed_desc)SPARSED_DESC_INIT;
    in->desc.dtype = dtype ? dtype : stored_dtype(q);
    in->desc.out_dtype = SPARSED_F32;
    in->desc.batch = (uint32_t)qs.batch;
    in->desc.heads = (uint32_t)qs.heads;
    in->desc.kv_heads = (uint32_t)ks.heads;
    in->desc.head_dim = (uint32_t)qs.dim;
    in->desc.q_len = qs.rows;
    in->desc.kv_len = ks.rows;
    if (!convert(in, q, &in->q, &in->converted[0], error) ||
        !convert(in, k, &in->k, &in->converted[1], error) ||
        !convert(in, v, &in->v, &in->converted[2], error) ||
        !read_range(in, "valid_start", &in->valid_start, error) ||
        !read_range(in, "valid_end", &in->valid_end, error))
        return false;
    if (!in->valid_start != !in->valid_end)
        return tool_fail(error, "%s: it has '%s' without the other end", safetensors_path(in->file),
                         in->valid_start ? "valid_start" : "valid_end");
    return true;
}

bool attend_input_open(const char *path, uint32_t dtype, attend_input *input, tool_error *error) {
    *input = (attend_input){.file = safetensors_open(path, error)};
    if (!input->file)
        return false;
    if (read_tensors(input, dtype, error))
        return true;
    attend_input_close(input);
    return false;
}

void attend_input_close(attend_input *input) {
    for (int i = 0; i < 3; i++)
        free(input->converted[i]);
    free(input->valid_start);
    free(input->valid_end);
    safetensors_close(input->file);
    *input = (attend_input){.file = NULL};
}
