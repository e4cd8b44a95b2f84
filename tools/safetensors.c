/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Reads safetensors files: 8 bytes of header length, a JSON header, the tensors' bytes. Nothing of
 * the header is believed before it is checked against the size of the file.
 */
#include "safetensors.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "file.h"
#include "json_file.h"

#define PREFIX_BYTES 8u
#define MAX_HEADER_BYTES 100000000u /* the format's own limit */
#define METADATA_KEY "__metadata__"

struct safetensors_file {
    char *path;
    void *map;
    size_t map_bytes;
    const unsigned char *data; /* behind the header */
    uint64_t data_bytes;
    cJSON *header; /* owns the tensors' names and the metadata */
    const cJSON *metadata;
    safetensors_tensor *tensors;
    const safetensors_tensor **sorted; /* by name */
    size_t n;
};

/* All element types of the format; those without a value of their own are SAFETENSORS_OTHER. */
static const struct dtype_row {
    const char *name;
    safetensors_dtype dtype;
    uint32_t bits;
} dtype_rows[] = {
    {"F32", SAFETENSORS_F32, 32},      {"F16", SAFETENSORS_F16, 16},
    {"BF16", SAFETENSORS_BF16, 16},    {"U8", SAFETENSORS_U8, 8},
    {"I32", SAFETENSORS_I32, 32},      {"I64", SAFETENSORS_I64, 64},
    {"BOOL", SAFETENSORS_OTHER, 8},    {"I8", SAFETENSORS_OTHER, 8},
    {"F8_E5M2", SAFETENSORS_OTHER, 8}, {"F8_E4M3", SAFETENSORS_OTHER, 8},
    {"F8_E8M0", SAFETENSORS_OTHER, 8}, {"F4", SAFETENSORS_OTHER, 4},
    {"F6_E2M3", SAFETENSORS_OTHER, 6}, {"F6_E3M2", SAFETENSORS_OTHER, 6},
    {"I16", SAFETENSORS_OTHER, 16},    {"U16", SAFETENSORS_OTHER, 16},
    {"U32", SAFETENSORS_OTHER, 32},    {"U64", SAFETENSORS_OTHER, 64},
    {"F64", SAFETENSORS_OTHER, 64},    {"C64", SAFETENSORS_OTHER, 64},
};

static const struct dtype_row *dtype_row_of(safetensors_dtype dtype) {
    for (size_t i = 0; i < sizeof dtype_rows / sizeof *dtype_rows; i++) {
        if (dtype_rows[i].dtype == dtype && dtype != SAFETENSORS_OTHER) {
            return &dtype_rows[i];
        }
    }
    return NULL;
}

const char *safetensors_dtype_string(safetensors_dtype dtype) {
    const struct dtype_row *row = dtype_row_of(dtype);
    return row ? row->name : "other";
}

size_t safetensors_dtype_bytes(safetensors_dtype dtype) {
    const struct dtype_row *row = dtype_row_of(dtype);
    return row ? row->bits / 8 : 0;
}

static bool map_file(safetensors_file *file, const char *path, tool_error *error) {
    size_t size;
    int fd = file_open(path, &size, error);
    if (fd < 0) {
        return false;
    }
    bool mapped = false;
    if (size < PREFIX_BYTES) {
        tool_fail(error, "%s: not a safetensors file: %zu bytes, too few for a header length", path,
                  size);
    } else {
        void *map = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
        mapped = map != MAP_FAILED;
        if (mapped) {
            file->map = map;
            file->map_bytes = size;
        } else {
            tool_fail(error, "%s: cannot map %zu bytes: %s", path, size, strerror(errno));
        }
    }
    close(fd);
    return mapped;
}

static bool read_header(safetensors_file *file, tool_error *error) {
    const unsigned char *bytes = file->map;
    uint64_t length = 0;
    for (unsigned i = 0; i < PREFIX_BYTES; i++) {
        length |= (uint64_t)bytes[i] << (8 * i);
    }
    uint64_t rest = file->map_bytes - PREFIX_BYTES;
    if (length > rest || length > MAX_HEADER_BYTES) {
        return tool_fail(error,
                         "%s: not a safetensors file: header length %llu, but %llu bytes follow, "
                         "and %u are allowed",
                         file->path, (unsigned long long)length, (unsigned long long)rest,
                         MAX_HEADER_BYTES);
    }
    if (length == 0 || bytes[PREFIX_BYTES] != '{') {
        return tool_fail(error, "%s: not a safetensors file: the header does not begin with {",
                         file->path);
    }
    char *text = malloc((size_t)length + 1);
    if (!text) {
        return tool_fail(error, "%s: out of memory for the header", file->path);
    }
    memcpy(text, bytes + PREFIX_BYTES, (size_t)length);
    text[length] = '\0';
    file->header = json_parse_object(text, (size_t)length, file->path, error);
    free(text);
    file->data = bytes + PREFIX_BYTES + length;
    file->data_bytes = rest - length;
    return file->header != NULL;
}

static bool check_metadata(const safetensors_file *file, tool_error *error) {
    if (!cJSON_IsObject(file->metadata)) {
        return tool_fail(error, "%s: " METADATA_KEY " is not an object", file->path);
    }
    const cJSON *value;
    cJSON_ArrayForEach(value, file->metadata) {
        if (!cJSON_IsString(value)) {
            return tool_fail(error, "%s: metadata \"%.200s\" is not a string", file->path,
                             value->string);
        }
    }
    return true;
}

static bool tensor_fail(const safetensors_file *file, const char *name, const char *what,
                        tool_error *error) {
    return tool_fail(error, "%s: tensor \"%.200s\": %s", file->path, name, what);
}

/* Finds the three parts of a tensor's entry; false if one is missing or there is anything else. */
static bool find_parts(const cJSON *entry, const cJSON **dtype, const cJSON **shape,
                       const cJSON **offsets) {
    *dtype = *shape = *offsets = NULL;
    size_t n = 0;
    const cJSON *part;
    cJSON_ArrayForEach(part, entry) {
        if (cJSON_IsString(part) && strcmp(part->string, "dtype") == 0) {
            *dtype = part;
        } else if (cJSON_IsArray(part) && strcmp(part->string, "shape") == 0) {
            *shape = part;
        } else if (cJSON_IsArray(part) && strcmp(part->string, "data_offsets") == 0) {
            *offsets = part;
        }
        n++;
    }
    return n == 3 && *dtype && *shape && *offsets;
}

static const struct dtype_row *find_dtype(const char *name) {
    for (size_t i = 0; i < sizeof dtype_rows / sizeof *dtype_rows; i++) {
        if (strcmp(dtype_rows[i].name, name) == 0) {
            return &dtype_rows[i];
        }
    }
    return NULL;
}

static bool read_shape(const safetensors_file *file, const cJSON *shape, safetensors_tensor *tensor,
                       uint64_t *elements, tool_error *error) {
    *elements = 1;
    tensor->rank = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, shape) {
        uint64_t extent;
        if (tensor->rank == SAFETENSORS_MAX_RANK) {
            return tensor_fail(file, tensor->name, "more than 8 dimensions", error);
        }
        if (!json_uint(item, &extent)) {
            char text[JSON_DESCRIBE_BYTES];
            json_describe(item, text);
            return tool_fail(error, "%s: tensor \"%.200s\": shape[%u] is %s, not a size",
                             file->path, tensor->name, tensor->rank, text);
        }
        if (extent != 0 && *elements > UINT64_MAX / extent) {
            return tensor_fail(file, tensor->name, "the product of its shape overflows", error);
        }
        *elements *= extent;
        tensor->shape[tensor->rank++] = extent;
    }
    return true;
}

static bool read_offsets(const safetensors_file *file, const cJSON *offsets,
                         safetensors_tensor *tensor, tool_error *error) {
    uint64_t range[2];
    size_t n = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, offsets) {
        if (n == 2 || !json_uint(item, &range[n])) {
            return tensor_fail(file, tensor->name, "data_offsets are not two integers", error);
        }
        n++;
    }
    if (n != 2) {
        return tensor_fail(file, tensor->name, "data_offsets are not two integers", error);
    }
    if (range[0] > range[1] || range[1] > file->data_bytes) {
        return tool_fail(error,
                         "%s: tensor \"%.200s\": data_offsets %llu .. %llu, the file has %llu "
                         "bytes of data",
                         file->path, tensor->name, (unsigned long long)range[0],
                         (unsigned long long)range[1], (unsigned long long)file->data_bytes);
    }
    tensor->data = file->data + range[0];
    tensor->size_bytes = range[1] - range[0];
    return true;
}

static bool read_tensor(const safetensors_file *file, const cJSON *entry,
                        safetensors_tensor *tensor, tool_error *error) {
    const cJSON *dtype, *shape, *offsets;
    uint64_t elements;
    tensor->name = entry->string;
    if (!cJSON_IsObject(entry) || !find_parts(entry, &dtype, &shape, &offsets)) {
        return tensor_fail(file, tensor->name,
                           "its entry is not exactly a dtype, a shape and data_offsets", error);
    }
    const struct dtype_row *row = find_dtype(dtype->valuestring);
    if (!row) {
        return tool_fail(error, "%s: tensor \"%.200s\": unknown dtype \"%.40s\"", file->path,
                         tensor->name, dtype->valuestring);
    }
    tensor->dtype = row->dtype;
    strcpy(tensor->dtype_name, row->name);
    if (!read_shape(file, shape, tensor, &elements, error) ||
        !read_offsets(file, offsets, tensor, error)) {
        return false;
    }
    if (elements > UINT64_MAX / row->bits || elements * row->bits % 8 != 0 ||
        elements * row->bits / 8 != tensor->size_bytes) {
        return tool_fail(error, "%s: tensor \"%.200s\": %llu elements of %s in %llu bytes",
                         file->path, tensor->name, (unsigned long long)elements, row->name,
                         (unsigned long long)tensor->size_bytes);
    }
    return true;
}

static bool read_tensors(safetensors_file *file, tool_error *error) {
    size_t n = (size_t)cJSON_GetArraySize(file->header);
    file->tensors = calloc(n + 1, sizeof *file->tensors);
    file->sorted = calloc(n + 1, sizeof *file->sorted);
    if (!file->tensors || !file->sorted) {
        return tool_fail(error, "%s: out of memory for %zu tensors", file->path, n);
    }
    const cJSON *entry;
    cJSON_ArrayForEach(entry, file->header) {
        if (strcmp(entry->string, METADATA_KEY) == 0) {
            file->metadata = entry;
            if (!check_metadata(file, error)) {
                return false;
            }
            continue;
        }
        safetensors_tensor *tensor = &file->tensors[file->n];
        if (!read_tensor(file, entry, tensor, error)) {
            return false;
        }
        file->sorted[file->n++] = tensor;
    }
    return true;
}

static int compare_positions(const void *a, const void *b) {
    const safetensors_tensor *x = *(const safetensors_tensor *const *)a;
    const safetensors_tensor *y = *(const safetensors_tensor *const *)b;
    const unsigned char *p = x->data, *q = y->data;
    if (p != q) {
        return p < q ? -1 : 1;
    }
    return x->size_bytes < y->size_bytes ? -1 : x->size_bytes > y->size_bytes;
}

static int compare_names(const void *a, const void *b) {
    const safetensors_tensor *x = *(const safetensors_tensor *const *)a;
    const safetensors_tensor *y = *(const safetensors_tensor *const *)b;
    return strcmp(x->name, y->name);
}

/* The tensors must cover the data from its first byte to its last, each byte once. */
static bool check_cover(safetensors_file *file, tool_error *error) {
    qsort(file->sorted, file->n, sizeof *file->sorted, compare_positions);
    uint64_t covered = 0;
    for (size_t i = 0; i < file->n; i++) {
        const safetensors_tensor *tensor = file->sorted[i];
        uint64_t begin = (uint64_t)((const unsigned char *)tensor->data - file->data);
        if (begin != covered) {
            return tensor_fail(file, tensor->name,
                               begin < covered ? "overlaps the tensor before it"
                                               : "there is a gap before it",
                               error);
        }
        covered += tensor->size_bytes;
    }
    if (covered != file->data_bytes) {
        return tool_fail(error, "%s: the tensors end %llu bytes before the file does", file->path,
                         (unsigned long long)(file->data_bytes - covered));
    }
    return true;
}

safetensors_file *safetensors_open(const char *path, tool_error *error) {
    safetensors_file *file = calloc(1, sizeof *file);
    if (!file) {
        tool_fail(error, "%s: out of memory", path);
        return NULL;
    }
    file->path = malloc(strlen(path) + 1);
    if (!file->path) {
        tool_fail(error, "%s: out of memory", path);
        goto fail;
    }
    strcpy(file->path, path);
    if (!map_file(file, path, error) || !read_header(file, error) || !read_tensors(file, error) ||
        !check_cover(file, error)) {
        goto fail;
    }
    qsort(file->sorted, file->n, sizeof *file->sorted, compare_names);
    return file;
fail:
    safetensors_close(file);
    return NULL;
}

void safetensors_close(safetensors_file *file) {
    if (!file) {
        return;
    }
    if (file->map) {
        munmap(file->map, file->map_bytes);
    }
    cJSON_Delete(file->header);
    free(file->tensors);
    free(file->sorted);
    free(file->path);
    free(file);
}

size_t safetensors_count(const safetensors_file *file) {
    return file->n;
}

const safetensors_tensor *safetensors_at(const safetensors_file *file, size_t index) {
    return &file->tensors[index];
}

const safetensors_tensor *safetensors_find(const safetensors_file *file, const char *name) {
    safetensors_tensor key = {.name = name};
    const safetensors_tensor *key_pointer = &key;
    const safetensors_tensor **found =
        bsearch(&key_pointer, file->sorted, file->n, sizeof *file->sorted, compare_names);
    return found ? *found : NULL;
}

const char *safetensors_metadata(const safetensors_file *file, const char *key) {
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(file->metadata, key);
    return value ? value->valuestring : NULL;
}

const char *safetensors_path(const safetensors_file *file) {
    return file->path;
}
