/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Stored programs: what the key is made of, damage, folders that cannot be trusted, and that a
 * stored program saves the build. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cl/program_cache.h"
#include "src/alloc.h"
#include "support/attention_case.h"
#include "support/test_files.h"
#include "support/use_failing_opencl.h"

enum { HEADER_BYTES = 40, BINARY_BYTES = 300 };

static const failing_opencl_control *failing;

static const sparsed_fingerprint key = {0x0123456789abcdef, 0xfedcba9876543210};
static unsigned char binary[BINARY_BYTES];

/* ---- the key ---- */

enum { PLATFORM_TEXTS = 2, TEXTS = 7 };

static const cl_uint text_names[TEXTS] = {
    CL_PLATFORM_NAME,          CL_PLATFORM_VERSION, CL_DEVICE_NAME,
    CL_DEVICE_VENDOR,          CL_DEVICE_VERSION,   CL_DRIVER_VERSION,
    CL_DEVICE_OPENCL_C_VERSION};
static const char *texts[TEXTS];

static cl_int give(cl_uint what, size_t first, size_t end, size_t size, void *to,
                   size_t *size_out) {
    for (size_t i = first; i < end; i++) {
        size_t bytes = strlen(texts[i]) + 1;
        if (text_names[i] != what)
            continue;
        if (to && size >= bytes)
            memcpy(to, texts[i], bytes);
        if (size_out)
            *size_out = bytes;
        return CL_SUCCESS;
    }
    return CL_INVALID_VALUE;
}

static cl_int CL_API_CALL get_platform(cl_platform_id platform, cl_platform_info what, size_t size,
                                       void *to, size_t *size_out) {
    (void)platform;
    return give(what, 0, PLATFORM_TEXTS, size, to, size_out);
}

static cl_int CL_API_CALL get_device(cl_device_id device, cl_device_info what, size_t size,
                                     void *to, size_t *size_out) {
    (void)device;
    return give(what, PLATFORM_TEXTS, TEXTS, size, to, size_out);
}

static sparsed_fingerprint key_of(const char *first, const char *second, const char *options) {
    static const spd_cl_state state = {
        .api = {.GetPlatformInfo = get_platform, .GetDeviceInfo = get_device}};
    const char *const sources[] = {first, second};
    return spd_cl_cache_key_of(&state, sources, 2, options);
}

static bool same(sparsed_fingerprint a, sparsed_fingerprint b) {
    return a.low == b.low && a.high == b.high;
}

static void test_cache_key__every_part_counts(void **state) {
    (void)state;
    char late[160]; /* longer than what is shown of a device, and different behind that */
    for (size_t i = 0; i < TEXTS; i++)
        texts[i] = "a text";
    const sparsed_fingerprint plain = key_of("ab", "c", "-DX=1");
    assert_true(same(plain, key_of("ab", "c", "-DX=1")));
    assert_false(same(plain, key_of("a", "bc", "-DX=1")));
    assert_false(same(plain, key_of("ab", "d", "-DX=1")));
    assert_false(same(plain, key_of("ab", "c", "-DX=2")));
    memset(late, 'x', sizeof late);
    late[sizeof late - 1] = '\0';
    for (size_t i = 0; i < TEXTS; i++) {
        texts[i] = "another";
        assert_false(same(plain, key_of("ab", "c", "-DX=1")));
        texts[i] = late;
        const sparsed_fingerprint before = key_of("ab", "c", "-DX=1");
        late[sizeof late - 2] = 'y';
        assert_false(same(before, key_of("ab", "c", "-DX=1")));
        late[sizeof late - 2] = 'x';
        texts[i] = "a text";
    }
}

/* ---- files ---- */

static unsigned char *load(size_t *size_bytes) {
    const spd_cl_state state = {.allocator = spd_default_allocator()};
    return spd_cl_cache_load(&state, key, size_bytes);
}

/* Whether the cache gives the binary back; anything else than that or nothing fails the test. */
static bool is_there(void) {
    const sparsed_allocator allocator = spd_default_allocator();
    size_t size_bytes = 0;
    unsigned char *got = load(&size_bytes);
    if (!got)
        return false;
    assert_int_equal(size_bytes, BINARY_BYTES);
    assert_memory_equal(got, binary, BINARY_BYTES);
    spd_release(&allocator, got);
    return true;
}

static void store(void) {
    spd_cl_cache_store(key, binary, BINARY_BYTES);
}

static void use_folder(const char *path) {
    setenv("SPARSED_CACHE_DIR", path, 1);
}

static int setup(void **state) {
    int rc = test_folder_setup(state);
    for (size_t i = 0; i < BINARY_BYTES; i++)
        binary[i] = (unsigned char)(i * 7 + 1);
    use_folder(((test_folder *)*state)->path);
    return rc;
}

static const char *file_of(test_folder *folder) {
    return test_folder_path(folder, "fedcba98765432100123456789abcdef.clbin");
}

static mode_t mode_of(const char *path) {
    struct stat info;
    assert_int_equal(lstat(path, &info), 0);
    return info.st_mode & 07777;
}

static void test_cache__gives_back_what_was_stored(void **state) {
    assert_false(is_there());
    store();
    assert_true(is_there());
    assert_int_equal(test_folder_count(*state, ""), 1); /* no temporary file */
    store();
    assert_true(is_there());
    binary[3] ^= 1; /* replaced as a whole */
    store();
    assert_true(is_there());
}

/* The folder is made, and neither it nor the file is anybody else's, whatever the umask says. */
static void test_cache__is_private(void **state) {
    char folder[300];
    snprintf(folder, sizeof folder, "%s", test_folder_path(*state, "new"));
    use_folder(folder);
    mode_t before = umask(0);
    store();
    umask(before);
    assert_true(is_there());
    assert_int_equal(mode_of(folder), 0700);
    char file[400];
    snprintf(file, sizeof file, "%s/fedcba98765432100123456789abcdef.clbin", folder);
    assert_int_equal(mode_of(file), 0600);
    before = umask(0002);
    store();
    umask(before);
    assert_int_equal(mode_of(file), 0600);
    unlink(file);
}

static void test_cache__damaged_files_are_none(void **state) {
    store();
    size_t size_bytes;
    char path[512];
    snprintf(path, sizeof path, "%s", file_of(*state));
    char *bytes = test_file_read(path, &size_bytes);
    assert_int_equal(size_bytes, HEADER_BYTES + BINARY_BYTES);
    const char *name = strrchr(path, '/') + 1;
    for (size_t i = 0; i < size_bytes; i++) {
        const char kept = bytes[i];
        bytes[i] = (char)(kept ^ (i % 2 ? 0x01 : 0x80));
        test_folder_write(*state, name, bytes, size_bytes);
        if (is_there())
            fail_msg("byte %zu differs, and nobody notices", i);
        bytes[i] = kept;
    }
    for (size_t length = 0; length < size_bytes; length++) {
        test_folder_write(*state, name, bytes, length);
        if (is_there())
            fail_msg("%zu bytes are enough", length);
    }
    char *longer = calloc(size_bytes + 1, 1);
    memcpy(longer, bytes, size_bytes);
    test_folder_write(*state, name, longer, size_bytes + 1);
    assert_false(is_there());
    test_folder_write(*state, name, bytes, size_bytes);
    chmod(path, 0600);
    assert_true(is_there());
    free(longer);
    free(bytes);
}

/* Another key's file under this one's name. */
static void test_cache__other_keys_are_none(void **state) {
    const sparsed_fingerprint other = {key.low + 1, key.high};
    char path[512];
    spd_cl_cache_store(other, binary, BINARY_BYTES);
    assert_false(is_there());
    snprintf(path, sizeof path, "%s",
             test_folder_path(*state, "fedcba98765432100123456789abcdf0.clbin"));
    assert_int_equal(rename(path, file_of(*state)), 0);
    assert_false(is_there());
}

static void test_cache__files_that_others_can_write_are_none(void **state) {
    static const mode_t modes[] = {0660, 0606, 0666};
    for (size_t i = 0; i < 3; i++) {
        store();
        assert_int_equal(chmod(file_of(*state), modes[i]), 0);
        assert_false(is_there());
    }
    store();
    assert_true(is_there());
    assert_int_equal(chmod(file_of(*state), 0644), 0); /* others may read it */
    assert_true(is_there());
}

static void test_cache__what_is_no_file_is_none(void **state) {
    char target[512];
    store();
    snprintf(target, sizeof target, "%s", test_folder_path(*state, "target"));
    assert_int_equal(rename(file_of(*state), target), 0);
    assert_int_equal(symlink(target, file_of(*state)), 0);
    assert_false(is_there()); /* though the target is good */
    binary[9] ^= 1;
    store();
    assert_true(is_there());
    struct stat info;
    assert_int_equal(lstat(file_of(*state), &info), 0);
    assert_true(S_ISREG(info.st_mode)); /* the link was replaced, not followed */
    unlink(file_of(*state));
    assert_int_equal(mkfifo(file_of(*state), 0600), 0);
    assert_false(is_there()); /* and nobody waits for a writer */
    store();
    assert_false(is_there());
    unlink(file_of(*state));
    assert_int_equal(mkdir(file_of(*state), 0700), 0);
    store();
    assert_false(is_there());
}

static void test_cache__folders_that_others_can_write_are_not_used(void **state) {
    static const mode_t modes[] = {0770, 0720, 0702, 0777, 01777};
    test_folder *folder = *state;
    store();
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        assert_int_equal(chmod(folder->path, modes[i]), 0);
        assert_false(is_there());
        const sparsed_fingerprint other = {i + 1, 2};
        spd_cl_cache_store(other, binary, BINARY_BYTES);
        assert_int_equal(test_folder_count(folder, ""), 1);
    }
    assert_int_equal(chmod(folder->path, 0755), 0);
    assert_true(is_there());
}

static void test_cache__odd_folders_are_not_used(void **state) {
    test_folder *folder = *state;
    char path[512];
    store();
    snprintf(path, sizeof path, "%s-link", folder->path);
    assert_int_equal(symlink(folder->path, path), 0);
    use_folder(path);
    assert_false(is_there());
    store();
    unlink(path);
    use_folder(file_of(folder)); /* a file */
    assert_false(is_there());
    store();
    snprintf(path, sizeof path, "%.400s/below", file_of(folder));
    use_folder(path);
    assert_false(is_there());
    store();
    use_folder("/proc/sparsed"); /* cannot be made */
    assert_false(is_there());
    store();
    static char endless[8000];
    memset(endless, 'x', sizeof endless - 1);
    use_folder(endless);
    assert_false(is_there());
    store();
    use_folder(folder->path);
    assert_true(is_there());
    assert_int_equal(test_folder_count(folder, ""), 1);
}

/* Root writes everywhere: it becomes another user for a while, who owns the folder. */
static void test_cache__unwritable_folder_is_read(void **state) {
    enum { SOMEBODY = 65534 };
    test_folder *folder = *state;
    const bool root = geteuid() == 0;
    store();
    if (root && (chown(folder->path, SOMEBODY, SOMEBODY) != 0 ||
                 chown(file_of(folder), SOMEBODY, SOMEBODY) != 0 || seteuid(SOMEBODY) != 0)) {
        print_message("skipped: root cannot become another user\n");
        skip();
    }
    bool before = is_there(), after = false;
    chmod(folder->path, 0500);
    binary[0] ^= 1;
    store(); /* in vain */
    binary[0] ^= 1;
    after = is_there();
    const bool on = spd_cl_cache_is_on();
    chmod(folder->path, 0700);
    const bool on_again = spd_cl_cache_is_on();
    if (root)
        assert_int_equal(seteuid(0), 0);
    assert_true(before && after);
    assert_true(!on && on_again);
    if (root) /* another user's files are not taken */
        assert_false(is_there());
}

static void test_cache__can_be_switched_off(void **state) {
    store();
    use_folder("off");
    assert_false(is_there());
    store();
    assert_int_equal(access("off", F_OK), -1);
    use_folder("");
    assert_false(is_there());
    store();
    use_folder(((test_folder *)*state)->path);
    assert_true(is_there());
}

static void restore(const char *name, const char *value) {
    if (value)
        setenv(name, value, 1);
    else
        unsetenv(name);
}

static char *copy_of(const char *text) {
    char *copy = text ? malloc(strlen(text) + 1) : NULL;
    return copy ? strcpy(copy, text) : NULL;
}

/* XDG_CACHE_HOME/sparsed, HOME/.cache/sparsed, or nothing. */
static void test_cache__default_folders(void **state) {
    test_folder *folder = *state;
    char *home = copy_of(getenv("HOME")), *xdg = copy_of(getenv("XDG_CACHE_HOME"));
    char path[600];
    unsetenv("SPARSED_CACHE_DIR");
    setenv("HOME", folder->path, 1);
    setenv("XDG_CACHE_HOME", test_folder_path(folder, "xdg"), 1);
    store();
    assert_true(is_there());
    assert_int_equal(mode_of(test_folder_path(folder, "xdg/sparsed")), 0700);
    assert_int_equal(access(test_folder_path(folder, ".cache"), F_OK), -1);
    unsetenv("XDG_CACHE_HOME");
    assert_false(is_there());
    store();
    assert_true(is_there());
    assert_int_equal(mode_of(test_folder_path(folder, ".cache/sparsed")), 0700);
    unsetenv("HOME");
    assert_false(is_there());
    store();
    restore("HOME", home);
    restore("XDG_CACHE_HOME", xdg);
    free(home);
    free(xdg);
    static const char *const parents[] = {"xdg", ".cache"};
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s/sparsed/fedcba98765432100123456789abcdef.clbin",
                 folder->path, parents[i]);
        assert_int_equal(unlink(path), 0);
        *strrchr(path, '/') = '\0';
        assert_int_equal(rmdir(path), 0);
    }
}

/* Writers at once, each with a binary of its own: a reader finds one of them, whole. */
static void write_many(unsigned char mark) {
    memset(binary, mark, sizeof binary);
    for (int i = 0; i < 60; i++)
        store();
}

static void test_cache__two_processes_at_once(void **state) {
    (void)state;
    enum { WRITERS = 3 };
    const sparsed_allocator allocator = spd_default_allocator();
    pid_t children[WRITERS];
    for (int i = 0; i < WRITERS; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            write_many((unsigned char)(i + 1));
            _exit(0);
        }
    }
    unsigned found = 0;
    for (int running = WRITERS; running > 0;) {
        size_t size_bytes;
        unsigned char *got = load(&size_bytes);
        if (got) {
            found++;
            assert_int_equal(size_bytes, BINARY_BYTES);
            assert_in_range(got[0], 1, WRITERS);
            for (size_t i = 1; i < size_bytes; i++)
                assert_int_equal(got[i], got[0]);
            spd_release(&allocator, got);
        }
        if (waitpid(-1, NULL, WNOHANG) > 0)
            running--;
    }
    print_message("%u loads while three processes stored\n", found);
    assert_true(found > 0);
    assert_int_equal(test_folder_count(*state, ""), 1);
}

/* ---- programs of a real device ---- */

enum { LEN = 40, DIM = 16 };

/* A plan and a run on the OpenCL device; returns the calls of clCreateProgramWithSource. */
static uint64_t builds_of_a_run(float *out) {
    sparsed_options options = SPARSED_OPTIONS_INIT;
    const sparsed_desc desc = case_desc(1, 1, 1, DIM, LEN);
    float data[LEN * DIM];
    const sparsed_io io = {
        .struct_size = sizeof io, .q.mem = data, .k.mem = data, .v.mem = data, .out.mem = out};
    sparsed_context *context;
    sparsed_plan *plan;
    sparsed_message message;
    for (size_t i = 0; i < LEN * DIM; i++)
        data[i] = (float)(i % 37) / 16.0f - 1.0f;
    options.device = "opencl";
    assert_int_equal(sparsed_context_create(&options, &context, &message), SPARSED_OK);
    if (sparsed_plan_create(context, &desc, NULL, &plan) != SPARSED_OK ||
        sparsed_plan_run(plan, SPARSED_DENSE, &io, NULL) != SPARSED_OK)
        fail_msg("%s", sparsed_context_error(context));
    sparsed_plan_destroy(plan);
    sparsed_context_destroy(context);
    return failing->calls("clCreateProgramWithSource");
}

static int setup_programs(void **state) {
    failing = use_failing_opencl(FAILING_OPENCL);
    failing->reset();
    return setup(state);
}

static int teardown_programs(void **state) {
    unsetenv("SPARSED_OPENCL_LIBRARY");
    return test_folder_teardown(state);
}

static void test_programs__a_hit_saves_the_build(void **state) {
    float first[LEN * DIM], second[LEN * DIM];
    need_opencl_device();
    failing->reset();
    assert_true(builds_of_a_run(first) > 0);
    const size_t files = test_folder_count(*state, "");
    assert_true(files > 0);
    failing->reset();
    assert_int_equal(builds_of_a_run(second), 0);
    assert_int_equal(failing->calls("clCreateProgramWithBinary"), files);
    assert_int_equal(test_folder_count(*state, ""), files);
    assert_memory_equal(first, second, sizeof first); /* from the binary as from the source */
}

static void test_programs__switched_off(void **state) {
    float out[LEN * DIM];
    need_opencl_device();
    use_folder("off");
    for (int i = 0; i < 2; i++) {
        failing->reset();
        assert_true(builds_of_a_run(out) > 0);
        assert_int_equal(failing->calls("clCreateProgramWithBinary"), 0);
    }
    use_folder(((test_folder *)*state)->path);
    assert_int_equal(test_folder_count(*state, ""), 0);
}

/* What the driver does not take is built from source, and stored again. */
static void test_programs__a_binary_that_the_driver_refuses(void **state) {
    static const struct {
        const char *function;
        int error;
    } cases[] = {{"clCreateProgramWithBinary", CL_INVALID_BINARY},
                 {"clBuildProgram", CL_BUILD_PROGRAM_FAILURE},
                 {"clCreateProgramWithBinary", CL_OUT_OF_HOST_MEMORY}};
    float first[LEN * DIM], second[LEN * DIM];
    need_opencl_device();
    builds_of_a_run(first);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const int64_t before = failing->live();
        failing->reset();
        failing->arm(cases[i].function, 0, cases[i].error);
        assert_int_equal(builds_of_a_run(second), 1);
        assert_memory_equal(first, second, sizeof first);
        assert_int_equal(failing->live(), before);
        failing->reset();
        assert_int_equal(builds_of_a_run(second), 0);
    }
    (void)state;
}

/* Each file's key, with text in the place of its binary. */
static void damage_all(const test_folder *folder) {
    static const unsigned char garbage[] = "this is no program";
    DIR *dir = opendir(folder->path);
    assert_non_null(dir);
    const struct dirent *entry;
    while ((entry = readdir(dir))) {
        unsigned long long high, low;
        if (sscanf(entry->d_name, "%16llx%16llx.clbin", &high, &low) == 2)
            spd_cl_cache_store((sparsed_fingerprint){low, high}, garbage, sizeof garbage);
    }
    closedir(dir);
}

/* A stored program that is garbage under a good checksum: the driver has the last word. */
static void test_programs__garbage_is_replaced(void **state) {
    float first[LEN * DIM], second[LEN * DIM];
    need_opencl_device();
    builds_of_a_run(first);
    const size_t files = test_folder_count(*state, "");
    damage_all(*state);
    failing->reset();
    assert_int_equal(builds_of_a_run(second), files);
    assert_memory_equal(first, second, sizeof first);
    failing->reset();
    assert_int_equal(builds_of_a_run(second), 0);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, setup, test_folder_teardown)
#define WITH_PROGRAMS(test) cmocka_unit_test_setup_teardown(test, setup_programs, teardown_programs)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cache_key__every_part_counts),
        IN_FOLDER(test_cache__gives_back_what_was_stored),
        IN_FOLDER(test_cache__is_private),
        IN_FOLDER(test_cache__damaged_files_are_none),
        IN_FOLDER(test_cache__other_keys_are_none),
        IN_FOLDER(test_cache__files_that_others_can_write_are_none),
        IN_FOLDER(test_cache__what_is_no_file_is_none),
        IN_FOLDER(test_cache__folders_that_others_can_write_are_not_used),
        IN_FOLDER(test_cache__odd_folders_are_not_used),
        IN_FOLDER(test_cache__unwritable_folder_is_read),
        IN_FOLDER(test_cache__can_be_switched_off),
        IN_FOLDER(test_cache__default_folders),
        IN_FOLDER(test_cache__two_processes_at_once),
        WITH_PROGRAMS(test_programs__a_hit_saves_the_build),
        WITH_PROGRAMS(test_programs__switched_off),
        WITH_PROGRAMS(test_programs__a_binary_that_the_driver_refuses),
        WITH_PROGRAMS(test_programs__garbage_is_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
