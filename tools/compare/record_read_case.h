/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Reads one case of a record: its object in the JSON metadata, then its tensors.
 */
#ifndef TOOLS_COMPARE_RECORD_READ_CASE_H
#define TOOLS_COMPARE_RECORD_READ_CASE_H

#include "compare/record_file.h"
#include "json_keys.h"
#include "safetensors.h"

/* object: the case's. r: owns what is allocated. */
bool record_read_case(record *r, const safetensors_file *file, const cJSON *object, record_case *c,
                      tool_error *error);

#endif
