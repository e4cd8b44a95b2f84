/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * `sparsed bench --serve`: for a program that times another library in turns with this one.
 */
#ifndef TOOLS_BENCH_SERVE_H
#define TOOLS_BENCH_SERVE_H

#include "options.h"

/* One problem, one selection. Prints "ready KERNEL DENSITY SCRATCH_BYTES" once a build has run; then, for
 * each line of standard input that names a pass, runs it and prints its milliseconds. */
bool bench_serve(const bench_options *options, tool_error *error);

#endif
