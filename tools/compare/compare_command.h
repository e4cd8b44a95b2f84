/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The subcommands of `sparsed compare`, as commands.h has those of `sparsed`.
 */
#ifndef TOOLS_COMPARE_COMPARE_COMMAND_H
#define TOOLS_COMPARE_COMPARE_COMMAND_H

#include "error.h"

bool compare_record(int argc, char **argv, tool_error *error);
bool compare_report(int argc, char **argv, tool_error *error);

#endif
