/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * A file that appears whole or not at all; see temp_file.h.
 */
#include "temp_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Left-overs of killed runs with the same process id may be in the way. */
#define NAME_ATTEMPTS 1000

static void release(temp_file *file) {
    if (file->fd >= 0) {
        close(file->fd);
    }
    free(file->path);
    free(file->temp_path);
    *file = (temp_file){.fd = -1};
}

static int create_unique(char *temp_path, size_t size, const char *path) {
    int fd = -1;
    for (int i = 0; i < NAME_ATTEMPTS; i++) {
        snprintf(temp_path, size, "%s.tmp-%ld-%d", path, (long)getpid(), i);
        fd = open(temp_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST) {
            break;
        }
    }
    return fd;
}

bool temp_file_open(temp_file *file, const char *path, tool_error *error) {
    *file = (temp_file){.fd = -1};
    struct stat info;
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode)) {
        return tool_fail(error, "%s: cannot write: not a regular file", path);
    }
    size_t size = strlen(path) + sizeof ".tmp--" + (size_t)2 * 20;
    file->path = malloc(size);
    file->temp_path = malloc(size);
    if (!file->path || !file->temp_path) {
        tool_fail(error, "%s: out of memory", path);
        goto fail;
    }
    strcpy(file->path, path);
    file->fd = create_unique(file->temp_path, size, path);
    if (file->fd < 0) {
        tool_fail(error, "%s: cannot create: %s", file->temp_path, strerror(errno));
        goto fail;
    }
    return true;
fail:
    release(file);
    return false;
}

bool temp_file_write(temp_file *file, const void *bytes, size_t size_bytes, tool_error *error) {
    const char *next = bytes;
    while (size_bytes > 0) {
        ssize_t done = write(file->fd, next, size_bytes);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done < 0) {
            return tool_fail(error, "%s: cannot write: %s", file->temp_path, strerror(errno));
        }
        next += done;
        size_bytes -= (size_t)done;
    }
    return true;
}

static bool sync_folder(char *path, tool_error *error) {
    char *slash = strrchr(path, '/');
    const char *folder = !slash ? "." : slash == path ? "/" : path;
    if (slash) {
        *slash = '\0';
    }
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return tool_fail(error, "%s: cannot open the folder: %s", folder, strerror(errno));
    }
    /* EINVAL: a file system that has no such thing as flushing a folder. */
    bool flushed = fsync(fd) == 0 || errno == EINVAL;
    if (!flushed) {
        tool_fail(error, "%s: cannot flush the folder: %s", folder, strerror(errno));
    }
    close(fd);
    return flushed;
}

bool temp_file_commit(temp_file *file, tool_error *error) {
    if (fsync(file->fd) != 0) {
        tool_fail(error, "%s: cannot flush: %s", file->temp_path, strerror(errno));
        goto fail;
    }
    int closed = close(file->fd);
    file->fd = -1;
    if (closed != 0) {
        tool_fail(error, "%s: cannot close: %s", file->temp_path, strerror(errno));
        goto fail;
    }
    if (rename(file->temp_path, file->path) != 0) {
        tool_fail(error, "%s: cannot rename to %s: %s", file->temp_path, file->path,
                  strerror(errno));
        goto fail;
    }
    bool flushed = sync_folder(file->path, error);
    release(file);
    return flushed;
fail:
    temp_file_discard(file);
    return false;
}

void temp_file_discard(temp_file *file) {
    unlink(file->temp_path);
    release(file);
}
