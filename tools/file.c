/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Paths and whole files; see file.h.
 */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../src/atomic_file.h"

char *file_join(const char *dir, const char *name, tool_error *error) {
    size_t size = strlen(dir) + strlen(name) + 2;
    char *path = malloc(size);
    if (!path) {
        tool_fail(error, "%s/%s: out of memory", dir, name);
        return NULL;
    }
    snprintf(path, size, "%s/%s", dir, name);
    return path;
}

bool file_exists(const char *path) {
    return access(path, F_OK) == 0;
}

bool file_ends_in(const char *path, const char *ending) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t length = strlen(name), tail = strlen(ending);
    return length > tail && strcmp(name + length - tail, ending) == 0;
}

bool file_check_ending(const char *option, const char *path, const char *ending,
                       tool_error *error) {
    return file_ends_in(path, ending) ||
           tool_fail_usage(error, "--%s is '%s', which does not end in %s", option, path, ending);
}

int file_open(const char *path, size_t *size_bytes, tool_error *error) {
    /* Without O_NONBLOCK a pipe would wait here for its writer. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        tool_fail(error, "%s: cannot open: %s", path, strerror(errno));
        return -1;
    }
    struct stat info;
    if (fstat(fd, &info) != 0) {
        tool_fail(error, "%s: cannot read its size: %s", path, strerror(errno));
    } else if (!S_ISREG(info.st_mode)) {
        tool_fail(error, "%s: not a regular file", path);
    } else if ((uintmax_t)info.st_size > SIZE_MAX - 1) {
        tool_fail(error, "%s: too large for this machine", path);
    } else {
        *size_bytes = (size_t)info.st_size;
        return fd;
    }
    close(fd);
    return -1;
}

static bool read_all(int fd, char *bytes, size_t size, const char *path, tool_error *error) {
    size_t done = 0;
    while (done < size) {
        ssize_t got = read(fd, bytes + done, size - done);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return tool_fail(error, "%s: cannot read: %s", path, strerror(errno));
        }
        if (got == 0) {
            return tool_fail(error, "%s: ended after %zu of %zu bytes", path, done, size);
        }
        done += (size_t)got;
    }
    bytes[size] = '\0';
    return true;
}

char *file_read(const char *path, size_t max_bytes, size_t *size_bytes, tool_error *error) {
    size_t size;
    int fd = file_open(path, &size, error);
    if (fd < 0) {
        return NULL;
    }
    char *bytes = NULL;
    if (size > max_bytes) {
        tool_fail(error, "%s: has %zu bytes, more than the %zu allowed", path, size, max_bytes);
        goto done;
    }
    bytes = malloc(size + 1);
    if (!bytes) {
        tool_fail(error, "%s: out of memory for its %zu bytes", path, size);
        goto done;
    }
    if (!read_all(fd, bytes, size, path, error)) {
        free(bytes);
        bytes = NULL;
        goto done;
    }
    *size_bytes = size;
done:
    close(fd);
    return bytes;
}

bool file_check_writable(const char *path, tool_error *error) {
    spd_atomic_file file;
    sparsed_message message;
    if (spd_atomic_file_open(&file, path, &message) != SPARSED_OK)
        return tool_fail(error, "%s", message.text);
    spd_atomic_file_discard(&file);
    return true;
}

bool file_write(const char *path, const void *bytes, size_t size_bytes, tool_error *error) {
    spd_atomic_file file;
    sparsed_message message;
    sparsed_status status = spd_atomic_file_open(&file, path, &message);
    if (status == SPARSED_OK) {
        status = spd_atomic_file_write(&file, bytes, size_bytes, &message);
        if (status == SPARSED_OK)
            status = spd_atomic_file_commit(&file, &message);
        else
            spd_atomic_file_discard(&file);
    }
    return status == SPARSED_OK ? true : tool_fail(error, "%s", message.text);
}
