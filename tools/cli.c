/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "cli.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void cli_add(cli_options *options, cli_option option) {
    if (options->count < CLI_MAX_OPTIONS)
        options->option[options->count++] = option;
}

void cli_set_help(cli_options *options, const char *name, const char *help) {
    for (size_t i = 0; i < options->count; i++)
        if (strcmp(options->option[i].name, name) == 0)
            options->option[i].help = help;
}

void cli_add_operand(cli_options *options, const char *name, const char **value, const char *help) {
    if (options->operands < CLI_MAX_OPERANDS)
        options->operand[options->operands++] = (cli_operand){name, value, help};
}

void cli_add_operand_list(cli_options *options, const char *name, const char **values, size_t room,
                          size_t *count, const char *help) {
    options->list = (cli_operand_list){name, values, room, count, help};
    *count = 0;
}

static const cli_option *find(const cli_options *options, const char *name, size_t length) {
    for (size_t i = 0; i < options->count; i++)
        if (strlen(options->option[i].name) == length &&
            memcmp(options->option[i].name, name, length) == 0)
            return &options->option[i];
    return NULL;
}

static bool parse_uint(const cli_option *option, const char *text, tool_error *error) {
    char *end = NULL;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0)
        return tool_fail_usage(error, "--%s is '%s', not a whole number from 0 on", option->name,
                               text);
    *(uint64_t *)option->value = number;
    return true;
}

static bool parse_real(const cli_option *option, const char *text, tool_error *error) {
    char *end = NULL;
    double number = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(number))
        return tool_fail_usage(error, "--%s is '%s', not a number", option->name, text);
    *(double *)option->value = number;
    return true;
}

static bool set(const cli_option *option, const char *text, tool_error *error) {
    if (option->given)
        *option->given = true;
    switch (option->kind) {
    case CLI_FLAG:
        *(bool *)option->value = true;
        return true;
    case CLI_STRING:
    case CLI_OPTIONAL_STRING:
        *(const char **)option->value = text;
        return true;
    case CLI_UINT:
        return parse_uint(option, text, error);
    case CLI_REAL:
        return parse_real(option, text, error);
    }
    return false;
}

/* The value of the option at argv[*i]: behind '=', or the next word. */
static bool take_value(const cli_option *option, const char *equals, int argc, char **argv, int *i,
                       const char **text, tool_error *error) {
    bool next = *i + 1 < argc;
    *text = "";
    if (equals && option->kind == CLI_FLAG)
        return tool_fail_usage(error, "--%s takes no value, '%s' was given", option->name,
                               equals + 1);
    if (equals)
        *text = equals + 1;
    else if (option->kind == CLI_OPTIONAL_STRING && next && argv[*i + 1][0] != '-')
        *text = argv[++*i];
    else if (option->kind != CLI_FLAG && option->kind != CLI_OPTIONAL_STRING) {
        if (!next)
            return tool_fail_usage(error, "--%s needs a value (%s)", option->name,
                                   option->argument);
        *text = argv[++*i];
    }
    return true;
}

/* The option that a word names, -o or --NAME with or without a value behind '='. */
static const cli_option *find_word(const cli_options *options, const char *word,
                                   const char **equals, tool_error *error) {
    const cli_option *option = NULL;
    *equals = NULL;
    if (strcmp(word, "-o") == 0)
        option = find(options, "output", strlen("output"));
    if (option)
        return option;
    if (strncmp(word, "--", 2) != 0) {
        tool_fail_usage(error, "'%s' is not an option", word);
        return NULL;
    }
    *equals = strchr(word, '=');
    size_t length = *equals ? (size_t)(*equals - word) - 2 : strlen(word) - 2;
    option = find(options, word + 2, length);
    if (!option)
        tool_fail_usage(error, "unknown option '%.*s'", (int)length + 2, word);
    return option;
}

static bool parse_option(const cli_options *options, int argc, char **argv, int *i, bool *seen,
                         tool_error *error) {
    const char *equals, *text;
    const cli_option *option = find_word(options, argv[*i], &equals, error);
    if (!option)
        return false;
    if (seen[option - options->option])
        return tool_fail_usage(error, "--%s is given twice", option->name);
    seen[option - options->option] = true;
    return take_value(option, equals, argc, argv, i, &text, error) && set(option, text, error);
}

static bool take_of_list(const cli_operand_list *list, const char *word, tool_error *error) {
    if (*list->count == list->room)
        return tool_fail_usage(error, "'%s' is one too many, %zu are the most", word, list->room);
    if (!word[0])
        return tool_fail_usage(error, "one of %s is ''", list->name);
    list->values[(*list->count)++] = word;
    return true;
}

static bool take_operand(const cli_options *options, const char *word, size_t *taken,
                         tool_error *error) {
    if (options->list.name)
        return take_of_list(&options->list, word, error);
    if (options->operands == 0)
        return tool_fail_usage(error, "'%s' is not an option", word);
    if (*taken == options->operands)
        return tool_fail_usage(error, "'%s' is one word too many", word);
    if (!word[0])
        return tool_fail_usage(error, "%s is ''", options->operand[*taken].name);
    *options->operand[(*taken)++].value = word;
    return true;
}

bool cli_parse(const cli_options *options, int argc, char **argv, bool *help, tool_error *error) {
    bool seen[CLI_MAX_OPTIONS] = {false};
    size_t taken = 0;
    *help = false;
    for (int i = 0; i < argc; i++) {
        const char *word = argv[i];
        if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
            *help = true;
            return true;
        }
        bool parsed = word[0] == '-' ? parse_option(options, argc, argv, &i, seen, error)
                                     : take_operand(options, word, &taken, error);
        if (!parsed)
            return false;
    }
    if (taken < options->operands)
        return tool_fail_usage(error, "%s is missing", options->operand[taken].name);
    if (options->list.name && *options->list.count == 0)
        return tool_fail_usage(error, "%s is missing", options->list.name);
    return true;
}

/* Words of text from column 30 on, no line longer than 100. */
static void print_wrapped(const char *text, FILE *to) {
    enum { INDENT = 30, WIDTH = 100 };
    int column = INDENT;
    while (*text) {
        int length = (int)strcspn(text, " ");
        if (column > INDENT && column + 1 + length > WIDTH) {
            fprintf(to, "\n%*s", INDENT, "");
            column = INDENT;
        }
        column += fprintf(to, "%s%.*s", column > INDENT ? " " : "", length, text);
        text += length + (text[length] == ' ');
    }
    fputc('\n', to);
}

/* The help behind a name that took `used` columns. */
static void print_help_of(int used, const char *text, FILE *to) {
    if (used > 28)
        fprintf(to, "\n%*s", 30, "");
    else
        fprintf(to, "%*s", 30 - used, "");
    print_wrapped(text, to);
}

void cli_print_options(const cli_options *options, FILE *to) {
    for (size_t i = 0; i < options->operands; i++)
        print_help_of(fprintf(to, "  %s", options->operand[i].name), options->operand[i].help, to);
    if (options->list.name)
        print_help_of(fprintf(to, "  %s", options->list.name), options->list.help, to);
    for (size_t i = 0; i < options->count; i++) {
        const cli_option *o = &options->option[i];
        const char *argument = o->argument ? o->argument : "";
        const char *brief = strcmp(o->name, "output") == 0 ? "-o, " : "";
        int used = fprintf(to, o->kind == CLI_OPTIONAL_STRING ? "  %s--%s[=%s]" : "  %s--%s %s",
                           brief, o->name, argument);
        print_help_of(used, o->help, to);
    }
}
