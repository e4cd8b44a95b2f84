/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * A crossover table as a file. Text: a line "sparsed crossover 1", then a line a row, its fields a
 * space apart: kernel, dtype, head dimension, block_q, block_k, density, shortest, longest, length,
 * and the device's name to the end of the line. Lines that begin with # say nothing.
 */
#include "atomic_file.h"
#include "crossover.h"
#include "user_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_FILE_BYTES = 1 << 20, MAX_LINE_BYTES = 512, DENSITY_UNITS = 10000 };

static const char first_line[] = "sparsed crossover 1";
static const char heading[] =
    "# Where sparse attention begins to pay on this machine: written by `sparsed bench --tune`.\n"
    "# kernel dtype head_dim block_q block_k density shortest longest length device\n";

sparsed_status sparsed_crossover_path(char *path, size_t size_bytes, sparsed_message *message) {
    char folder[SPD_MAX_PATH_BYTES];
    spd_message_clear(message);
    if (!path)
        return spd_fail(message, SPARSED_E_INVALID, "path is NULL");
    if (!spd_user_folder_path(folder, sizeof folder))
        return spd_fail(message, SPARSED_E_INVALID,
                        "there is no folder for a crossover table: SPARSED_CACHE_DIR, "
                        "XDG_CACHE_HOME and HOME name none, or the first is \"off\"");
    int length = snprintf(path, size_bytes, "%s/crossover.txt", folder);
    if (length < 0 || (size_t)length >= size_bytes)
        return spd_fail(message, SPARSED_E_INVALID, "path has room for %zu bytes, not for %d",
                        size_bytes, length + 1);
    return SPARSED_OK;
}

/* ---- reading ---- */

/* The number at *text, of at most 10 digits, and the space behind it. */
static bool take_number(char **text, uint64_t *number) {
    int digits = 0;
    for (*number = 0; **text >= '0' && **text <= '9' && digits < 11; digits++)
        *number = *number * 10 + (uint64_t)(*(*text)++ - '0');
    return digits >= 1 && digits <= 10 && *(*text)++ == ' ';
}

static bool take_uint32(char **text, uint32_t *number) {
    uint64_t wide;
    if (!take_number(text, &wide) || wide > UINT32_MAX)
        return false;
    *number = (uint32_t)wide;
    return true;
}

/* "0.3050 " or "1.0000 ", without the C library, whose decimal point is the locale's. */
static bool take_density(char **text, double *density) {
    uint64_t whole = 0, part = 0;
    if (**text < '0' || **text > '1' || (*text)[1] != '.')
        return false;
    whole = (uint64_t)(**text - '0');
    *text += 2;
    const char *digits = *text;
    if (!take_number(text, &part) || *text - digits != 5)
        return false;
    *density = (double)(whole * DENSITY_UNITS + part) / DENSITY_UNITS;
    return true;
}

static bool take_word(char **text, char *word, size_t size) {
    size_t length = strcspn(*text, " ");
    if (length == 0 || length >= size || (*text)[length] != ' ')
        return false;
    memcpy(word, *text, length);
    word[length] = '\0';
    *text += length + 1;
    return true;
}

static bool take_dtype(char **text, uint32_t *dtype) {
    char word[8];
    if (!take_word(text, word, sizeof word))
        return false;
    for (*dtype = SPARSED_F32; *dtype <= SPARSED_BF16; (*dtype)++)
        if (strcmp(word, spd_dtype_string(*dtype)) == 0)
            return true;
    return false;
}

static bool parse_row(char *line, sparsed_crossover_row *row) {
    *row = (sparsed_crossover_row){.source = SPARSED_CROSSOVER_MEASURED};
    if (!take_word(&line, row->kernel, sizeof row->kernel) || !take_dtype(&line, &row->dtype) ||
        !take_uint32(&line, &row->head_dim) || !take_uint32(&line, &row->block_q) ||
        !take_uint32(&line, &row->block_k) || !take_density(&line, &row->density) ||
        !take_number(&line, &row->shortest) || !take_number(&line, &row->longest) ||
        !take_number(&line, &row->length))
        return false;
    size_t length = strlen(line);
    if (length >= sizeof row->device)
        return false;
    memcpy(row->device, line, length + 1);
    return spd_crossover_check_row(row, 0, NULL) == SPARSED_OK;
}

/* The rows of a file's text, of which rows takes `room`. Writes into text. */
static sparsed_status parse(const char *path, char *text, sparsed_crossover_row *rows, size_t room,
                            size_t *count, sparsed_message *message) {
    char *next = text;
    for (unsigned number = 1; *next; number++) {
        sparsed_crossover_row row;
        char *line = next;
        size_t length = strcspn(line, "\n");
        next += length + (line[length] == '\n');
        line[length] = '\0';
        if (number == 1 && strncmp(line, first_line, sizeof first_line - 2) == 0 &&
            strcmp(line, first_line) != 0)
            return spd_fail(message, SPARSED_E_VERSION, "%s: '%.40s', but this library reads '%s'",
                            path, line, first_line);
        if (number > 1 && line[0] == '#')
            continue;
        if (number == 1 ? strcmp(line, first_line) != 0 : !parse_row(line, &row))
            return spd_fail(message, SPARSED_E_FORMAT, "%s: line %u is not %s", path, number,
                            number == 1 ? first_line : "a row of a crossover table");
        if (number == 1)
            continue;
        if (*count < room)
            rows[*count] = row;
        (*count)++;
    }
    return SPARSED_OK;
}

/* By the rows of a table a pipeline decides what it runs: none is read or stored that others can have
 * written. which: the table itself, or the folder that it lies in. */
static sparsed_status refuse(const char *table, const char *done, const char *which,
                             sparsed_message *message) {
    char why[sizeof message->text];
    spd_why_not_private(which, why, sizeof why);
    return spd_fail(message, SPARSED_E_IO, "%s is not %s: %s", table, done, why);
}

/* The file as text, "" if it does not exist; NULL on failure. folder: the user's, which the file lies
 * in; NULL: the caller names the file, and answers for it. */
static char *read_text(const char *path, const char *folder, sparsed_status *status,
                       sparsed_message *message) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | (folder ? O_NOFOLLOW : 0));
    struct stat info;
    char *text = NULL;
    *status = SPARSED_OK;
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return calloc(1, 1);
    const bool is_link = fd < 0 && folder && errno == ELOOP; /* which is not followed */
    if (!is_link && (fd < 0 || fstat(fd, &info) != 0))
        *status = spd_fail(message, SPARSED_E_IO, "%s: %s", path, strerror(errno));
    else if (is_link || (folder && !spd_is_private(&info)))
        *status = refuse(path, "read", path, message);
    else if (folder && !spd_folder_is_private(folder))
        *status = refuse(path, "read", folder, message);
    else if (!S_ISREG(info.st_mode) || info.st_size > MAX_FILE_BYTES)
        *status = spd_fail(message, SPARSED_E_FORMAT, "%s: no file of at most %d bytes", path,
                           MAX_FILE_BYTES);
    else if (!(text = calloc(1, (size_t)info.st_size + 1)))
        *status = spd_fail(message, SPARSED_E_NOMEM, "no memory for a crossover table");
    else if (read(fd, text, (size_t)info.st_size) != info.st_size)
        *status = spd_fail(message, SPARSED_E_IO, "%s: could not be read whole", path);
    if (fd >= 0)
        close(fd);
    if (text && *status == SPARSED_OK && strlen(text) != (size_t)info.st_size)
        *status = spd_fail(message, SPARSED_E_FORMAT, "%s: byte %zu is 0", path, strlen(text));
    if (*status == SPARSED_OK)
        return text;
    free(text);
    return NULL;
}

static sparsed_status load_file(const char *path, const char *folder, sparsed_crossover_row *rows,
                                size_t room, size_t *count, sparsed_message *message) {
    sparsed_status status;
    char *text = read_text(path, folder, &status, message);
    if (!text && status == SPARSED_OK)
        status = spd_fail(message, SPARSED_E_NOMEM, "no memory for a crossover table");
    if (text)
        status = parse(path, text, rows, room, count, message);
    free(text);
    return status;
}

sparsed_status sparsed_crossover_load(const char *path, sparsed_crossover_row *rows, size_t *count,
                                      sparsed_message *message) {
    char users[SPD_MAX_PATH_BYTES] = ""; /* stays so where there is none */
    char folder[SPD_MAX_PATH_BYTES];
    size_t found = 0;
    spd_message_clear(message);
    if (!count)
        return spd_fail(message, SPARSED_E_INVALID, "count is NULL");
    const size_t room = rows ? *count : 0;
    sparsed_status status = SPARSED_OK;
    if (path && path[0])
        status = load_file(path, NULL, rows, room, &found, message);
    else if (!path && spd_user_folder_path(folder, sizeof folder) &&
             sparsed_crossover_path(users, sizeof users, NULL) == SPARSED_OK)
        status = load_file(users, folder, rows, room, &found, message);
    if (status != SPARSED_OK)
        return status;
    for (size_t i = 0; i < spd_crossover_shipped_count; i++, found++)
        if (found < room)
            rows[found] = spd_crossover_shipped[i];
    *count = found;
    return SPARSED_OK;
}

/* ---- writing ---- */

static sparsed_status write_row(spd_atomic_file *file, const sparsed_crossover_row *row,
                                sparsed_message *message) {
    char line[MAX_LINE_BYTES];
    /* Rounded up: a row holds for at most its density. */
    unsigned density = (unsigned)ceil(row->density * DENSITY_UNITS - 1e-6);
    int length = snprintf(line, sizeof line, "%s %s %u %u %u %u.%04u %llu %llu %llu %s\n",
                          row->kernel, spd_dtype_string(row->dtype), row->head_dim, row->block_q,
                          row->block_k, density / DENSITY_UNITS, density % DENSITY_UNITS,
                          (unsigned long long)row->shortest, (unsigned long long)row->longest,
                          (unsigned long long)row->length, row->device);
    return spd_atomic_file_write(file, line, (uint64_t)length, message);
}

/* only_users: no other may read or write it, whatever the umask. */
static sparsed_status write_file(const char *path, bool only_users,
                                 const sparsed_crossover_row *rows, size_t count,
                                 sparsed_message *message) {
    spd_atomic_file file;
    sparsed_status status = spd_atomic_file_open(&file, path, message);
    if (status != SPARSED_OK)
        return status;
    if (only_users && fchmod(file.fd, 0600) != 0)
        status = spd_fail(message, SPARSED_E_IO, "%s: %s", path, strerror(errno));
    if (status == SPARSED_OK)
        status = spd_atomic_file_write(&file, first_line, sizeof first_line - 1, message);
    if (status == SPARSED_OK)
        status = spd_atomic_file_write(&file, "\n", 1, message);
    if (status == SPARSED_OK)
        status = spd_atomic_file_write(&file, heading, sizeof heading - 1, message);
    for (size_t i = 0; i < count && status == SPARSED_OK; i++)
        if (rows[i].source == SPARSED_CROSSOVER_MEASURED)
            status = write_row(&file, &rows[i], message);
    if (status == SPARSED_OK)
        return spd_atomic_file_commit(&file, message);
    spd_atomic_file_discard(&file);
    return status;
}

sparsed_status sparsed_crossover_save(const char *path, const sparsed_crossover_row *rows,
                                      size_t count, sparsed_message *message) {
    char users[SPD_MAX_PATH_BYTES], folder[SPD_MAX_PATH_BYTES];
    struct stat info;
    spd_message_clear(message);
    if (count > 0 && !rows)
        return spd_fail(message, SPARSED_E_INVALID, "rows is NULL");
    for (size_t i = 0; i < count; i++) {
        sparsed_status status = spd_crossover_check_row(&rows[i], i, message);
        if (status != SPARSED_OK)
            return status;
    }
    if (path)
        return write_file(path, false, rows, count, message);
    sparsed_status status = sparsed_crossover_path(users, sizeof users, message);
    if (status != SPARSED_OK)
        return status;
    if (!spd_user_folder(folder, sizeof folder)) {
        const int cause = errno;
        return lstat(folder, &info) == 0
                   ? refuse(users, "stored", folder, message)
                   : spd_fail(message, SPARSED_E_IO, "%s: its folder cannot be made: %s", users,
                              strerror(cause));
    }
    return write_file(users, true, rows, count, message);
}
