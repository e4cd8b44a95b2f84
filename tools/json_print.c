/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "json_print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"

bool json_print(cJSON *root, tool_error *error) {
    char *text = root ? cJSON_Print(root) : NULL;
    cJSON_Delete(root);
    if (!text)
        return tool_fail(error, "out of memory for the JSON output");
    bool done = puts(text) >= 0;
    cJSON_free(text);
    return done ? true : tool_fail(error, "standard output: could not write the JSON object");
}

void json_add_text(cJSON *object, const char *key, const char *text) {
    char *repaired = utf8_repair(text, strlen(text));
    cJSON_AddStringToObject(object, key, repaired ? repaired : "");
    free(repaired);
}
