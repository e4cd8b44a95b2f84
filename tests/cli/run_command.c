/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* See run_command.h. */
#include "cli/run_command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "json_file.h"

void command_add(command_words *words, const char *word) {
    assert_true(words->count < COMMAND_MAX_WORDS);
    words->word[words->count++] = word;
    words->word[words->count] = NULL;
}

void command_add_option(command_words *words, const char *option, const char *value) {
    command_add(words, option);
    command_add(words, value);
}

/* In the child; does not return. */
static void become_command(const command_words *words, FILE *out, FILE *err) {
    char *argv[COMMAND_MAX_WORDS + 2] = {(char *)SPARSED_COMMAND};
    for (size_t i = 0; i < words->count; i++)
        argv[i + 1] = (char *)words->word[i];
    if (dup2(fileno(out), STDOUT_FILENO) >= 0 && dup2(fileno(err), STDERR_FILENO) >= 0)
        execv(SPARSED_COMMAND, argv);
    _exit(127);
}

static char *read_back(FILE *file, size_t *bytes) {
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long size = ftell(file);
    assert_true(size >= 0);
    char *text = calloc((size_t)size + 1, 1);
    assert_non_null(text);
    rewind(file);
    *bytes = (size_t)size;
    assert_int_equal(fread(text, 1, *bytes, file), *bytes);
    fclose(file);
    return text;
}

command_output command_run(const command_words *words) {
    command_output output = {.status = 0};
    FILE *out = tmpfile(), *err = tmpfile();
    int status = 0;
    assert_non_null(out);
    assert_non_null(err);
    fflush(stdout);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        become_command(words, out, err);
    assert_int_equal(waitpid(child, &status, 0), child);
    output.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    output.out = read_back(out, &output.out_bytes);
    output.err = read_back(err, &output.err_bytes);
    return output;
}

void command_output_free(command_output *output) {
    free(output->out);
    free(output->err);
    *output = (command_output){.status = 0};
}

cJSON *command_run_json(const command_words *words) {
    command_output output = command_run(words);
    tool_error error;
    if (output.status != 0)
        fail_msg("exit code %d: %s", output.status, output.err);
    assert_string_equal(output.err, "");
    cJSON *root = json_parse_object(output.out, output.out_bytes, "stdout", &error);
    if (!root)
        fail_msg("%s", error.text);
    command_output_free(&output);
    return root;
}

const cJSON *json_at(const cJSON *root, const char *path) {
    const cJSON *value = root;
    for (const char *at = path; value && *at;) {
        char key[64];
        size_t length = strcspn(at, ".");
        assert_true(length < sizeof key);
        memcpy(key, at, length);
        key[length] = '\0';
        value = cJSON_GetObjectItemCaseSensitive(value, key);
        at += length + (at[length] == '.');
    }
    if (!value)
        fail_msg("the object has no %s", path);
    return value;
}

double json_number(const cJSON *root, const char *path) {
    const cJSON *value = json_at(root, path);
    if (!cJSON_IsNumber(value))
        fail_msg("%s is not a number", path);
    return value->valuedouble;
}

const char *json_string(const cJSON *root, const char *path) {
    const cJSON *value = json_at(root, path);
    if (!cJSON_IsString(value))
        fail_msg("%s is not a string", path);
    return value->valuestring;
}
