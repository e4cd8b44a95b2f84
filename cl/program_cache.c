/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "program_cache.h"

#include "../src/alloc.h"
#include "../src/atomic_file.h"
#include "../src/hash.h"
#include "../src/user_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_BINARY_BYTES = 256 << 20 };

/* A file: this, then the binary. Host byte order: it never leaves the machine. */
typedef struct cache_header {
    char magic[8];
    sparsed_fingerprint key;
    uint64_t size_bytes;
    uint64_t checksum; /* of the binary */
} cache_header;

static const char magic[8] = {'S', 'P', 'D', 'C', 'L', 'B', '0', '1'};

static sparsed_fingerprint add_text(sparsed_fingerprint print, const char *text) {
    return sparsed_fingerprint_add(print, text, strlen(text));
}

/* The whole texts: what is shown of a device is cut short. */
static sparsed_fingerprint add_device(sparsed_fingerprint key, const spd_cl_state *state) {
    static const cl_platform_info of_platform[] = {CL_PLATFORM_NAME, CL_PLATFORM_VERSION};
    static const cl_device_info of_device[] = {CL_DEVICE_NAME, CL_DEVICE_VENDOR, CL_DEVICE_VERSION,
                                               CL_DRIVER_VERSION, CL_DEVICE_OPENCL_C_VERSION};
    char text[1024];
    for (size_t i = 0; i < sizeof of_platform / sizeof *of_platform; i++) {
        spd_cl_platform_text(&state->api, state->device.platform, of_platform[i], text,
                             sizeof text);
        key = add_text(key, text);
    }
    for (size_t i = 0; i < sizeof of_device / sizeof *of_device; i++) {
        spd_cl_device_text(&state->api, state->device.device, of_device[i], text, sizeof text);
        key = add_text(key, text);
    }
    return key;
}

sparsed_fingerprint spd_cl_cache_key_of(const spd_cl_state *state, const char *const *texts,
                                        size_t count, const char *options) {
    uint32_t version = sparsed_version();
    sparsed_fingerprint key =
        sparsed_fingerprint_add((sparsed_fingerprint){0, 0}, &version, sizeof version);
    for (size_t i = 0; i < count; i++)
        key = add_text(key, texts[i]);
    key = add_text(key, options);
    return add_device(key, state);
}

/* Path of a key's file. */
static bool cache_path(sparsed_fingerprint key, char *path, size_t size) {
    char folder[SPD_MAX_PATH_BYTES];
    if (!spd_user_folder(folder, sizeof folder))
        return false;
    int length = snprintf(path, size, "%s/%016llx%016llx.clbin", folder,
                          (unsigned long long)key.high, (unsigned long long)key.low);
    return length > 0 && (size_t)length < size;
}

bool spd_cl_cache_is_on(void) {
    char folder[SPD_MAX_PATH_BYTES];
    return spd_user_folder(folder, sizeof folder) &&
           faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) == 0;
}

static bool read_all(int fd, void *to, size_t size_bytes) {
    char *next = to;
    while (size_bytes > 0) {
        ssize_t done = read(fd, next, size_bytes);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        next += done;
        size_bytes -= (size_t)done;
    }
    return true;
}

static unsigned char *read_binary(const spd_cl_state *state, int fd, sparsed_fingerprint key,
                                  size_t *size_bytes) {
    cache_header header;
    struct stat info;
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) || !spd_is_private(&info) ||
        !read_all(fd, &header, sizeof header) || memcmp(header.magic, magic, sizeof magic) != 0 ||
        header.key.low != key.low || header.key.high != key.high || header.size_bytes == 0 ||
        header.size_bytes > MAX_BINARY_BYTES ||
        (uint64_t)info.st_size != sizeof header + header.size_bytes)
        return NULL;
    unsigned char *binary = spd_allocate(&state->allocator, header.size_bytes, 1);
    if (!binary)
        return NULL;
    if (!read_all(fd, binary, header.size_bytes) ||
        spd_hash64(binary, header.size_bytes) != header.checksum) {
        spd_release(&state->allocator, binary);
        return NULL;
    }
    *size_bytes = header.size_bytes;
    return binary;
}

unsigned char *spd_cl_cache_load(const spd_cl_state *state, sparsed_fingerprint key,
                                 size_t *size_bytes) {
    char path[SPD_MAX_PATH_BYTES];
    if (!cache_path(key, path, sizeof path))
        return NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return NULL;
    unsigned char *binary = read_binary(state, fd, key, size_bytes);
    close(fd);
    return binary;
}

void spd_cl_cache_store(sparsed_fingerprint key, const unsigned char *binary, size_t size_bytes) {
    char path[SPD_MAX_PATH_BYTES];
    cache_header header = {
        .key = key, .size_bytes = size_bytes, .checksum = spd_hash64(binary, size_bytes)};
    spd_atomic_file file;
    memcpy(header.magic, magic, sizeof magic);
    if (size_bytes > MAX_BINARY_BYTES || !cache_path(key, path, sizeof path) ||
        spd_atomic_file_open(&file, path, NULL) != SPARSED_OK)
        return;
    if (fchmod(file.fd, 0600) == 0 && /* whatever the umask */
        spd_atomic_file_write(&file, &header, sizeof header, NULL) == SPARSED_OK &&
        spd_atomic_file_write(&file, binary, size_bytes, NULL) == SPARSED_OK)
        spd_atomic_file_commit(&file, NULL);
    else
        spd_atomic_file_discard(&file);
}
