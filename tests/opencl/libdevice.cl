/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * What libclc's library for NVIDIA takes from libdevice, which comes with CUDA alone. For
 * offline.sh; results are never run.
 */
int __nv_isinff(float x) {
    return (as_uint(x) & 0x7fffffffu) == 0x7f800000u;
}

float __nv_logf(float x) {
    return log2(x) * 0.693147180559945309f;
}
