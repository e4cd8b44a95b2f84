/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Which builds of a schedule are made: a pipeline's rule, and the benchmark's, which counts steps without
 * a device.
 */
#ifndef SPD_UNUSED_BUILDS_H
#define SPD_UNUSED_BUILDS_H

#include <sparsed/sparsed.h>

/* A build whose pattern no later sparse step uses, because the schedule ends or builds anew first,
 * is work for nothing: such steps run dense, unless the last pattern or all are to be read. flags:
 * the schedule's. */
void spd_drop_unused_builds(sparsed_schedule_entry *entries, uint32_t steps, uint32_t flags);

#endif
