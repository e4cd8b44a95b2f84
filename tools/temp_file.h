/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * A file that appears whole or not at all: written as PATH.tmp-... in the same folder, then renamed
 * over PATH. An older file of that name stays until then. A PATH that is no regular file (a device,
 * a folder) is refused; a symbolic link is replaced, not followed.
 */
#ifndef TOOLS_TEMP_FILE_H
#define TOOLS_TEMP_FILE_H

#include <stddef.h>

#include "error.h"

typedef struct temp_file {
    int fd;
    char *path, *temp_path;
} temp_file;

/* On failure nothing is left to release. */
bool temp_file_open(temp_file *file, const char *path, tool_error *error);

bool temp_file_write(temp_file *file, const void *bytes, size_t size_bytes, tool_error *error);

/* Flushes to the disk, renames, flushes the folder. Whatever happens, file is released, and the
 * temporary file is gone. */
bool temp_file_commit(temp_file *file, tool_error *error);

/* Removes the temporary file and releases file; for use instead of commit. */
void temp_file_discard(temp_file *file);

#endif
