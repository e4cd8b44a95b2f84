/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "model_dir.h"

#include <stdlib.h>
#include <string.h>

#include "file.h"

static bool has_config(const char *dir) {
    tool_error ignored;
    char *config = file_join(dir, "config.json", &ignored);
    bool found = config && file_exists(config);
    free(config);
    return found;
}

char *model_dir_find(const char *asked, tool_error *error) {
    static const char *const built_in[] = {SPARSED_DATA_DIR "/models/tiny-dream",
                                           SPARSED_SOURCE_DIR "/models/tiny-dream"};
    const char *dir = asked ? asked : getenv("SPARSED_MODEL");
    if (dir && !dir[0])
        dir = NULL;
    for (size_t i = 0; !dir && i < sizeof built_in / sizeof *built_in; i++)
        if (has_config(built_in[i]))
            dir = built_in[i];
    if (!dir) {
        tool_fail(error, "no model: give --model DIR or SPARSED_MODEL; there is none in %s or %s",
                  built_in[0], built_in[1]);
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
