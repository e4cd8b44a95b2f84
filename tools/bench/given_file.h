/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * A file of JSON that the command line names. One that cannot be read is a failure; one that is not
 * what the option takes is a fault of the command line. Both are told with the option.
 */
#ifndef TOOLS_BENCH_GIVEN_FILE_H
#define TOOLS_BENCH_GIVEN_FILE_H

#include <cjson/cJSON.h>
#include <stddef.h>

#include "error.h"

typedef struct bench_given_file {
    const char *option; /* "peers" */
    const char *what;   /* that it takes, in words */
    const char *path;
} bench_given_file;

/* The file's object, its texts without control characters; NULL on failure. */
cJSON *bench_given_read(const bench_given_file *file, size_t max_bytes, tool_error *error);

/* It is not what the option takes; fault, which names the path, says why. */
bool bench_given_refuse(const bench_given_file *file, const tool_error *fault, tool_error *error);

#endif
