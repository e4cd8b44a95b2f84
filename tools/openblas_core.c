/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "openblas_core.h"

#include <sparsed/sparsed.h>

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../cpu/processor.h"

/* In the child: asks the library which core type it wants, and writes it to the pipe. */
static void ask(int to) {
    sparsed_device_info info = {.struct_size = sizeof info};
    size_t count = 1;
    if (sparsed_device_list(&info, &count, NULL) == SPARSED_OK) {
        ssize_t written = write(to, info.blas_core_wanted, sizeof info.blas_core_wanted);
        (void)written;
    }
    _exit(0);
}

void openblas_core_repair(void) {
    char wanted[sizeof((sparsed_device_info){0}).blas_core_wanted] = "";
    int ends[2];
    if (spd_isa_highest() != SPD_ISA_BASELINE || getenv("OPENBLAS_CORETYPE") || pipe(ends) != 0)
        return;
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        ask(ends[1]);
    }
    close(ends[1]);
    ssize_t got = child > 0 ? read(ends[0], wanted, sizeof wanted) : 0;
    close(ends[0]);
    if (child > 0)
        waitpid(child, NULL, 0);
    if (got == (ssize_t)sizeof wanted && wanted[0] && memchr(wanted, '\0', sizeof wanted))
        setenv("OPENBLAS_CORETYPE", wanted, 1);
}
