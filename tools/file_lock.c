/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "file_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int file_lock(const char *path, tool_error *error) {
    char name[PATH_MAX];
    const char *end = strrchr(path, '/');
    const int length =
        snprintf(name, sizeof name, "%.*slock", end ? (int)(end - path) + 1 : 0, path);
    if (length < 0 || (size_t)length >= sizeof name) {
        tool_fail(error, "%s: too long a path", path);
        return -1;
    }
    const int lock = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int result = lock < 0 ? -1 : fcntl(lock, F_SETLKW, &whole);
    while (lock >= 0 && result != 0 && errno == EINTR)
        result = fcntl(lock, F_SETLKW, &whole);
    if (result == 0)
        return lock;
    tool_fail(error, "%s: %s", name, strerror(errno));
    file_unlock(lock);
    return -1;
}

void file_unlock(int lock) {
    if (lock >= 0)
        close(lock);
}
