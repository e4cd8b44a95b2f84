/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Reads a record. Every field, tensor and count is checked before anything of it is used: a record
 * that was read can be compared without looking again, whatever the file was.
 */
#ifndef TOOLS_COMPARE_RECORD_READ_H
#define TOOLS_COMPARE_RECORD_READ_H

#include "compare/record_file.h"

/* r is to be freed whatever happens. A fault names the path, the case and the key or tensor. */
bool record_read(record *r, const char *path, tool_error *error);

#endif
