/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Runs compile.sh, with files in a folder for this one call. */
#include "emulated/opencl.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

typedef struct folder {
    char path[200];
    char source[224], ptx[224], log[224];
} folder;

static bool make(folder *f) {
    const char *parent = getenv("TMPDIR");
    snprintf(f->path, sizeof f->path, "%.150s/emulated-XXXXXX",
             parent && parent[0] ? parent : "/tmp");
    if (!mkdtemp(f->path))
        return false;
    snprintf(f->source, sizeof f->source, "%s/kernel.cl", f->path);
    snprintf(f->ptx, sizeof f->ptx, "%s/kernel.ptx", f->path);
    snprintf(f->log, sizeof f->log, "%s/log", f->path);
    return true;
}

static void remove_all(const folder *f) {
    unlink(f->source);
    unlink(f->ptx);
    unlink(f->log);
    rmdir(f->path);
}

static bool write_text(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    if (!file)
        return false;
    bool written = fputs(text, file) >= 0;
    return fclose(file) == 0 && written;
}

/* From malloc; NULL if it cannot be read. */
static char *read_text(const char *path) {
    FILE *file = fopen(path, "r");
    long bytes = 0;
    if (file && fseek(file, 0, SEEK_END) == 0)
        bytes = ftell(file);
    char *text = file && bytes >= 0 ? emulated_allocate((size_t)bytes + 1) : NULL;
    if (text) {
        rewind(file);
        text[fread(text, 1, (size_t)bytes, file)] = '\0';
    }
    if (file)
        fclose(file);
    return text;
}

/* Whether the script ends well. */
static bool run(folder *f, const char *options) {
    char processor[16], *own_options = emulated_allocate(strlen(options) + 1);
    char bash[] = "bash", script[] = EMULATED_COMPILER;
    posix_spawn_file_actions_t actions;
    pid_t child;
    int status = -1;
    snprintf(processor, sizeof processor, "sm_%u", emulated_capability());
    strcpy(own_options, options);
    char *const arguments[] = {bash, script, f->source, f->ptx, processor, own_options, NULL};
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, f->log, O_WRONLY | O_CREAT | O_TRUNC,
                                     0600);
    posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    if (posix_spawnp(&child, bash, &actions, NULL, arguments, environ) == 0)
        waitpid(child, &status, 0);
    posix_spawn_file_actions_destroy(&actions);
    free(own_options);
    return status == 0;
}

char *emulated_compile(const char *text, const char *options, char **log) {
    folder f;
    char *ptx = NULL;
    *log = NULL;
    if (!make(&f))
        return NULL;
    if (write_text(f.source, text) && run(&f, options))
        ptx = read_text(f.ptx);
    *log = read_text(f.log);
    remove_all(&f);
    return ptx;
}
