/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * OpenBLAS picks its kernels by the processor's model number, once, when it is loaded, and takes
 * processors that are newer than itself for much older ones.
 */
#ifndef TOOLS_OPENBLAS_CORE_H
#define TOOLS_OPENBLAS_CORE_H

/* Sets OPENBLAS_CORETYPE if OpenBLAS would choose a core type that is far too slow, at the level
 * baseline: the others do without OpenBLAS. For main(),
 * before any thread exists: OpenBLAS is loaded in a child process only, to ask it. Leaves a value
 * that the user has set. */
void openblas_core_repair(void);

#endif
