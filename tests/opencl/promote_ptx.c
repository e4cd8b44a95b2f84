/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* For offline.sh: promotes the PTX on standard input (cl/promote.h). */
#include "cl/promote.h"
#include "src/alloc.h"

#include <stdio.h>

enum { MAX_BYTES = 1 << 24 };

static char ptx[MAX_BYTES];

int main(void) {
    const sparsed_allocator allocator = spd_default_allocator();
    char *promoted;
    size_t bytes = fread(ptx, 1, MAX_BYTES, stdin), promoted_bytes;
    sparsed_message message = {""};
    if (bytes == MAX_BYTES || ferror(stdin)) {
        fprintf(stderr, "standard input cannot be read, or has %d bytes or more\n", MAX_BYTES);
        return 1;
    }
    if (spd_cl_promote(&allocator, ptx, bytes, &promoted, &promoted_bytes, &message) !=
        SPARSED_OK) {
        fprintf(stderr, "%s\n", message.text);
        return 1;
    }
    size_t written = fwrite(promoted, 1, promoted_bytes, stdout);
    spd_release(&allocator, promoted);
    return written == promoted_bytes && fflush(stdout) == 0 ? 0 : 1;
}
