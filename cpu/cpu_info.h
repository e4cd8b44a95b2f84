/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * What processor this is, and whether OpenBLAS knows it.
 */
#ifndef SPD_CPU_INFO_H
#define SPD_CPU_INFO_H

#include <sparsed/sparsed.h>

/* Fills in all but reason and runner_up. Loads OpenBLAS. */
void spd_cpu_describe(sparsed_device_info *info);

#endif
