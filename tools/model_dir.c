/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "model_dir.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"

static bool has_config(const char *dir) {
    tool_error ignored;
    char *config = file_join(dir, "config.json", &ignored);
    bool found = config && file_exists(config);
    free(config);
    return found;
}

/* ../share/sparsed/models/tiny-dream beside the folder of this program: where an installation that
 * was moved has it. */
static void beside_program(char *dir, size_t size) {
    char program[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    dir[0] = '\0';
    if (length <= 0)
        return;
    program[length] = '\0';
    char *slash = strrchr(program, '/');
    if (!slash)
        return;
    *slash = '\0';
    int used = snprintf(dir, size, "%s/../share/sparsed/models/tiny-dream", program);
    if (used < 0 || (size_t)used >= size)
        dir[0] = '\0';
}

char *model_dir_find(const char *asked, tool_error *error) {
    char moved[PATH_MAX];
    const char *const built_in[] = {moved, SPARSED_DATA_DIR "/models/tiny-dream",
                                    SPARSED_SOURCE_DIR "/models/tiny-dream"};
    const char *dir = asked ? asked : getenv("SPARSED_MODEL");
    if (dir && !dir[0])
        dir = NULL;
    beside_program(moved, sizeof moved);
    for (size_t i = 0; !dir && i < sizeof built_in / sizeof *built_in; i++)
        if (built_in[i][0] && has_config(built_in[i]))
            dir = built_in[i];
    if (!dir) {
        tool_fail(error, "no model: give --model DIR or SPARSED_MODEL; there is none in %s or %s",
                  built_in[1], built_in[2]);
        return NULL;
    }
    size_t size = strlen(dir) + 1;
    char *copy = malloc(size);
    if (copy)
        memcpy(copy, dir, size);
    else
        tool_fail(error, "out of memory");
    return copy;
}
