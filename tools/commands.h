/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The subcommands. Each parses its own words (those after its name) and does its job; false with an
 * error otherwise.
 */
#ifndef TOOLS_COMMANDS_H
#define TOOLS_COMMANDS_H

#include "error.h"

bool command_attend(int argc, char **argv, tool_error *error);
bool command_bench(int argc, char **argv, tool_error *error);
bool command_compare(int argc, char **argv, tool_error *error);
bool command_devices(int argc, char **argv, tool_error *error);
bool command_generate(int argc, char **argv, tool_error *error);
bool command_pattern(int argc, char **argv, tool_error *error);

#endif
