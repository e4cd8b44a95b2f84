/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The subcommands of `sparsed pattern`. Each parses its own words (those after its name) and does
 * its job; false with an error otherwise.
 */
#ifndef TOOLS_PATTERN_COMMAND_H
#define TOOLS_PATTERN_COMMAND_H

#include "error.h"

bool pattern_analyze(int argc, char **argv, tool_error *error);
bool pattern_convert(int argc, char **argv, tool_error *error);
bool pattern_diff(int argc, char **argv, tool_error *error);
bool pattern_info(int argc, char **argv, tool_error *error);
bool pattern_rethreshold(int argc, char **argv, tool_error *error);
bool pattern_show(int argc, char **argv, tool_error *error);

#endif
