/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * A pattern file is whole at every moment: while processes that save it are killed, while several
 * save it at once, and after saves that fail.
 */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <sparsed/pattern.h>

#include "support/random.h"
#include "support/test_files.h"

#define NAME "set.spdp"

enum {
    KILLS = SMALL_TESTS ? 100 : 1000,
    KILL_WITHIN_NS = 5000000,
    FIRST_SAVE_WITHIN_MS = 10000,
    LEFT_OVERS_LEAST = KILLS / 10, /* to have met writers at work */
    SAVES_EACH = SMALL_TESTS ? 20 : 200,
    HEADS = 8,
    BLOCK = 32,
    BLOCKS = 256, /* a side: 64 KiB of bits a pattern */
    LAYERS_MOST = 8
};

/* Two sets of different size, and the files that they make. */
typedef struct set_pair {
    test_folder *folder;
    char path[512]; /* of NAME */
    sparsed_pattern_set *sets[2];
    char *files[2];
    size_t file_bytes[2];
} set_pair;

static sparsed_pattern_set *random_set(uint32_t layers, uint64_t seed, const char *tag) {
    static uint64_t bits[(size_t)HEADS * BLOCKS * (BLOCKS / 64)];
    const sparsed_pattern_info info = {.struct_size = sizeof info,
                                       .batch = 1,
                                       .heads = HEADS,
                                       .block_q = BLOCK,
                                       .block_k = BLOCK,
                                       .q_len = (uint64_t)BLOCKS * BLOCK,
                                       .kv_len = (uint64_t)BLOCKS * BLOCK};
    const sparsed_pattern_set_info set_info = {.struct_size = sizeof set_info, .tag = tag};
    sparsed_pattern *patterns[LAYERS_MOST];
    uint32_t numbers[LAYERS_MOST];
    sparsed_pattern_set *set;
    sparsed_message message;
    for (uint32_t layer = 0; layer < layers; layer++) {
        for (size_t i = 0; i < sizeof bits / sizeof bits[0]; i++)
            bits[i] = random_bits(&seed);
        numbers[layer] = layer;
        if (sparsed_pattern_from_bits(&info, bits, NULL, &patterns[layer], &message) != SPARSED_OK)
            fail_msg("%s", message.text);
    }
    if (sparsed_pattern_set_create(&set_info, patterns, numbers, layers, NULL, &set, &message) !=
        SPARSED_OK)
        fail_msg("%s", message.text);
    for (uint32_t layer = 0; layer < layers; layer++)
        sparsed_pattern_release(patterns[layer]);
    return set;
}

static void save_ok(const sparsed_pattern_set *set, const char *path) {
    sparsed_message message;
    if (sparsed_pattern_set_save(set, path, &message) != SPARSED_OK)
        fail_msg("%s", message.text);
}

static void set_pair_init(set_pair *pair, test_folder *folder) {
    pair->folder = folder;
    snprintf(pair->path, sizeof pair->path, "%s/" NAME, folder->path);
    pair->sets[0] = random_set(4, 1, "A");
    pair->sets[1] = random_set(6, 2, "B");
    for (int i = 1; i >= 0; i--) {
        save_ok(pair->sets[i], pair->path);
        pair->files[i] = test_file_read(pair->path, &pair->file_bytes[i]);
    }
    assert_true(pair->file_bytes[0] > 200000 && pair->file_bytes[1] > pair->file_bytes[0]);
}

static void set_pair_free(set_pair *pair) {
    for (int i = 0; i < 2; i++) {
        sparsed_pattern_set_release(pair->sets[i]);
        free(pair->files[i]);
    }
}

static size_t left_overs(const set_pair *pair) {
    return test_folder_count(pair->folder, NAME ".");
}

/* Whether the file loads, as a whole and mapped, and is one of the two to the last byte. */
static bool is_whole(const set_pair *pair) {
    sparsed_load_options options = {.struct_size = sizeof options};
    sparsed_message message;
    for (unsigned flags = 0; flags <= SPARSED_LOAD_MAP; flags += SPARSED_LOAD_MAP) {
        sparsed_pattern_set *set;
        options.flags = flags;
        if (sparsed_pattern_set_load(pair->path, &options, &set, &message) != SPARSED_OK) {
            print_error("%s\n", message.text);
            return false;
        }
        sparsed_pattern_set_release(set);
    }
    assert_int_equal(access(pair->path, F_OK), 0);
    size_t size;
    char *file = test_file_read(pair->path, &size);
    bool same = false;
    for (int i = 0; i < 2; i++)
        same |= size == pair->file_bytes[i] && memcmp(file, pair->files[i], size) == 0;
    free(file);
    if (!same)
        print_error("%s: %zu bytes are neither of the two files\n", pair->path, size);
    return same;
}

/* ---- killed saves ------------------------------------------------------------------------- */

/* Tells each save that ended through the pipe. Ends by being killed. */
static void save_for_ever(const set_pair *pair, int first, int pipe_end) {
    for (int i = first;; i++) {
        if (sparsed_pattern_set_save(pair->sets[i % 2], pair->path, NULL) != SPARSED_OK ||
            write(pipe_end, "", 1) != 1)
            _exit(1);
    }
}

typedef struct killing {
    const set_pair *pair;
    int pipe_ends[2];
    uint64_t seed;
} killing;

/* Saves in another process, which is killed after a random time: its id, or 0 if it ended before.
 * after_one: the time counts from the end of its first save; on a slow disk few get so far else. */
static pid_t save_and_kill(killing *k, int first, bool after_one) {
    const long delay_ns = (long)(random_bits(&k->seed) % KILL_WITHIN_NS);
    struct pollfd first_save = {.fd = k->pipe_ends[0], .events = POLLIN};
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        save_for_ever(k->pair, first, k->pipe_ends[1]);
    if (after_one)
        poll(&first_save, 1, FIRST_SAVE_WITHIN_MS);
    nanosleep(&(struct timespec){0, delay_ns}, NULL);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? child : 0;
}

/* Whether a killed writer was in the middle of a save. */
static bool left_something(const set_pair *pair, pid_t writer) {
    char prefix[64];
    snprintf(prefix, sizeof prefix, NAME ".%ld-", (long)writer);
    return test_folder_count(pair->folder, prefix) > 0;
}

static size_t drain(int pipe_end) {
    static char bytes[65536];
    ssize_t n = read(pipe_end, bytes, sizeof bytes);
    return n > 0 ? (size_t)n : 0;
}

static void test_pattern_set_save__killed_at_random_moments(void **state) {
    set_pair pair;
    killing k = {.pair = &pair, .seed = 20260};
    size_t saves = 0, left = 0, torn = 0, too_many = 0, not_removed = 0, failed = 0;
    set_pair_init(&pair, *state);
    assert_int_equal(pipe(k.pipe_ends), 0);
    assert_int_equal(fcntl(k.pipe_ends[0], F_SETFL, O_NONBLOCK), 0);
    for (int kills = 1; kills <= KILLS; kills++) {
        pid_t killed = save_and_kill(&k, kills, kills % 4 == 0);
        failed += killed == 0;
        left += left_something(&pair, killed);
        too_many += left_overs(&pair) > 1;
        saves += drain(k.pipe_ends[0]);
        torn += !is_whole(&pair);
        if (kills % 10 == 0) {
            save_ok(pair.sets[0], pair.path);
            not_removed += left_overs(&pair);
        }
    }
    print_message("%d kills, %zu saves between them, %zu left-overs of killed ones, %zu torn\n",
                  (int)KILLS, saves, left, torn);
    assert_int_equal(torn, 0);
    assert_int_equal(failed, 0);
    assert_int_equal(too_many, 0);
    assert_int_equal(not_removed, 0);
    assert_true(saves >= KILLS / 4);
    assert_true(left >= LEFT_OVERS_LEAST);
    close(k.pipe_ends[0]);
    close(k.pipe_ends[1]);
    set_pair_free(&pair);
}

/* ---- failed saves, and several at once ---------------------------------------------------- */

static sparsed_status save_with_limit(const sparsed_pattern_set *set, const char *path,
                                      size_t file_bytes_most, sparsed_message *message) {
    struct rlimit before, limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = file_bytes_most;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    sparsed_status status = sparsed_pattern_set_save(set, path, message);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, handler);
    return status;
}

static void expect_file(const set_pair *pair, int which) {
    size_t size;
    assert_int_equal(access(pair->path, F_OK), 0);
    char *file = test_file_read(pair->path, &size);
    assert_int_equal(size, pair->file_bytes[which]);
    assert_memory_equal(file, pair->files[which], size);
    free(file);
    assert_int_equal(test_folder_count(pair->folder, ""), 1);
}

static void test_pattern_set_save__failing_leaves_the_old_file(void **state) {
    set_pair pair;
    sparsed_message message;
    set_pair_init(&pair, *state);
    const size_t needed = pair.file_bytes[1];
    const size_t limits[] = {0, 100, 256, 1000, needed / 2, needed - 1};
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        assert_int_equal(save_with_limit(pair.sets[1], pair.path, limits[i], &message),
                         SPARSED_E_IO);
        assert_non_null(strstr(message.text, NAME ": cannot write: File too large"));
        expect_file(&pair, 0);
    }
    assert_int_equal(save_with_limit(pair.sets[1], pair.path, needed, &message), SPARSED_OK);
    expect_file(&pair, 1);
    set_pair_free(&pair);
}

static pid_t save_often(const set_pair *pair, int which) {
    pid_t child = fork();
    if (child == 0) {
        for (int i = 0; i < SAVES_EACH; i++)
            if (sparsed_pattern_set_save(pair->sets[which], pair->path, NULL) != SPARSED_OK)
                _exit(1);
        _exit(0);
    }
    return child;
}

static void test_pattern_set_save__two_processes_at_once(void **state) {
    set_pair pair;
    size_t loads = 0, torn = 0, failed = 0;
    int running = 2, status;
    set_pair_init(&pair, *state);
    for (int i = 0; i < 2; i++)
        assert_true(save_often(&pair, i) > 0);
    while (running > 0) {
        loads++;
        torn += !is_whole(&pair);
        pid_t child = waitpid(-1, &status, WNOHANG);
        assert_true(child >= 0);
        if (child > 0) {
            running--;
            failed += !WIFEXITED(status) || WEXITSTATUS(status) != 0;
        }
    }
    print_message("2 x %d saves at once, %zu loads between them, %zu torn\n", (int)SAVES_EACH,
                  loads, torn);
    assert_int_equal(torn, 0);
    assert_int_equal(failed, 0);
    assert_int_equal(test_folder_count(pair.folder, ""), 1);
    set_pair_free(&pair);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST_IN_FOLDER(test_pattern_set_save__killed_at_random_moments),
        TEST_IN_FOLDER(test_pattern_set_save__failing_leaves_the_old_file),
        TEST_IN_FOLDER(test_pattern_set_save__two_processes_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
