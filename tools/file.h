/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Paths and whole files.
 */
#ifndef TOOLS_FILE_H
#define TOOLS_FILE_H

#include <stddef.h>

#include "error.h"

/* DIR/NAME, malloc'd. NULL, with an error, if out of memory. */
char *file_join(const char *dir, const char *name, tool_error *error);

bool file_exists(const char *path);

/* Whether the path's last part is a name and then the ending, ".spdp". */
bool file_ends_in(const char *path, const char *ending);

/* The value of --option, a file to write, must end so. */
bool file_check_ending(const char *option, const char *path, const char *ending, tool_error *error);

/* Opens a regular file for reading and tells its size. -1, with an error that names the path, if it
 * is missing, unreadable or something else (a folder, a pipe). */
int file_open(const char *path, size_t *size_bytes, tool_error *error);

/* Reads a regular file of at most max_bytes; malloc'd, with a NUL behind its last byte. */
char *file_read(const char *path, size_t max_bytes, size_t *size_bytes, tool_error *error);

/* Whether file_write could begin: better known before a run of hours than after it. */
bool file_check_writable(const char *path, tool_error *error);

/* Writes a file, which appears whole or not at all (src/atomic_file.h). */
bool file_write(const char *path, const void *bytes, size_t size_bytes, tool_error *error);

#endif
