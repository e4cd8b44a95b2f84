/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * A file that appears whole or not at all; see atomic_file.h. All names are taken relative to the
 * folder as it was opened, so that a change of the working folder moves nothing.
 *
 * Who may remove or rename a temporary file: only the holder of its lock. A writer that loses a new
 * file to a cleaner, between creating and locking it, leaves it to that one and takes another name.
 */
#include "atomic_file.h"

#include "error.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    BASE_BYTES_MAX = 200, /* of a name, in its temporary names: 255 is the usual limit of both */
    SUFFIX_BYTES = 64,    /* room for ".PID-N.tmp" */
    NAME_ATTEMPTS = 1000, /* writers of one process to one path, and lost races */
    PATH_BYTES_SHOWN = 320,
    WRITE_BYTES_MAX = 1 << 30 /* a call of write() may take less than 2^31 */
};

/* "PATH: cannot WHAT: WHY"; of a path too long for a message, the end. */
static sparsed_status fail(sparsed_message *message, const char *path, const char *what,
                           const char *why) {
    size_t length = strlen(path);
    bool is_long = length > PATH_BYTES_SHOWN;
    const char *shown = is_long ? path + length - PATH_BYTES_SHOWN : path;
    return spd_fail(message, SPARSED_E_IO, "%s%s: cannot %s: %s", is_long ? "..." : "",
                    length > 0 ? shown : "\"\"", what, why);
}

static sparsed_status fail_errno(sparsed_message *message, const char *path, const char *what,
                                 int cause) {
    char text[128];
    if (strerror_r(cause, text, sizeof text) != 0)
        snprintf(text, sizeof text, "error %d", cause);
    return fail(message, path, what, text);
}

static const char *name_of(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Bytes of a name that its temporary names begin with: all of them, or as many whole UTF-8
 * characters as leave room for the rest. */
static size_t base_length(const char *name) {
    size_t length = strlen(name);
    if (length <= BASE_BYTES_MAX)
        return length;
    length = BASE_BYTES_MAX;
    while (length > 0 && ((unsigned char)name[length] & 0xC0u) == 0x80u)
        length--;
    return length;
}

/* Whether entry is BASE.<digits>-<digits>.tmp, of name's base. */
static bool is_temp_name(const char *entry, const char *name) {
    static const char *const digits = "0123456789";
    size_t base = base_length(name);
    if (strncmp(entry, name, base) != 0 || entry[base] != '.')
        return false;
    const char *pid = entry + base + 1;
    size_t pid_length = strspn(pid, digits);
    if (pid_length == 0 || pid[pid_length] != '-')
        return false;
    const char *number = pid + pid_length + 1;
    size_t number_length = strspn(number, digits);
    return number_length > 0 && strcmp(number + number_length, ".tmp") == 0;
}

/* 0, or the cause: EWOULDBLOCK if another holds it. */
static int try_lock(int fd) {
    int rc;
    do
        rc = flock(fd, LOCK_EX | LOCK_NB);
    while (rc != 0 && errno == EINTR);
    return rc == 0 ? 0 : errno;
}

static int flush(int fd) {
    int rc;
    do
        rc = fsync(fd);
    while (rc != 0 && errno == EINTR);
    return rc;
}

/* Some network file systems lock exclusively only what is open for writing; the old file's
 * permission bits may not allow that. */
static int open_left_over(int folder, const char *name) {
    const int flags = O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    int fd = openat(folder, name, O_RDWR | flags);
    return fd < 0 && errno == EACCES ? openat(folder, name, O_RDONLY | flags) : fd;
}

/* Removes a temporary file that nobody holds. Its name may by now be that of another file. */
static void remove_unheld(int folder, const char *name) {
    struct stat named, opened;
    if (fstatat(folder, name, &named, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(named.st_mode))
        return;
    int fd = open_left_over(folder, name);
    if (fd < 0)
        return;
    if (try_lock(fd) == 0 && fstat(fd, &opened) == 0 && S_ISREG(opened.st_mode) &&
        fstatat(folder, name, &named, AT_SYMLINK_NOFOLLOW) == 0 && named.st_dev == opened.st_dev &&
        named.st_ino == opened.st_ino)
        unlinkat(folder, name, 0);
    close(fd);
}

/* What cannot be removed stays: it does not hinder the writer. */
static void remove_left_overs(int folder, const char *name) {
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        if (fd >= 0)
            close(fd);
        return;
    }
    const struct dirent *entry;
    while ((entry = readdir(dir)))
        if (is_temp_name(entry->d_name, name))
            remove_unheld(folder, entry->d_name);
    closedir(dir);
}

/* A file system without locks has no cleaners either. */
static bool keeps_new_file(int fd) {
    struct stat info;
    return try_lock(fd) != EWOULDBLOCK && fstat(fd, &info) == 0 && info.st_nlink > 0;
}

/* Creates and locks the temporary file; false, with errno, on failure. */
static bool create_temp(spd_atomic_file *file, mode_t mode) {
    const char *name = name_of(file->path);
    size_t base = base_length(name);
    memcpy(file->temp_name, name, base);
    for (int n = 0; n < NAME_ATTEMPTS; n++) {
        snprintf(file->temp_name + base, SUFFIX_BYTES, ".%ld-%d.tmp", (long)getpid(), n);
        int fd =
            openat(file->folder, file->temp_name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        if (fd < 0 && errno != EEXIST && errno != EINTR)
            return false;
        if (fd >= 0 && keeps_new_file(fd)) {
            file->fd = fd;
            return true;
        }
        if (fd >= 0)
            close(fd);
    }
    errno = EEXIST;
    return false;
}

/* Opens the folder that path lies in; scratch has room for path and one byte more. */
static int open_folder(const char *path, char *scratch) {
    size_t length = (size_t)(name_of(path) - path);
    memcpy(scratch, path, length);
    strcpy(scratch + length, ".");
    return open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void release(spd_atomic_file *file) {
    if (file->fd >= 0)
        close(file->fd);
    if (file->folder >= 0)
        close(file->folder);
    free(file->path);
    free(file->temp_name);
    *file = (spd_atomic_file){.fd = -1, .folder = -1};
}

/* Whether path may be written, and there is an older file; *mode: the permissions to write with. */
static sparsed_status check_target(const char *path, bool *exists, mode_t *mode,
                                   sparsed_message *message) {
    struct stat info;
    *exists = stat(path, &info) == 0;
    *mode = *exists ? info.st_mode & 0777 : 0666;
    if (!*exists && errno != ENOENT)
        return fail_errno(message, path, "write", errno);
    if (*exists && !S_ISREG(info.st_mode))
        return fail(message, path, "write", "not a regular file");
    if (*name_of(path) == '\0')
        return fail(message, path, "write", "it names no file");
    return SPARSED_OK;
}

sparsed_status spd_atomic_file_open(spd_atomic_file *file, const char *path,
                                    sparsed_message *message) {
    bool exists;
    mode_t mode;
    *file = (spd_atomic_file){.fd = -1, .folder = -1};
    sparsed_status status = check_target(path, &exists, &mode, message);
    if (status != SPARSED_OK)
        return status;
    size_t size = strlen(path) + 1;
    file->path = malloc(size);
    file->temp_name = malloc(size + SUFFIX_BYTES);
    if (!file->path || !file->temp_name) {
        status = spd_fail(message, SPARSED_E_NOMEM, "out of memory for a path of %zu bytes", size);
        goto fail;
    }
    memcpy(file->path, path, size);
    file->folder = open_folder(path, file->temp_name);
    if (file->folder < 0) {
        status = fail_errno(message, path, "open its folder", errno);
        goto fail;
    }
    remove_left_overs(file->folder, name_of(path));
    if (!create_temp(file, mode)) {
        status = fail_errno(message, path, "create a temporary file beside it", errno);
        goto fail;
    }
    /* The umask, which open() obeys, is for new files; not every file system has such bits. */
    if (exists)
        (void)fchmod(file->fd, mode);
    return SPARSED_OK;
fail:
    release(file);
    return status;
}

sparsed_status spd_atomic_file_write(spd_atomic_file *file, const void *bytes, uint64_t size_bytes,
                                     sparsed_message *message) {
    const char *next = bytes;
    while (size_bytes > 0) {
        size_t part = size_bytes < WRITE_BYTES_MAX ? (size_t)size_bytes : WRITE_BYTES_MAX;
        ssize_t done = write(file->fd, next, part);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return fail_errno(message, file->path, "write", errno);
        next += done;
        size_bytes -= (uint64_t)done;
    }
    return SPARSED_OK;
}

sparsed_status spd_atomic_file_commit(spd_atomic_file *file, sparsed_message *message) {
    sparsed_status status = SPARSED_OK;
    if (flush(file->fd) != 0) {
        status = fail_errno(message, file->path, "flush to the disk", errno);
        goto fail;
    }
    /* Before close(), which would let go of the lock. */
    if (renameat(file->folder, file->temp_name, file->folder, name_of(file->path)) != 0) {
        status = fail_errno(message, file->path, "rename the temporary file to it", errno);
        goto fail;
    }
    int closed = close(file->fd);
    file->fd = -1;
    /* EINTR: it is closed. EINVAL: a file system that has no such thing as flushing a folder. */
    if (closed != 0 && errno != EINTR)
        status = fail_errno(message, file->path, "close", errno);
    else if (flush(file->folder) != 0 && errno != EINVAL)
        status = fail_errno(message, file->path, "flush its folder", errno);
    release(file);
    return status;
fail:
    spd_atomic_file_discard(file);
    return status;
}

void spd_atomic_file_discard(spd_atomic_file *file) {
    unlinkat(file->folder, file->temp_name, 0);
    release(file);
}
