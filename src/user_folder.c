/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "user_folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool spd_is_private(const struct stat *info) {
    return info->st_uid == geteuid() && (info->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

bool spd_folder_is_private(const char *path) {
    struct stat info;
    return lstat(path, &info) == 0 && S_ISDIR(info.st_mode) && spd_is_private(&info);
}

void spd_why_not_private(const char *path, char *text, size_t size) {
    struct stat info;
    if (lstat(path, &info) != 0)
        snprintf(text, size, "%s: %s", path, strerror(errno));
    else if (S_ISLNK(info.st_mode))
        snprintf(text, size, "%s is a link", path);
    else if (info.st_uid != geteuid())
        snprintf(text, size, "%s does not belong to this user", path);
    else if (spd_is_private(&info))
        snprintf(text, size, "%s is no folder", path);
    else
        snprintf(text, size, "others may change %s; `chmod go-w %s` mends that", path, path);
}

/* Makes a folder that only the user may enter, or finds one that only the user may change. */
static bool private_folder(const char *path) {
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return false;
    return spd_folder_is_private(path);
}

bool spd_user_folder_path(char *folder, size_t size) {
    const char *own = getenv("SPARSED_CACHE_DIR"), *xdg = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    int length;
    if (own && (!own[0] || strcmp(own, "off") == 0))
        return false;
    if (own)
        length = snprintf(folder, size, "%s", own);
    else if (xdg && xdg[0])
        length = snprintf(folder, size, "%s/sparsed", xdg);
    else if (home && home[0])
        length = snprintf(folder, size, "%s/.cache/sparsed", home);
    else
        return false;
    return length > 0 && (size_t)length < size;
}

/* The folder that a default folder lies in is made too. */
static void make_parent(const char *folder) {
    char parent[SPD_MAX_PATH_BYTES];
    const char *end = strrchr(folder, '/');
    size_t length = end ? (size_t)(end - folder) : 0;
    if (getenv("SPARSED_CACHE_DIR") || length == 0 || length >= sizeof parent)
        return;
    memcpy(parent, folder, length);
    parent[length] = '\0';
    mkdir(parent, 0700); /* if it cannot be made, the next one cannot either */
}

bool spd_user_folder(char *folder, size_t size) {
    if (!spd_user_folder_path(folder, size))
        return false;
    make_parent(folder);
    return private_folder(folder);
}
