/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* How the loops over registers of x86/ and arm/ are written: functions that vanish in their callers,
 * and loops of at most 8 turns that vanish whole. */
#ifndef SPD_CPU_UNROLLED_H
#define SPD_CPU_UNROLLED_H

#define ALWAYS_INLINE static inline __attribute__((always_inline))
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 8")
#endif

#endif
