/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Puts the failing libOpenCL (failing_opencl.h) between the library and the real one. */
#ifndef TESTS_SUPPORT_USE_FAILING_OPENCL_H
#define TESTS_SUPPORT_USE_FAILING_OPENCL_H

#include "support/failing_opencl.h"

/* From here on this process's contexts go through `file`. Fails the test if it cannot be opened. */
const failing_opencl_control *use_failing_opencl(const char *file);

/* Skips the test, saying so, if there is no usable OpenCL device. */
void need_opencl_device(void);

#endif
