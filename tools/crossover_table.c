/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "crossover_table.h"

#include <stdlib.h>

bool crossover_table_load(crossover_table *t, tool_error *error) {
    sparsed_message message;
    size_t room = 0, count = 0;
    *t = (crossover_table){.table = {.struct_size = sizeof t->table}};
    /* Twice, or more often where another process makes the table longer meanwhile. */
    do {
        free(t->rows);
        room = count;
        t->rows = calloc(room + 1, sizeof *t->rows); /* never NULL, that no row is not no table */
        if (!t->rows)
            return tool_fail(error, "out of memory for a crossover table");
        const sparsed_status status = sparsed_crossover_load(NULL, t->rows, &count, &message);
        if (status != SPARSED_OK) {
            const bool damaged = status == SPARSED_E_FORMAT || status == SPARSED_E_VERSION;
            crossover_table_free(t);
            return tool_fail(error, "%s%s", message.text,
                             damaged ? "; mend that file or delete it (`sparsed bench --tune` "
                                       "makes another)"
                                     : "");
        }
    } while (count > room);
    t->table.count = count;
    t->table.rows = t->rows;
    return true;
}

void crossover_table_free(crossover_table *t) {
    free(t->rows);
    *t = (crossover_table){.rows = NULL};
}

void crossover_choice_json(const sparsed_crossover_choice *c, cJSON *to) {
    static const char *const sources[] = {[SPARSED_CROSSOVER_NONE] = "none",
                                          [SPARSED_CROSSOVER_SHIPPED] = "shipped default",
                                          [SPARSED_CROSSOVER_MEASURED] = "measured here"};
    cJSON *o = cJSON_AddObjectToObject(to, "auto");
    cJSON_AddStringToObject(o, "runs", c->dense ? "dense" : "sparsed");
    cJSON_AddStringToObject(o, "row", sources[c->source]);
    cJSON_AddStringToObject(o, "reason", c->reason);
    cJSON_AddNumberToObject(o, "keys", (double)c->length);
    cJSON_AddNumberToObject(o, "expected_density", c->density);
    if (c->source == SPARSED_CROSSOVER_NONE)
        return;
    if (c->row.length > 0)
        cJSON_AddNumberToObject(o, "pays_from", (double)c->row.length);
    else
        cJSON_AddNullToObject(o, "pays_from");
    cJSON_AddNumberToObject(o, "up_to_density", c->row.density);
}
