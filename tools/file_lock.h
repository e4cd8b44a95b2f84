/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * One process at a time, for a file that is read, changed and written anew.
 */
#ifndef TOOLS_FILE_LOCK_H
#define TOOLS_FILE_LOCK_H

#include "error.h"

/* Waits until no other process holds the lock of `path`: the file `lock` in its folder, which stays.
 * Returns what file_unlock takes, or -1 with an error. */
int file_lock(const char *path, tool_error *error);
void file_unlock(int lock);

#endif
