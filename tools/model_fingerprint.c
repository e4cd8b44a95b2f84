/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "model_fingerprint.h"

#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "json_file.h"
#include "safetensors.h"

#define CONFIG_NAME "config.json"
#define INDEX_NAME "model.safetensors.index.json"
#define SINGLE_NAME "model.safetensors"
#define MAX_JSON_BYTES ((size_t)1 << 27)

sparsed_fingerprint prompt_fingerprint(const dlm_prompt *prompt) {
    return sparsed_fingerprint_add((sparsed_fingerprint){0, 0}, prompt->ids,
                                   prompt->length * sizeof *prompt->ids);
}

static void add_text(sparsed_fingerprint *fingerprint, const char *text) {
    *fingerprint = sparsed_fingerprint_add(*fingerprint, text, strlen(text));
}

static bool add_config(const char *dir, sparsed_fingerprint *fingerprint, tool_error *error) {
    size_t size;
    char *path = file_join(dir, CONFIG_NAME, error);
    char *text = path ? file_read(path, MAX_JSON_BYTES, &size, error) : NULL;
    if (text)
        *fingerprint = sparsed_fingerprint_add(*fingerprint, text, size);
    free(path);
    free(text);
    return text != NULL;
}

static bool add_shard(const char *dir, const char *name, sparsed_fingerprint *fingerprint,
                      tool_error *error) {
    char *path = file_join(dir, name, error);
    safetensors_file *file = path ? safetensors_open(path, error) : NULL;
    for (size_t i = 0; file && i < safetensors_count(file); i++) {
        const safetensors_tensor *t = safetensors_at(file, i);
        add_text(fingerprint, t->name);
        add_text(fingerprint, t->dtype_name);
        *fingerprint = sparsed_fingerprint_add(*fingerprint, t->shape, t->rank * sizeof *t->shape);
        *fingerprint = sparsed_fingerprint_add(*fingerprint, t->data, t->size_bytes);
    }
    free(path);
    safetensors_close(file);
    return file != NULL;
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The shards that an index names, each once. */
static bool add_shards(const char *dir, const cJSON *index, sparsed_fingerprint *fingerprint,
                       tool_error *error) {
    const cJSON *map = cJSON_GetObjectItemCaseSensitive(index, "weight_map"), *entry;
    size_t count = 0;
    const char **names = calloc((size_t)cJSON_GetArraySize(map) + 1, sizeof *names);
    if (!names)
        return tool_fail(error, "%s: out of memory for the names of its shards", dir);
    cJSON_ArrayForEach(entry, map) {
        if (cJSON_IsString(entry))
            names[count++] = entry->valuestring;
    }
    qsort(names, count, sizeof *names, compare_names);
    bool done = true;
    for (size_t i = 0; i < count && done; i++)
        if (i == 0 || strcmp(names[i], names[i - 1]) != 0)
            done = add_shard(dir, names[i], fingerprint, error);
    free(names);
    return done;
}

bool model_fingerprint(const char *dir, sparsed_fingerprint *fingerprint, tool_error *error) {
    char *index_path = file_join(dir, INDEX_NAME, error);
    bool done = index_path != NULL;
    *fingerprint = (sparsed_fingerprint){0, 0};
    done = done && add_config(dir, fingerprint, error);
    if (done && file_exists(index_path)) {
        cJSON *index = json_file_read(index_path, MAX_JSON_BYTES, error);
        done = index && add_shards(dir, index, fingerprint, error);
        cJSON_Delete(index);
    } else if (done) {
        done = add_shard(dir, SINGLE_NAME, fingerprint, error);
    }
    free(index_path);
    return done;
}
