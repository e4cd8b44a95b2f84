/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * atomic_file.c: the target appears at commit and not before, and what killed writers left is
 * removed, but nothing else.
 */
#include "src/atomic_file.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/test_files.h"

static void open_ok(spd_atomic_file *file, const char *path) {
    sparsed_message message;
    if (spd_atomic_file_open(file, path, &message) != SPARSED_OK)
        fail_msg("%s", message.text);
}

static void commit_ok(spd_atomic_file *file) {
    sparsed_message message;
    if (spd_atomic_file_commit(file, &message) != SPARSED_OK)
        fail_msg("%s", message.text);
}

static void save_text(const char *path, const char *text) {
    spd_atomic_file file;
    open_ok(&file, path);
    assert_int_equal(spd_atomic_file_write(&file, text, strlen(text), NULL), SPARSED_OK);
    commit_ok(&file);
}

static bool is_there(test_folder *folder, const char *name) {
    struct stat info;
    return lstat(test_folder_path(folder, name), &info) == 0;
}

static void expect_text(test_folder *folder, const char *name, const char *text) {
    assert_true(is_there(folder, name));
    char *bytes = test_file_read(test_folder_path(folder, name), NULL);
    assert_string_equal(bytes, text);
    free(bytes);
}

/* The path is named, then the cause. */
static void expect_refused(const char *path, const char *cause) {
    spd_atomic_file file;
    sparsed_message message;
    assert_int_equal(spd_atomic_file_open(&file, path, &message), SPARSED_E_IO);
    if (strncmp(message.text, path, strlen(path)) != 0 || !strstr(message.text, cause))
        fail_msg("of %s: %s", path, message.text);
    assert_int_equal(spd_atomic_file_open(&file, path, NULL), SPARSED_E_IO);
}

static unsigned permissions(const char *path) {
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    return info.st_mode & 07777;
}

/* ---- the target --------------------------------------------------------------------------- */

static void test_atomic_file_commit__replaces_the_target(void **state) {
    test_folder *folder = *state;
    spd_atomic_file file;
    char expected[64];
    test_folder_write_text(folder, "out", "old");
    open_ok(&file, test_folder_path(folder, "out"));
    snprintf(expected, sizeof expected, "out.%ld-0.tmp", (long)getpid());
    assert_true(is_there(folder, expected));
    assert_int_equal(spd_atomic_file_write(&file, "ne", 2, NULL), SPARSED_OK);
    assert_int_equal(spd_atomic_file_write(&file, NULL, 0, NULL), SPARSED_OK);
    assert_int_equal(spd_atomic_file_write(&file, "w", 1, NULL), SPARSED_OK);
    expect_text(folder, "out", "old");
    commit_ok(&file);
    expect_text(folder, "out", "new");
    assert_int_equal(test_folder_count(folder, ""), 1);
}

static void test_atomic_file_discard__leaves_the_target(void **state) {
    test_folder *folder = *state;
    spd_atomic_file file;
    test_folder_write_text(folder, "out", "old");
    open_ok(&file, test_folder_path(folder, "out"));
    assert_int_equal(spd_atomic_file_write(&file, "new", 3, NULL), SPARSED_OK);
    spd_atomic_file_discard(&file);
    expect_text(folder, "out", "old");
    assert_int_equal(test_folder_count(folder, ""), 1);
}

static void test_atomic_file_open__two_at_once(void **state) {
    test_folder *folder = *state;
    spd_atomic_file first, second;
    open_ok(&first, test_folder_path(folder, "out"));
    open_ok(&second, test_folder_path(folder, "out"));
    assert_int_equal(test_folder_count(folder, "out."), 2);
    assert_int_equal(spd_atomic_file_write(&first, "first", 5, NULL), SPARSED_OK);
    assert_int_equal(spd_atomic_file_write(&second, "second", 6, NULL), SPARSED_OK);
    commit_ok(&second);
    expect_text(folder, "out", "second");
    commit_ok(&first);
    expect_text(folder, "out", "first");
    assert_int_equal(test_folder_count(folder, ""), 1);
}

static void test_atomic_file_open__refuses_what_is_no_file(void **state) {
    test_folder *folder = *state;
    char path[512];
    assert_int_equal(mkfifo(test_folder_path(folder, "pipe"), 0600), 0);
    test_folder_write_text(folder, "file", "old");
    expect_refused(folder->path, "cannot write: not a regular file");
    expect_refused("/", "cannot write: not a regular file");
    expect_refused("/dev/null", "cannot write: not a regular file");
    expect_refused(test_folder_path(folder, "pipe"), "cannot write: not a regular file");
    expect_refused(test_folder_path(folder, "."), "cannot write: not a regular file");
    expect_refused(test_folder_path(folder, "new/"), "cannot write: it names no file");
    expect_refused(test_folder_path(folder, "file/"), "cannot write: Not a directory");
    expect_refused(test_folder_path(folder, "file/out"), "cannot write: Not a directory");
    snprintf(path, sizeof path, "%s/no/out", folder->path);
    expect_refused(path, "cannot open its folder: No such file or directory");
    assert_int_equal(test_folder_count(folder, ""), 2);
    expect_text(folder, "file", "old");
}

static void test_atomic_file_open__refuses_an_empty_path(void **state) {
    (void)state;
    spd_atomic_file file;
    sparsed_message message;
    assert_int_equal(spd_atomic_file_open(&file, "", &message), SPARSED_E_IO);
    assert_string_equal(message.text, "\"\": cannot write: it names no file");
}

/* Of a path longer than a message, its end and the cause. */
static void test_atomic_file_open__refuses_a_path_too_long(void **state) {
    (void)state;
    spd_atomic_file file;
    sparsed_message message;
    char path[10000];
    memset(path, 'x', sizeof path);
    memcpy(path + sizeof path - sizeof "/out", "/out", sizeof "/out");
    assert_int_equal(spd_atomic_file_open(&file, path, &message), SPARSED_E_IO);
    assert_ptr_equal(strstr(message.text, "...xxx"), message.text);
    assert_non_null(strstr(message.text, "xxx/out: cannot write: File name too long"));
}

static void test_atomic_file_commit__reports_a_failing_rename(void **state) {
    test_folder *folder = *state;
    spd_atomic_file file;
    sparsed_message message;
    open_ok(&file, test_folder_path(folder, "out"));
    assert_int_equal(mkdir(test_folder_path(folder, "out"), 0700), 0);
    assert_int_equal(spd_atomic_file_commit(&file, &message), SPARSED_E_IO);
    assert_non_null(strstr(message.text, "/out: cannot rename"));
    assert_int_equal(test_folder_count(folder, "out."), 0);
}

/* The folder stays the one that it was, wherever the process goes. */
static void test_atomic_file_commit__in_the_working_folder(void **state) {
    test_folder *folder = *state;
    spd_atomic_file file;
    char before[4096];
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(folder->path), 0);
    sparsed_status opened = spd_atomic_file_open(&file, "out", NULL);
    assert_int_equal(chdir(before), 0);
    assert_int_equal(opened, SPARSED_OK);
    commit_ok(&file);
    expect_text(folder, "out", "");
    assert_int_equal(test_folder_count(folder, ""), 1);
}

static void test_atomic_file_commit__replaces_a_link(void **state) {
    test_folder *folder = *state;
    char link_path[512];
    struct stat info;
    test_folder_write_text(folder, "target", "old");
    snprintf(link_path, sizeof link_path, "%s/link", folder->path);
    for (int dangling = 0; dangling < 2; dangling++) {
        remove(link_path);
        assert_int_equal(symlink(dangling ? "nothing" : "target", link_path), 0);
        save_text(link_path, "new");
        assert_int_equal(lstat(link_path, &info), 0);
        assert_true(S_ISREG(info.st_mode));
    }
    expect_text(folder, "target", "old");
    assert_int_equal(test_folder_count(folder, ""), 2);
}

static void test_atomic_file_commit__permissions(void **state) {
    test_folder *folder = *state;
    const mode_t modes[] = {0600, 0664, 0444, 0777};
    const char *path = test_folder_path(folder, "out");
    mode_t mask = umask(027);
    save_text(path, "new");
    unsigned of_new = permissions(path), of_old[4];
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(chmod(path, modes[i]), 0);
        save_text(path, "newer");
        of_old[i] = permissions(path);
    }
    umask(mask);
    assert_int_equal(of_new, 0640);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(of_old[i], modes[i]);
}

/* The first call takes what the limit allows, the next one fails. */
static void test_atomic_file_write__reports_a_full_disk(void **state) {
    test_folder *folder = *state;
    spd_atomic_file file;
    sparsed_message message;
    static char data[100000];
    struct rlimit before, limit;
    test_folder_write_text(folder, "out", "old");
    open_ok(&file, test_folder_path(folder, "out"));
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = 50000;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    sparsed_status status = spd_atomic_file_write(&file, data, sizeof data, &message);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, handler);
    assert_int_equal(status, SPARSED_E_IO);
    assert_non_null(strstr(message.text, "/out: cannot write: File too large"));
    spd_atomic_file_discard(&file);
    expect_text(folder, "out", "old");
    assert_int_equal(test_folder_count(folder, ""), 1);
}

/* ---- temporary files ---------------------------------------------------------------------- */

static void test_atomic_file_open__removes_what_nobody_holds(void **state) {
    test_folder *folder = *state;
    spd_atomic_file file;
    const char *const names[] = {"out.1-0.tmp", "out.99999999999999999999-123.tmp", "out.0-0.tmp"};
    for (size_t i = 0; i < 3; i++)
        test_folder_write_text(folder, names[i], "left over");
    assert_int_equal(chmod(test_folder_path(folder, names[0]), 0444), 0);
    open_ok(&file, test_folder_path(folder, "out"));
    for (size_t i = 0; i < 3; i++)
        assert_false(is_there(folder, names[i]));
    spd_atomic_file_discard(&file);
    assert_int_equal(test_folder_count(folder, ""), 0);
}

static void test_atomic_file_open__leaves_other_names(void **state) {
    test_folder *folder = *state;
    const char *const names[] = {"out.1-0.tmp~",  "out.1-0",      "out.-0.tmp",    "out.1-.tmp",
                                 "out.1.tmp",     "out.x1-0.tmp", "out.1-0x.tmp",  "out.1--0.tmp",
                                 "out1-0.tmp",    "ou.1-0.tmp",   "outer.1-0.tmp", "out.tmp",
                                 "out.1-0.2.tmp", "xout.1-0.tmp", "tuo.1-0.tmp",   "outx1-0.tmp"};
    enum { NAMES = sizeof names / sizeof names[0] };
    for (size_t i = 0; i < NAMES; i++)
        test_folder_write_text(folder, names[i], "of somebody");
    save_text(test_folder_path(folder, "out"), "new");
    for (size_t i = 0; i < NAMES; i++)
        expect_text(folder, names[i], "of somebody");
    assert_int_equal(test_folder_count(folder, ""), NAMES + 1);
}

static void test_atomic_file_open__leaves_what_is_no_file(void **state) {
    test_folder *folder = *state;
    test_folder_write_text(folder, "target", "old");
    assert_int_equal(symlink("target", test_folder_path(folder, "out.1-0.tmp")), 0);
    assert_int_equal(mkfifo(test_folder_path(folder, "out.1-1.tmp"), 0600), 0);
    assert_int_equal(mkdir(test_folder_path(folder, "out.1-2.tmp"), 0700), 0);
    save_text(test_folder_path(folder, "out"), "new");
    expect_text(folder, "target", "old");
    assert_int_equal(test_folder_count(folder, "out."), 3);
}

static void test_atomic_file_open__leaves_what_is_held(void **state) {
    test_folder *folder = *state;
    spd_atomic_file file;
    test_folder_write_text(folder, "out.1-0.tmp", "being written");
    int fd = open(test_folder_path(folder, "out.1-0.tmp"), O_RDONLY | O_CLOEXEC);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    save_text(test_folder_path(folder, "out"), "new");
    expect_text(folder, "out.1-0.tmp", "being written");
    close(fd);
    open_ok(&file, test_folder_path(folder, "out"));
    assert_false(is_there(folder, "out.1-0.tmp"));
    spd_atomic_file_discard(&file);
}

/* Another process on another host may have the same id. */
static void test_atomic_file_open__takes_the_next_name(void **state) {
    test_folder *folder = *state;
    spd_atomic_file file;
    char name[64];
    snprintf(name, sizeof name, "out.%ld-0.tmp", (long)getpid());
    test_folder_write_text(folder, name, "being written");
    int fd = open(test_folder_path(folder, name), O_RDONLY | O_CLOEXEC);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    open_ok(&file, test_folder_path(folder, "out"));
    expect_text(folder, name, "being written");
    snprintf(name, sizeof name, "out.%ld-1.tmp", (long)getpid());
    assert_true(is_there(folder, name));
    spd_atomic_file_discard(&file);
    assert_false(is_there(folder, name));
    close(fd);
}

/* A killed writer's lock goes with it. */
static void test_atomic_file_open__removes_what_a_killed_writer_left(void **state) {
    test_folder *folder = *state;
    const char *path = test_folder_path(folder, "out");
    spd_atomic_file file;
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (spd_atomic_file_open(&file, path, NULL) == SPARSED_OK)
            raise(SIGKILL);
        _exit(1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(test_folder_count(folder, "out."), 1);
    save_text(path, "new");
    assert_int_equal(test_folder_count(folder, ""), 1);
}

/* The superuser may open anything. */
static bool become_nobody(void) {
    return geteuid() != 0 || (setgid(65534) == 0 && setuid(65534) == 0);
}

static void test_atomic_file_open__removes_what_it_may_not_write(void **state) {
    test_folder *folder = *state;
    spd_atomic_file file;
    int status;
    assert_int_equal(chmod(folder->path, 0777), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const int flags = O_WRONLY | O_CREAT | O_EXCL;
        bool ready = chdir(folder->path) == 0 && become_nobody();
        int fd = ready ? open("out.1-0.tmp", flags, 0444) : -1;
        bool opened =
            fd >= 0 && close(fd) == 0 && spd_atomic_file_open(&file, "out", NULL) == SPARSED_OK;
        _exit(opened && access("out.1-0.tmp", F_OK) != 0 ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* The longest names have temporary names too, by their beginning: no half character in it. */
static void test_atomic_file_open__of_long_names(void **state) {
    test_folder *folder = *state;
    char name[300], path[600];
    for (size_t length = 190; length <= 255; length++)
        for (int wide = 0; wide < 2; wide++) {
            spd_atomic_file file;
            /* Two bytes a character, after one or two of one byte. */
            memset(name, 'n', length);
            for (size_t i = 1 + length % 2; wide && i + 1 < length; i += 2)
                memcpy(name + i, "\xc3\xa9", 2);
            name[length] = '\0';
            snprintf(path, sizeof path, "%s/%s", folder->path, name);
            open_ok(&file, path);
            assert_int_equal(test_folder_count(folder, ""), 1);
            size_t base = strcspn(file.temp_name, ".");
            assert_true(base == length || (base >= 199 && base <= 200));
            assert_true(base == length || ((unsigned char)name[base] & 0xC0) != 0x80);
            assert_memory_equal(file.temp_name, name, base);
            /* As a killed writer leaves it. */
            close(file.fd);
            file.fd = -1;
            save_text(path, "new");
            assert_int_equal(test_folder_count(folder, ""), 1);
            spd_atomic_file_discard(&file);
            assert_int_equal(remove(path), 0);
        }
    memset(name, 'n', 256);
    name[256] = '\0';
    snprintf(path, sizeof path, "%s/%s", folder->path, name);
    expect_refused(path, "cannot write: File name too long");
}

/* Opens and discards; each time its temporary file must still be there after a while, and be the
 * one that is open. */
static bool keep_opening(const char *path, int times) {
    for (int i = 0; i < times; i++) {
        spd_atomic_file file;
        struct stat named, opened;
        if (spd_atomic_file_open(&file, path, NULL) != SPARSED_OK)
            return false;
        nanosleep(&(struct timespec){0, i % 100 * 1000}, NULL);
        bool same = fstat(file.fd, &opened) == 0 &&
                    fstatat(file.folder, file.temp_name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
                    opened.st_ino == named.st_ino;
        spd_atomic_file_discard(&file);
        if (!same)
            return false;
    }
    return true;
}

/* Between creating and locking it, a writer's file looks like a left-over. */
static void test_atomic_file_open__races_with_cleaners(void **state) {
    test_folder *folder = *state;
    enum { PROCESSES = 3, TIMES = 5000 };
    const char *path = test_folder_path(folder, "out");
    pid_t children[PROCESSES];
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0)
            _exit(keep_opening(path, TIMES) ? 0 : 1);
    }
    int failures = 0;
    for (int i = 0; i < PROCESSES; i++) {
        int status;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        failures += !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    }
    assert_int_equal(failures, 0);
    assert_int_equal(test_folder_count(folder, ""), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST_IN_FOLDER(test_atomic_file_commit__replaces_the_target),
        TEST_IN_FOLDER(test_atomic_file_discard__leaves_the_target),
        TEST_IN_FOLDER(test_atomic_file_open__two_at_once),
        TEST_IN_FOLDER(test_atomic_file_open__refuses_what_is_no_file),
        cmocka_unit_test(test_atomic_file_open__refuses_an_empty_path),
        cmocka_unit_test(test_atomic_file_open__refuses_a_path_too_long),
        TEST_IN_FOLDER(test_atomic_file_commit__reports_a_failing_rename),
        TEST_IN_FOLDER(test_atomic_file_commit__in_the_working_folder),
        TEST_IN_FOLDER(test_atomic_file_commit__replaces_a_link),
        TEST_IN_FOLDER(test_atomic_file_commit__permissions),
        TEST_IN_FOLDER(test_atomic_file_write__reports_a_full_disk),
        TEST_IN_FOLDER(test_atomic_file_open__removes_what_nobody_holds),
        TEST_IN_FOLDER(test_atomic_file_open__leaves_other_names),
        TEST_IN_FOLDER(test_atomic_file_open__leaves_what_is_no_file),
        TEST_IN_FOLDER(test_atomic_file_open__leaves_what_is_held),
        TEST_IN_FOLDER(test_atomic_file_open__takes_the_next_name),
        TEST_IN_FOLDER(test_atomic_file_open__removes_what_a_killed_writer_left),
        TEST_IN_FOLDER(test_atomic_file_open__removes_what_it_may_not_write),
        TEST_IN_FOLDER(test_atomic_file_open__of_long_names),
        TEST_IN_FOLDER(test_atomic_file_open__races_with_cleaners),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
