/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Names of the statuses, and the version. */
#include <sparsed/sparsed.h>

const char *sparsed_status_string(sparsed_status status) {
    switch (status) {
    case SPARSED_OK:
        return "success";
    case SPARSED_E_INVALID:
        return "invalid argument";
    case SPARSED_E_NOMEM:
        return "out of memory";
    case SPARSED_E_UNSUPPORTED:
        return "not supported by this device";
    case SPARSED_E_STATE:
        return "call out of order";
    case SPARSED_E_NO_DEVICE:
        return "no such device";
    case SPARSED_E_DEVICE:
        return "device failure";
    case SPARSED_E_COMPILE:
        return "kernel does not build";
    case SPARSED_E_SELF_TEST:
        return "kernel failed its self-test";
    case SPARSED_E_IO:
        return "file could not be read or written";
    case SPARSED_E_FORMAT:
        return "not a valid pattern file";
    case SPARSED_E_VERSION:
        return "file of a later format version";
    case SPARSED_E_CHECKSUM:
        return "checksum does not match";
    case SPARSED_E_MISMATCH:
        return "pattern does not fit the problem";
    }
    return "unknown status";
}

uint32_t sparsed_version(void) {
    return (uint32_t)SPARSED_VERSION_MAJOR << 16 | (uint32_t)SPARSED_VERSION_MINOR << 8 |
           (uint32_t)SPARSED_VERSION_PATCH;
}
