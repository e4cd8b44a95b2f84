/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "given_file.h"

#include <stdlib.h>

#include "file.h"
#include "json_file.h"

cJSON *bench_given_read(const bench_given_file *file, size_t max_bytes, tool_error *error) {
    size_t size;
    tool_error fault;
    char *text = file_read(file->path, max_bytes, &size, &fault);
    if (!text) {
        tool_fail(error, "--%s: %s", file->option, fault.text);
        return NULL;
    }
    cJSON *root = json_parse_object(text, size, file->path, &fault);
    free(text);
    if (!root)
        bench_given_refuse(file, &fault, error);
    json_hide_controls(root);
    return root;
}

bool bench_given_refuse(const bench_given_file *file, const tool_error *fault, tool_error *error) {
    return tool_fail_usage(error, "--%s is not %s: %s", file->option, file->what, fault->text);
}
