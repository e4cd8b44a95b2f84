/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Runs the built command and takes what it says. Whatever goes wrong in here fails the test that
 * runs.
 */
#ifndef TESTS_CLI_RUN_COMMAND_H
#define TESTS_CLI_RUN_COMMAND_H

#include <cjson/cJSON.h>
#include <stddef.h>

/* The words of a command line after "sparsed". */
enum { COMMAND_MAX_WORDS = 48 };
typedef struct command_words {
    size_t count;
    const char *word[COMMAND_MAX_WORDS + 1];
} command_words;

void command_add(command_words *words, const char *word);
/* Adds --NAME VALUE; the strings must live as long as the words. */
void command_add_option(command_words *words, const char *option, const char *value);

typedef struct command_output {
    int status; /* exit code; 128 and more: ended by a signal */
    char *out, *err;
    size_t out_bytes, err_bytes; /* a NUL follows */
} command_output;

command_output command_run(const command_words *words);
void command_output_free(command_output *output);

/* Runs it, expects success and one JSON object on stdout, with nothing on stderr: valid UTF-8, no
 * key twice. The caller calls cJSON_Delete. */
cJSON *command_run_json(const command_words *words);

/* A value by its path, "compare.dense.tokens"; the test fails if there is none. */
const cJSON *json_at(const cJSON *root, const char *path);
double json_number(const cJSON *root, const char *path);
const char *json_string(const cJSON *root, const char *path);

#endif
