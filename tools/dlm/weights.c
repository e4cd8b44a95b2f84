/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The safetensors shards of a model folder; see weights.h.
 */
#include "weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../file.h"
#include "../json_file.h"

#define INDEX_NAME "model.safetensors.index.json"
#define SINGLE_NAME "model.safetensors"
#define MAX_INDEX_BYTES ((size_t)1 << 27)

struct dlm_weights {
    char *dir;
    safetensors_file **shards;
    size_t n_shards;
    const safetensors_tensor **tensors; /* sorted by name */
    size_t n_tensors;
};

static int compare_names(const void *a, const void *b) {
    const safetensors_tensor *x = *(const safetensors_tensor *const *)a;
    const safetensors_tensor *y = *(const safetensors_tensor *const *)b;
    return strcmp(x->name, y->name);
}

static bool reserve_tensors(dlm_weights *weights, size_t n, tool_error *error) {
    weights->tensors = calloc(n + 1, sizeof *weights->tensors);
    return weights->tensors ||
           tool_fail(error, "%s: out of memory for %zu tensors", weights->dir, n);
}

/* The shard of that name, opened when it is first asked for; NULL on failure. */
static const safetensors_file *open_shard(dlm_weights *weights, const char *name,
                                          tool_error *error) {
    char *path = file_join(weights->dir, name, error);
    if (!path) {
        return NULL;
    }
    safetensors_file *file = NULL;
    for (size_t i = weights->n_shards; i-- > 0;) {
        if (strcmp(safetensors_path(weights->shards[i]), path) == 0) {
            file = weights->shards[i];
            goto done;
        }
    }
    safetensors_file **grown =
        realloc(weights->shards, (weights->n_shards + 1) * sizeof *weights->shards);
    if (!grown) {
        tool_fail(error, "%s: out of memory", path);
        goto done;
    }
    weights->shards = grown;
    file = safetensors_open(path, error);
    if (file) {
        weights->shards[weights->n_shards++] = file;
    }
done:
    free(path);
    return file;
}

static bool is_file_name(const char *name) {
    return *name != '\0' && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && !strchr(name, '/');
}

static bool add_indexed(dlm_weights *weights, const cJSON *entry, const char *index_path,
                        tool_error *error) {
    const char *shard = cJSON_IsString(entry) ? entry->valuestring : "";
    if (!is_file_name(shard)) {
        char text[JSON_DESCRIBE_BYTES];
        json_describe(entry, text);
        return tool_fail(error, "%s: tensor \"%.200s\": its shard is %s, not a file of this folder",
                         index_path, entry->string, text);
    }
    const safetensors_file *file = open_shard(weights, shard, error);
    if (!file) {
        return false;
    }
    const safetensors_tensor *tensor = safetensors_find(file, entry->string);
    if (!tensor) {
        return tool_fail(error, "%s: tensor \"%.200s\" is not in its shard \"%.200s\"", index_path,
                         entry->string, shard);
    }
    weights->tensors[weights->n_tensors++] = tensor;
    return true;
}

static bool open_indexed(dlm_weights *weights, const char *index_path, tool_error *error) {
    bool opened = false;
    cJSON *root = json_file_read(index_path, MAX_INDEX_BYTES, error);
    if (!root) {
        return false;
    }
    const cJSON *map = cJSON_GetObjectItemCaseSensitive(root, "weight_map");
    if (!cJSON_IsObject(map)) {
        tool_fail(error, "%s: \"weight_map\" is not an object", index_path);
        goto done;
    }
    if (!reserve_tensors(weights, (size_t)cJSON_GetArraySize(map), error)) {
        goto done;
    }
    const cJSON *entry;
    cJSON_ArrayForEach(entry, map) {
        if (!add_indexed(weights, entry, index_path, error)) {
            goto done;
        }
    }
    opened = true;
done:
    cJSON_Delete(root);
    return opened;
}

static bool open_single(dlm_weights *weights, tool_error *error) {
    const safetensors_file *file = open_shard(weights, SINGLE_NAME, error);
    if (!file || !reserve_tensors(weights, safetensors_count(file), error)) {
        return false;
    }
    for (size_t i = 0; i < safetensors_count(file); i++) {
        weights->tensors[weights->n_tensors++] = safetensors_at(file, i);
    }
    return true;
}

static bool open_shards(dlm_weights *weights, tool_error *error) {
    bool opened = false;
    char *index_path = file_join(weights->dir, INDEX_NAME, error);
    char *single_path = index_path ? file_join(weights->dir, SINGLE_NAME, error) : NULL;
    if (!single_path) {
        goto done;
    }
    if (file_exists(index_path)) {
        opened = open_indexed(weights, index_path, error);
    } else if (file_exists(single_path)) {
        opened = open_single(weights, error);
    } else {
        tool_fail(error, "%s: has neither " INDEX_NAME " nor " SINGLE_NAME, weights->dir);
    }
done:
    free(single_path);
    free(index_path);
    return opened;
}

dlm_weights *dlm_weights_open(const char *dir, tool_error *error) {
    dlm_weights *weights = calloc(1, sizeof *weights);
    if (!weights || !(weights->dir = malloc(strlen(dir) + 1))) {
        tool_fail(error, "%s: out of memory", dir);
        free(weights);
        return NULL;
    }
    strcpy(weights->dir, dir);
    if (!open_shards(weights, error)) {
        dlm_weights_close(weights);
        return NULL;
    }
    qsort(weights->tensors, weights->n_tensors, sizeof *weights->tensors, compare_names);
    return weights;
}

void dlm_weights_close(dlm_weights *weights) {
    if (!weights) {
        return;
    }
    for (size_t i = 0; i < weights->n_shards; i++) {
        safetensors_close(weights->shards[i]);
    }
    free(weights->shards);
    free(weights->tensors);
    free(weights->dir);
    free(weights);
}

static void describe_shape(const safetensors_tensor *tensor, char *text, size_t size) {
    size_t used = (size_t)snprintf(text, size, "%s [", tensor->dtype_name);
    for (uint32_t i = 0; i < tensor->rank && used < size; i++) {
        used += (size_t)snprintf(text + used, size - used, i ? ", %llu" : "%llu",
                                 (unsigned long long)tensor->shape[i]);
    }
    if (used < size) {
        snprintf(text + used, size - used, "]");
    }
}

static bool has_shape(const safetensors_tensor *tensor, uint64_t rows, uint64_t cols) {
    return cols == 0 ? tensor->rank == 1 && tensor->shape[0] == rows
                     : tensor->rank == 2 && tensor->shape[0] == rows && tensor->shape[1] == cols;
}

const safetensors_tensor *dlm_weights_get(const dlm_weights *weights, const char *name,
                                          uint64_t rows, uint64_t cols, tool_error *error) {
    safetensors_tensor key = {.name = name};
    const safetensors_tensor *key_pointer = &key;
    const safetensors_tensor **found = bsearch(&key_pointer, weights->tensors, weights->n_tensors,
                                               sizeof *weights->tensors, compare_names);
    if (!found) {
        tool_fail(error, "%s: tensor \"%s\" is missing", weights->dir, name);
        return NULL;
    }
    const safetensors_tensor *tensor = *found;
    bool is_float = tensor->dtype == SAFETENSORS_F32 || tensor->dtype == SAFETENSORS_F16 ||
                    tensor->dtype == SAFETENSORS_BF16;
    if (is_float && has_shape(tensor, rows, cols)) {
        return tensor;
    }
    char text[256], wanted[64];
    describe_shape(tensor, text, sizeof text);
    snprintf(wanted, sizeof wanted, cols ? "[%llu, %llu]" : "[%llu]", (unsigned long long)rows,
             (unsigned long long)cols);
    tool_fail(error, "%s: tensor \"%s\" is %s, not F32, F16 or BF16 %s", weights->dir, name, text,
              wanted);
    return NULL;
}
