/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Writes safetensors files; see safetensors.h. The header is padded with spaces so that the data
 * begins at a multiple of 8.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../src/atomic_file.h"
#include "json_file.h"
#include "safetensors.h"
#include "utf8.h"

#define DATA_ALIGNMENT 8u

static bool check_tensor(const char *path, const safetensors_tensor *tensor, tool_error *error) {
    if (strcmp(tensor->name, "__metadata__") == 0) {
        return tool_fail(error, "%s: a tensor cannot be called __metadata__", path);
    }
    size_t element = safetensors_dtype_bytes(tensor->dtype);
    if (element == 0 || tensor->rank > SAFETENSORS_MAX_RANK) {
        return tool_fail(error, "%s: tensor \"%.200s\": cannot write dtype %s of rank %u", path,
                         tensor->name, safetensors_dtype_string(tensor->dtype), tensor->rank);
    }
    uint64_t bytes = element;
    for (uint32_t i = 0; i < tensor->rank; i++) {
        if (tensor->shape[i] != 0 && bytes > UINT64_MAX / tensor->shape[i]) {
            return tool_fail(error, "%s: tensor \"%.200s\": the product of its shape overflows",
                             path, tensor->name);
        }
        bytes *= tensor->shape[i];
    }
    if (bytes != tensor->size_bytes) {
        return tool_fail(error,
                         "%s: tensor \"%.200s\": %" PRIu64 " bytes, but its shape has %" PRIu64,
                         path, tensor->name, tensor->size_bytes, bytes);
    }
    return true;
}

/* order[i]: which tensor comes i-th in the data. Larger elements first; stable. */
static void order_by_element_size(const safetensors_tensor *tensors, size_t n, size_t *order) {
    size_t placed = 0;
    for (size_t element = DATA_ALIGNMENT; element > 0; element /= 2) {
        for (size_t i = 0; i < n; i++) {
            if (safetensors_dtype_bytes(tensors[i].dtype) == element) {
                order[placed++] = i;
            }
        }
    }
}

/* As digits, because cJSON would print a large double with an exponent. */
static bool append_uint(cJSON *array, uint64_t value) {
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRIu64, value);
    cJSON *item = cJSON_CreateRaw(digits);
    if (!cJSON_AddItemToArray(array, item)) {
        cJSON_Delete(item);
        return false;
    }
    return true;
}

static bool add_tensor(cJSON *header, const safetensors_tensor *tensor, uint64_t offset) {
    cJSON *entry = cJSON_AddObjectToObject(header, tensor->name);
    if (!entry ||
        !cJSON_AddStringToObject(entry, "dtype", safetensors_dtype_string(tensor->dtype))) {
        return false;
    }
    cJSON *shape = cJSON_AddArrayToObject(entry, "shape");
    for (uint32_t i = 0; i < tensor->rank; i++) {
        if (!append_uint(shape, tensor->shape[i])) {
            return false;
        }
    }
    cJSON *offsets = cJSON_AddArrayToObject(entry, "data_offsets");
    return shape && append_uint(offsets, offset) &&
           append_uint(offsets, offset + tensor->size_bytes);
}

static bool add_metadata(cJSON *header, const char *const *keys, const char *const *values,
                         size_t n) {
    if (n == 0) {
        return true;
    }
    cJSON *metadata = cJSON_AddObjectToObject(header, "__metadata__");
    for (size_t i = 0; i < n; i++) {
        if (!cJSON_AddStringToObject(metadata, keys[i], values[i])) {
            return false;
        }
    }
    return true;
}

/* The header's text, malloc'd; NULL, with an error, on failure. */
static char *header_text(const char *path, const safetensors_tensor *tensors, size_t n,
                         const size_t *order, const char *const *keys, const char *const *values,
                         size_t n_metadata, tool_error *error) {
    char *text = NULL;
    cJSON *header = cJSON_CreateObject();
    bool built = header && add_metadata(header, keys, values, n_metadata);
    uint64_t offset = 0;
    for (size_t i = 0; i < n && built; i++) {
        const safetensors_tensor *tensor = &tensors[order[i]];
        if (tensor->size_bytes > UINT64_MAX - offset) {
            tool_fail(error, "%s: more than 2^64 bytes of data", path);
            goto done;
        }
        built = add_tensor(header, tensor, offset);
        offset += tensor->size_bytes;
    }
    if (built && !json_check_unique_keys(header, path, error)) {
        goto done;
    }
    text = built ? cJSON_PrintUnformatted(header) : NULL;
    if (!text) {
        tool_fail(error, "%s: out of memory for the header", path);
    } else if (utf8_valid_prefix(text, strlen(text)) != strlen(text)) {
        tool_fail(error, "%s: a name or a metadata value is not UTF-8", path);
        cJSON_free(text);
        text = NULL;
    }
done:
    cJSON_Delete(header);
    return text;
}

static sparsed_status write_all(spd_atomic_file *file, const char *header,
                                const safetensors_tensor *tensors, size_t n, const size_t *order,
                                sparsed_message *message) {
    size_t length = strlen(header);
    size_t padding = (DATA_ALIGNMENT - length % DATA_ALIGNMENT) % DATA_ALIGNMENT;
    unsigned char prefix[8];
    for (unsigned i = 0; i < sizeof prefix; i++) {
        prefix[i] = (unsigned char)((uint64_t)(length + padding) >> (8 * i));
    }
    sparsed_status status = spd_atomic_file_write(file, prefix, sizeof prefix, message);
    if (status == SPARSED_OK) {
        status = spd_atomic_file_write(file, header, length, message);
    }
    if (status == SPARSED_OK) {
        status = spd_atomic_file_write(file, "        ", padding, message);
    }
    for (size_t i = 0; i < n && status == SPARSED_OK; i++) {
        const safetensors_tensor *tensor = &tensors[order[i]];
        status = spd_atomic_file_write(file, tensor->data, tensor->size_bytes, message);
    }
    return status;
}

static bool write_file(const char *path, const char *header, const safetensors_tensor *tensors,
                       size_t n, const size_t *order, tool_error *error) {
    spd_atomic_file file;
    sparsed_message message;
    sparsed_status status = spd_atomic_file_open(&file, path, &message);
    if (status == SPARSED_OK) {
        status = write_all(&file, header, tensors, n, order, &message);
        if (status == SPARSED_OK) {
            status = spd_atomic_file_commit(&file, &message);
        } else {
            spd_atomic_file_discard(&file);
        }
    }
    return status == SPARSED_OK || tool_fail(error, "%s", message.text);
}

bool safetensors_write(const char *path, const safetensors_tensor *tensors, size_t n,
                       const char *const *keys, const char *const *values, size_t n_metadata,
                       tool_error *error) {
    bool written = false;
    char *header = NULL;
    size_t *order = calloc(n + 1, sizeof *order);
    if (!order) {
        return tool_fail(error, "%s: out of memory for %zu tensors", path, n);
    }
    for (size_t i = 0; i < n; i++) {
        if (!check_tensor(path, &tensors[i], error)) {
            goto done;
        }
    }
    order_by_element_size(tensors, n, order);
    header = header_text(path, tensors, n, order, keys, values, n_metadata, error);
    written = header && write_file(path, header, tensors, n, order, error);
done:
    cJSON_free(header);
    free(order);
    return written;
}
