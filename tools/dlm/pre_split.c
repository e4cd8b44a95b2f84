/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Cuts text into pieces by regular expressions; see pre_split.h. PCRE2 gets valid UTF-8 only, cut
 * out here: its own check would go through the rest of the text again at every match.
 */
#include "pre_split.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "../utf8.h"

#define MAX_STEPS 8

typedef struct split_step {
    char *pattern;
    pcre2_code *code;
} split_step;

struct dlm_pre_split {
    split_step steps[MAX_STEPS];
    size_t n;
};

typedef struct split_run {
    const dlm_pre_split *split;
    pcre2_match_data *match;
    dlm_piece_fn *piece;
    void *user;
    tool_error *error;
} split_run;

dlm_pre_split *dlm_pre_split_create(void) {
    return calloc(1, sizeof(dlm_pre_split));
}

void dlm_pre_split_free(dlm_pre_split *split) {
    if (!split) {
        return;
    }
    for (size_t i = 0; i < split->n; i++) {
        pcre2_code_free(split->steps[i].code);
        free(split->steps[i].pattern);
    }
    free(split);
}

bool dlm_pre_split_add(dlm_pre_split *split, const char *pattern, bool literal, const char *path,
                       tool_error *error) {
    if (split->n == MAX_STEPS) {
        return tool_fail(error, "%s: more than %d splits in \"pre_tokenizer\"", path, MAX_STEPS);
    }
    uint32_t options = PCRE2_UTF | (literal ? PCRE2_LITERAL : PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C);
    int code_error;
    PCRE2_SIZE at;
    pcre2_code *code =
        pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, options, &code_error, &at, NULL);
    if (!code) {
        char text[128];
        pcre2_get_error_message(code_error, (PCRE2_UCHAR *)text, sizeof text);
        return tool_fail(error, "%s: pattern \"%.300s\": %s at byte %zu", path, pattern, text,
                         (size_t)at);
    }
    char *copy = malloc(strlen(pattern) + 1);
    if (!copy) {
        pcre2_code_free(code);
        return tool_fail(error, "%s: out of memory", path);
    }
    strcpy(copy, pattern);
    /* Where this fails, matching is interpreted: slower, the same pieces. */
    pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
    split->steps[split->n++] = (split_step){copy, code};
    return true;
}

/* The next match at or after from. *found is false if there is none. */
static bool find_match(const split_run *run, const split_step *step, const char *text, size_t size,
                       size_t from, size_t range[2], bool *found) {
    PCRE2_SPTR subject = (PCRE2_SPTR)text;
    uint32_t options = PCRE2_NO_UTF_CHECK;
    int rc = pcre2_match(step->code, subject, size, from, options, run->match, NULL);
    if (rc == PCRE2_ERROR_JIT_STACKLIMIT) {
        options |= PCRE2_NO_JIT;
        rc = pcre2_match(step->code, subject, size, from, options, run->match, NULL);
    }
    *found = rc >= 0;
    if (rc < 0 && rc != PCRE2_ERROR_NOMATCH) {
        char message[128];
        pcre2_get_error_message(rc, (PCRE2_UCHAR *)message, sizeof message);
        return tool_fail(run->error, "tokenizer pattern \"%.300s\" failed: %s", step->pattern,
                         message);
    }
    if (*found) {
        const PCRE2_SIZE *offsets = pcre2_get_ovector_pointer(run->match);
        range[0] = offsets[0];
        range[1] = offsets[1];
    }
    return true;
}

/* text is valid UTF-8. An empty match only cuts. */
static bool split_from(const split_run *run, size_t index, const char *text, size_t size) {
    if (index == run->split->n) {
        return run->piece(run->user, text, size, run->error);
    }
    const split_step *step = &run->split->steps[index];
    size_t emitted = 0, from = 0;
    while (from < size) {
        size_t range[2];
        bool found;
        if (!find_match(run, step, text, size, from, range, &found)) {
            return false;
        }
        if (!found) {
            break;
        }
        if (range[0] > emitted && !split_from(run, index + 1, text + emitted, range[0] - emitted)) {
            return false;
        }
        if (range[1] > range[0] &&
            !split_from(run, index + 1, text + range[0], range[1] - range[0])) {
            return false;
        }
        emitted = from = range[1];
        if (range[0] == range[1]) {
            uint32_t codepoint;
            size_t length = utf8_decode(text + from, size - from, &codepoint);
            from = length > 0 ? from + length : size;
        }
    }
    return emitted == size || split_from(run, index + 1, text + emitted, size - emitted);
}

static size_t invalid_prefix(const char *text, size_t size) {
    uint32_t codepoint;
    size_t n = 0;
    while (n < size && utf8_decode(text + n, size - n, &codepoint) == 0) {
        n++;
    }
    return n;
}

bool dlm_pre_split_run(const dlm_pre_split *split, const char *text, size_t size_bytes,
                       dlm_piece_fn *piece, void *user, tool_error *error) {
    split_run run = {split, pcre2_match_data_create(1, NULL), piece, user, error};
    if (!run.match) {
        return tool_fail(error, "tokenizer: out of memory");
    }
    bool done = true;
    for (size_t at = 0; at < size_bytes && done;) {
        size_t valid = utf8_valid_prefix(text + at, size_bytes - at);
        done = valid == 0 || split_from(&run, 0, text + at, valid);
        at += valid;
        size_t invalid = invalid_prefix(text + at, size_bytes - at);
        done = done && (invalid == 0 || piece(user, text + at, invalid, error));
        at += invalid;
    }
    pcre2_match_data_free(run.match);
    return done;
}
