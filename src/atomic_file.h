/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * A file that appears whole or not at all: written as PATH.PID-N.tmp in the same folder (of a very
 * long name, its beginning), then renamed over PATH. An older file of that name stays until then,
 * and hands its permission bits on. The temporary file is under an exclusive flock while it is
 * written: those of PATH that nobody holds are what killed writers left, and are removed when the
 * next one begins. A PATH that is no regular file (a device, a folder) is refused; a symbolic link
 * is replaced, not followed. Safe between threads and processes. Where the file system has no
 * flock, all of this holds but the removal.
 */
#ifndef SPD_ATOMIC_FILE_H
#define SPD_ATOMIC_FILE_H

#include <sparsed/sparsed.h>

typedef struct spd_atomic_file {
    int fd;          /* of the temporary file */
    int folder;      /* that both names lie in */
    char *path;      /* by malloc, as the next: the same for every caller */
    char *temp_name; /* in the folder */
} spd_atomic_file;

/* SPARSED_OK; SPARSED_E_IO (names path and cause); SPARSED_E_NOMEM. On failure nothing is left to
 * release. message may be NULL, here and below. */
sparsed_status spd_atomic_file_open(spd_atomic_file *file, const char *path,
                                    sparsed_message *message);

/* SPARSED_OK; SPARSED_E_IO: discard the file then. */
sparsed_status spd_atomic_file_write(spd_atomic_file *file, const void *bytes, uint64_t size_bytes,
                                     sparsed_message *message);

/* Flushes to the disk, renames, flushes the folder. Whatever happens, file is released, and the
 * temporary file is gone. SPARSED_OK; SPARSED_E_IO: PATH is as before, or, if only what follows the
 * rename failed, it is the new file, which a power cut may still undo. */
sparsed_status spd_atomic_file_commit(spd_atomic_file *file, sparsed_message *message);

/* Removes the temporary file and releases file; for use instead of commit. */
void spd_atomic_file_discard(spd_atomic_file *file);

#endif
