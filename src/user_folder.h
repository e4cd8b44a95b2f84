/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The user's folder, of built programs and of the crossover table: SPARSED_CACHE_DIR, or
 * XDG_CACHE_HOME/sparsed, or HOME/.cache/sparsed; SPARSED_CACHE_DIR set to "" or "off" switches it
 * off.
 */
#ifndef SPD_USER_FOLDER_H
#define SPD_USER_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

enum { SPD_MAX_PATH_BYTES = 4096 };

/* Its path; false if it is switched off, the environment names none, or the path is too long.
 * Touches no disk. */
bool spd_user_folder_path(char *folder, size_t size);

/* The same, and the folder is there: it is made (mode 0700) if it was not, and it is a folder itself,
 * not a link to one, that belongs to the user and that nobody else can change. */
bool spd_user_folder(char *folder, size_t size);

/* Nobody but the user can have put it there or changed it; of a folder: it is one itself, not a link
 * to one. */
bool spd_is_private(const struct stat *info);
bool spd_folder_is_private(const char *path);

/* Says of a file or folder that was found not to be private why, and what mends it: "/path is a link". */
void spd_why_not_private(const char *path, char *text, size_t size);

#endif
