/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The one place where src/ names its backends. */
#include "backend.h"

const spd_backend *const spd_backends[] = {
#ifdef SPD_OPENCL
    &spd_cl_backend,
#endif
    &spd_cpu_backend, NULL};
