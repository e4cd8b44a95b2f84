/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Crossover tables: what a plan gets from one, and tables as files. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/api_check.h"
#include "support/attention_case.h"
#include "support/test_files.h"

#include "src/crossover.h"

enum { LENGTH = 200, ROOM = 512 };

/* What the tests ask about: dtype f32, head dimension 16, blocks 32 x 16, ratio 0.3. */
static sparsed_plan *new_plan(sparsed_context *context, uint32_t flags, double ratio) {
    sparsed_desc desc = case_desc(1, 2, 1, 16, LENGTH);
    sparsed_select select = case_select(SPARSED_MODE_PAPER, 32, 16, 40, ratio);
    sparsed_plan *plan;
    select.flags = flags;
    if (sparsed_plan_create(context, &desc, &select, &plan) != SPARSED_OK)
        fail_msg("%s", sparsed_context_error(context));
    return plan;
}

/* A row for the device and kernel of the plan. */
static sparsed_crossover_row row_for(sparsed_context *context, sparsed_plan *plan, double density,
                                     uint64_t length) {
    sparsed_crossover_row row = {.dtype = SPARSED_F32,
                                 .head_dim = 16,
                                 .block_q = 32,
                                 .block_k = 16,
                                 .source = SPARSED_CROSSOVER_MEASURED,
                                 .density = density,
                                 .shortest = 64,
                                 .longest = 4096,
                                 .length = length};
    sparsed_device_info device = {.struct_size = sizeof device};
    sparsed_plan_info info = {.struct_size = sizeof info};
    assert_int_equal(sparsed_context_device(context, &device), SPARSED_OK);
    assert_int_equal(sparsed_plan_describe(plan, &info), SPARSED_OK);
    memcpy(row.device, device.name, sizeof row.device);
    memcpy(row.kernel, info.kernel, sizeof row.kernel);
    return row;
}

static sparsed_crossover_choice choose(sparsed_context *context, sparsed_plan *plan,
                                       const sparsed_crossover_row *rows, size_t count) {
    const sparsed_crossover table = {.struct_size = sizeof table, .count = count, .rows = rows};
    sparsed_crossover_choice choice = {.struct_size = sizeof choice};
    if (sparsed_crossover_choose(plan, &table, &choice) != SPARSED_OK)
        fail_msg("%s", sparsed_context_error(context));
    return choice;
}

/* ---- choosing ---- */

static void test_crossover_choose__by_length(void **state) {
    sparsed_plan *plan = new_plan(*state, 0, 0.3);
    sparsed_crossover_row row = row_for(*state, plan, 0.3, LENGTH);
    sparsed_crossover_choice choice = choose(*state, plan, &row, 1);
    assert_int_equal(choice.dense, 0);
    assert_int_equal(choice.source, SPARSED_CROSSOVER_MEASURED);
    assert_int_equal(choice.length, LENGTH);
    assert_true(fabs(choice.density - 0.3) < 1e-12);
    assert_memory_equal(&choice.row, &row, sizeof row);
    assert_non_null(strstr(choice.reason, "sparse: 200 keys, and sparse pays from 200 on"));
    assert_non_null(strstr(choice.reason, "blocks 32 x 16, density 0.3; measured here"));
    row.length = LENGTH + 1;
    row.source = SPARSED_CROSSOVER_SHIPPED;
    choice = choose(*state, plan, &row, 1);
    assert_int_equal(choice.dense, 1);
    assert_int_equal(choice.source, SPARSED_CROSSOVER_SHIPPED);
    assert_non_null(strstr(choice.reason, "dense: 200 keys, and sparse pays from 201 on"));
    assert_non_null(strstr(choice.reason, "shipped default"));
    row.length = 0;
    row.longest = LENGTH;
    choice = choose(*state, plan, &row, 1);
    assert_int_equal(choice.dense, 1);
    assert_non_null(strstr(choice.reason, "dense: 200 keys, and sparse does not pay up to 200 ("));
    sparsed_plan_destroy(plan);
}

/* Without a row: sparse, and the text says that nothing was measured. */
static void test_crossover_choose__without_a_row(void **state) {
    static const sparsed_crossover_row zeros = {.length = 0};
    sparsed_plan *plan = new_plan(*state, 0, 0.3);
    const sparsed_crossover_row good = row_for(*state, plan, 0.3, 1000);
    sparsed_crossover_row rows[9];
    for (size_t i = 0; i < 9; i++)
        rows[i] = good;
    snprintf(rows[0].device, sizeof rows[0].device, "another");
    snprintf(rows[1].kernel, sizeof rows[1].kernel, "another");
    rows[2].dtype = SPARSED_BF16;
    rows[3].head_dim = 24;
    rows[4].block_q = 16;
    rows[5].block_k = 32;
    rows[6].density = 0.41;
    rows[7].shortest = LENGTH + 1;
    rows[8].length = 0;
    rows[8].longest = LENGTH - 1;
    sparsed_crossover_choice choice = choose(*state, plan, rows, 9);
    assert_int_equal(choice.dense, 0);
    assert_int_equal(choice.source, SPARSED_CROSSOVER_NONE);
    assert_memory_equal(&choice.row, &zeros, sizeof zeros);
    assert_non_null(strstr(choice.reason, "sparse: nothing was measured for 200 keys on"));
    assert_int_equal(choose(*state, plan, NULL, 0).source, SPARSED_CROSSOVER_NONE);
    rows[0].device[0] = '\0'; /* any device */
    assert_int_equal(choose(*state, plan, rows, 9).dense, 1);
    sparsed_plan_destroy(plan);
}

/* A row that says sparse reaches to lower densities, one that says dense to higher ones, and a little lower. */
static void test_crossover_choose__no_further_than_a_row_proves(void **state) {
    sparsed_plan *plan = new_plan(*state, 0, 0.3);
    static const struct {
        double density;
        uint64_t length;
        sparsed_crossover_source source;
    } cases[] = {{0.29, 100, SPARSED_CROSSOVER_NONE},    {0.3, 100, SPARSED_CROSSOVER_MEASURED},
                 {1.0, 100, SPARSED_CROSSOVER_MEASURED}, {0.1, 300, SPARSED_CROSSOVER_MEASURED},
                 {0.4, 300, SPARSED_CROSSOVER_MEASURED}, {0.41, 300, SPARSED_CROSSOVER_NONE},
                 {1.0, 300, SPARSED_CROSSOVER_NONE},     {1.0, 0, SPARSED_CROSSOVER_NONE}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const sparsed_crossover_row row = row_for(*state, plan, cases[i].density, cases[i].length);
        const sparsed_crossover_choice choice = choose(*state, plan, &row, 1);
        assert_int_equal(choice.source, cases[i].source);
        assert_int_equal(choice.dense, cases[i].source && cases[i].length > LENGTH);
    }
    sparsed_plan_destroy(plan);
}

/* The user's rows before shipped ones; then the nearest density. */
static void test_crossover_choose__best_row(void **state) {
    sparsed_plan *plan = new_plan(*state, 0, 0.3);
    sparsed_crossover_row rows[4];
    static const double densities[] = {0.9, 0.3, 0.5, 0.2};
    for (size_t i = 0; i < 4; i++) {
        rows[i] = row_for(*state, plan, densities[i], 100 + i);
        rows[i].source = SPARSED_CROSSOVER_SHIPPED;
    }
    assert_int_equal(choose(*state, plan, rows, 4).row.length, 101);
    rows[0].source = rows[2].source = SPARSED_CROSSOVER_MEASURED;
    assert_int_equal(choose(*state, plan, rows, 4).row.length, 102);
    sparsed_plan_destroy(plan);
}

static double expected_density(sparsed_context *context, uint32_t flags, uint32_t first) {
    sparsed_desc desc = case_desc(1, 2, 1, 16, LENGTH);
    sparsed_select select = case_select(SPARSED_MODE_PAPER, 32, 16, 40, 0.3);
    sparsed_plan *plan;
    select.flags = flags;
    select.always_first = first;
    assert_int_equal(sparsed_plan_create(context, &desc, &select, &plan), SPARSED_OK);
    double density = choose(context, plan, NULL, 0).density;
    sparsed_plan_destroy(plan);
    return density;
}

/* 13 key blocks, of which the generation region's begin at block 10 (200 - 160 = 40). */
static void test_crossover_choose__what_is_always_kept(void **state) {
    assert_true(fabs(expected_density(*state, 0, 0) - 0.3) < 1e-12);
    assert_true(fabs(expected_density(*state, 0, 2) - (0.3 + 2.0 / 13)) < 1e-12);
    assert_true(expected_density(*state, 0, 1000) == 1.0);
    double diagonal = expected_density(*state, SPARSED_SELECT_KEEP_DIAGONAL, 0);
    assert_true(fabs(diagonal - (0.3 + 2.0 / 13)) < 1e-12);
    double generation = expected_density(*state, SPARSED_SELECT_KEEP_GENERATION, 0);
    assert_true(fabs(generation - (0.3 + 3.0 / 13)) < 1e-12);
    double rows = expected_density(*state, SPARSED_SELECT_DENSE_GENERATION_ROWS, 0);
    assert_true(fabs(rows - (0.3 * 0.8 + 0.2)) < 1e-12);
}

static void test_crossover_choose__fixed_mode(void **state) {
    sparsed_desc desc = case_desc(1, 2, 1, 16, LENGTH);
    sparsed_select select = case_select(SPARSED_MODE_WINDOW, 32, 16, 0, 0.9);
    sparsed_plan *plan;
    select.window = 20;
    assert_int_equal(sparsed_plan_create(*state, &desc, &select, &plan), SPARSED_OK);
    assert_true(choose(*state, plan, NULL, 0).density == sparsed_fixed_density(LENGTH, 20, 0));
    sparsed_plan_destroy(plan);
}

static void test_crossover_choose__refusals(void **state) {
    sparsed_context *context = *state;
    sparsed_plan *plan = new_plan(context, 0, 0.3), *dense;
    const sparsed_desc desc = case_desc(1, 2, 1, 16, LENGTH);
    sparsed_crossover table = {.struct_size = sizeof table, .count = 1};
    sparsed_crossover_choice choice = {.struct_size = sizeof choice};
    assert_context_error(context, sparsed_crossover_choose(plan, NULL, &choice), SPARSED_E_INVALID,
                         "table is NULL");
    assert_context_error(context, sparsed_crossover_choose(plan, &table, &choice),
                         SPARSED_E_INVALID, "rows are NULL");
    table.count = 0;
    assert_context_error(context, sparsed_crossover_choose(plan, &table, NULL), SPARSED_E_INVALID,
                         "choice is NULL");
    assert_int_equal(sparsed_crossover_choose(NULL, &table, &choice), SPARSED_E_INVALID);
    sparsed_crossover_row row = row_for(context, plan, 0.3, 100);
    row.length = 63;
    table.rows = &row, table.count = 1;
    assert_context_error(context, sparsed_crossover_choose(plan, &table, &choice),
                         SPARSED_E_INVALID, "rows[0].length is out of range");
    assert_int_equal(sparsed_plan_create(context, &desc, NULL, &dense), SPARSED_OK);
    assert_context_error(context, sparsed_crossover_choose(dense, &table, &choice), SPARSED_E_STATE,
                         "no selection");
    sparsed_plan_destroy(dense);
    sparsed_plan_destroy(plan);
}

/* ---- files ---- */

static sparsed_crossover_row some_row(uint64_t length) {
    return (sparsed_crossover_row){.device = "A device of 2 words",
                                   .kernel = "cpu-avx2",
                                   .dtype = SPARSED_BF16,
                                   .head_dim = 64,
                                   .block_q = 128,
                                   .block_k = 32,
                                   .source = SPARSED_CROSSOVER_MEASURED,
                                   .density = 0.305,
                                   .shortest = 64,
                                   .longest = INT32_MAX,
                                   .length = length};
}

static void test_crossover_save__round_trip(void **state) {
    sparsed_crossover_row rows[3] = {some_row(100), some_row(200), some_row(INT32_MAX)};
    sparsed_crossover_row loaded[ROOM];
    size_t count = ROOM;
    sparsed_message message;
    const char *path = test_folder_path(*state, "table");
    rows[1].source = SPARSED_CROSSOVER_SHIPPED; /* left out */
    memset(rows[2].device, 0, sizeof rows[2].device);
    rows[2].density = 1.0;
    assert_int_equal(sparsed_crossover_save(path, rows, 3, &message), SPARSED_OK);
    if (sparsed_crossover_load(path, loaded, &count, &message) != SPARSED_OK)
        fail_msg("%s", message.text);
    assert_int_equal(count, 2 + spd_crossover_shipped_count);
    assert_memory_equal(&loaded[0], &rows[0], sizeof rows[0]);
    assert_memory_equal(&loaded[1], &rows[2], sizeof rows[2]);
    for (size_t i = 2; i < count; i++)
        assert_int_equal(loaded[i].source, SPARSED_CROSSOVER_SHIPPED);
}

/* A row that was measured at 0.29971 must still hold for 0.29971. */
static void test_crossover_save__density_is_rounded_up(void **state) {
    sparsed_crossover_row row = some_row(100), loaded[ROOM];
    size_t count = ROOM;
    const char *path = test_folder_path(*state, "table");
    row.density = 0.29971;
    assert_int_equal(sparsed_crossover_save(path, &row, 1, NULL), SPARSED_OK);
    assert_int_equal(sparsed_crossover_load(path, loaded, &count, NULL), SPARSED_OK);
    assert_true(loaded[0].density == 0.2998);
}

static void test_crossover_load__counts_and_room(void **state) {
    sparsed_crossover_row rows[2] = {some_row(100), some_row(200)}, loaded[2];
    const char *path = test_folder_path(*state, "table");
    size_t count = 77;
    assert_int_equal(sparsed_crossover_save(path, rows, 2, NULL), SPARSED_OK);
    assert_int_equal(sparsed_crossover_load(path, NULL, &count, NULL), SPARSED_OK);
    assert_int_equal(count, 2 + spd_crossover_shipped_count);
    memset(loaded, 0xff, sizeof loaded);
    count = 1;
    assert_int_equal(sparsed_crossover_load(path, loaded, &count, NULL), SPARSED_OK);
    assert_int_equal(count, 2 + spd_crossover_shipped_count);
    assert_int_equal(loaded[0].length, 100);
    assert_int_equal(loaded[1].dtype, UINT32_MAX); /* none is written past the room */
    assert_int_equal(sparsed_crossover_load("", NULL, &count, NULL), SPARSED_OK);
    assert_int_equal(count, spd_crossover_shipped_count);
    path = test_folder_path(*state, "absent");
    assert_int_equal(sparsed_crossover_load(path, NULL, &count, NULL), SPARSED_OK);
    assert_int_equal(count, spd_crossover_shipped_count);
}

static void refuse_file(test_folder *folder, const char *text, sparsed_status expected,
                        const char *named) {
    sparsed_message message;
    size_t count = 77;
    test_folder_write_text(folder, "table", text);
    sparsed_status status =
        sparsed_crossover_load(test_folder_path(folder, "table"), NULL, &count, &message);
    assert_error_text(message.text, status, expected, named);
    assert_non_null(strstr(message.text, "table"));
    assert_int_equal(count, 77);
}

#define HEAD "sparsed crossover 1\n"

/* A file of a comment; what is larger is not read. */
static sparsed_status load_bytes(test_folder *folder, size_t size_bytes, sparsed_message *message) {
    char *text = malloc(size_bytes);
    size_t count = 0;
    assert_non_null(text);
    memset(text, '#', size_bytes);
    memcpy(text, HEAD, sizeof HEAD - 1);
    test_folder_write(folder, "long", text, size_bytes);
    free(text);
    return sparsed_crossover_load(test_folder_path(folder, "long"), NULL, &count, message);
}

static void test_crossover_load__of_at_most_a_mebibyte(void **state) {
    sparsed_message message;
    const size_t most = (size_t)1 << 20;
    if (load_bytes(*state, most, &message) != SPARSED_OK)
        fail_msg("%s", message.text);
    const sparsed_status status = load_bytes(*state, most + 1, &message);
    assert_error_text(message.text, status, SPARSED_E_FORMAT, "no file of at most 1048576 bytes");
}

/* Ten digits, as 0000000064. */
static void test_crossover_load__takes_ten_digits(void **state) {
    sparsed_crossover_row row;
    size_t count = 1;
    test_folder_write_text(*state, "ten", HEAD "a f32 64 32 32 0.5000 0000000064 99 0 b\n");
    assert_int_equal(sparsed_crossover_load(test_folder_path(*state, "ten"), &row, &count, NULL),
                     SPARSED_OK);
    assert_int_equal(row.shortest, 64);
}

static void test_crossover_load__refuses_damage(void **state) {
    static const char *const bad[] = {
        "cpu-avx2 bf16 64 128 32 0.3050 64 999 100",           /* no device's field */
        "cpu-avx2 bf17 64 128 32 0.3050 64 999 100 x",         /* dtype */
        "cpu-avx2 bf16 65 128 32 0.3050 64 999 100 x",         /* head dimension */
        "cpu-avx2 bf16 64 100 32 0.3050 64 999 100 x",         /* block */
        "cpu-avx2 bf16 64 128 32 0.305 64 999 100 x",          /* digits */
        "cpu-avx2 bf16 64 128 32 0,3050 64 999 100 x",         /* point */
        "cpu-avx2 bf16 64 128 32 1.0001 64 999 100 x",         /* density */
        "cpu-avx2 bf16 64 128 32 0.0000 64 999 100 x",         /* density */
        "cpu-avx2 bf16 64 128 32 0.3050 64 999 63 x",          /* length */
        "cpu-avx2 bf16 64 128 32 0.3050 64 99999999999 100 x", /* length */
        "cpu-avx2 bf16 64 128 32 0.3050 64 00000000999 100 x", /* 11 digits */
        "cpu-avx2 bf16 4294967360 128 32 0.3050 64 999 100 x", /* wraps */
        "cpu-avx2 bf16 64 128 32 0.3050 64 999 -100 x",        /* sign */
        "cpu-avx2  bf16 64 128 32 0.3050 64 999 100 x",        /* two spaces */
        "cpu-avx2 bf16 64 128 32 0.3050 64 999 100 x\ty",      /* control character */
        ""};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[256];
        snprintf(text, sizeof text, HEAD "# a comment\n%s\n", bad[i]);
        refuse_file(*state, text, SPARSED_E_FORMAT, "line 3 is not");
    }
    refuse_file(*state, "sparsed\n", SPARSED_E_FORMAT, "line 1 is not sparsed crossover 1");
    refuse_file(*state, "sparsed crossover 2\n", SPARSED_E_VERSION, "'sparsed crossover 2'");
    test_folder_write(*state, "zero", HEAD "\0", sizeof HEAD);
    size_t count = 0;
    sparsed_message message;
    sparsed_status status =
        sparsed_crossover_load(test_folder_path(*state, "zero"), NULL, &count, &message);
    assert_error_text(message.text, status, SPARSED_E_FORMAT, "byte 20 is 0");
    status = sparsed_crossover_load(((test_folder *)*state)->path, NULL, &count, &message);
    assert_error_text(message.text, status, SPARSED_E_FORMAT, "no file of at most");
    assert_int_equal(sparsed_crossover_load("", NULL, NULL, NULL), SPARSED_E_INVALID);
}

static void test_crossover_save__refuses_rows(void **state) {
    const char *path = test_folder_path(*state, "table");
    sparsed_crossover_row row = some_row(100);
    sparsed_message message;
    row.density = (double)NAN;
    assert_error_text(message.text, sparsed_crossover_save(path, &row, 1, &message),
                      SPARSED_E_INVALID, "rows[0].density");
    row = some_row(100);
    row.device[3] = '\n';
    assert_error_text(message.text, sparsed_crossover_save(path, &row, 1, &message),
                      SPARSED_E_INVALID, "rows[0].device");
    row = some_row(100);
    memset(row.kernel, 'x', sizeof row.kernel);
    assert_error_text(message.text, sparsed_crossover_save(path, &row, 1, &message),
                      SPARSED_E_INVALID, "rows[0].kernel");
    row = some_row(100);
    row.source = SPARSED_CROSSOVER_NONE;
    assert_error_text(message.text, sparsed_crossover_save(path, &row, 1, &message),
                      SPARSED_E_INVALID, "rows[0].source");
    assert_int_equal(sparsed_crossover_save(path, NULL, 1, NULL), SPARSED_E_INVALID);
    assert_int_equal(test_folder_count(*state, ""), 0);
}

/* ---- the user's table ---- */

static void set_environment(const char *own, const char *xdg, const char *home) {
    const char *const names[] = {"SPARSED_CACHE_DIR", "XDG_CACHE_HOME", "HOME"};
    const char *const values[] = {own, xdg, home};
    for (size_t i = 0; i < 3; i++)
        if (values[i])
            setenv(names[i], values[i], 1);
        else
            unsetenv(names[i]);
}

static const char *users_path(void) {
    static char path[256];
    snprintf(path, sizeof path, "none");
    sparsed_crossover_path(path, sizeof path, NULL);
    return path;
}

static void test_crossover_path__by_the_environment(void **state) {
    (void)state;
    sparsed_message message;
    char path[12];
    set_environment("/own", "/xdg", "/home");
    assert_string_equal(users_path(), "/own/crossover.txt");
    set_environment(NULL, "/xdg", "/home");
    assert_string_equal(users_path(), "/xdg/sparsed/crossover.txt");
    set_environment(NULL, "", "/home");
    assert_string_equal(users_path(), "/home/.cache/sparsed/crossover.txt");
    assert_error_text(message.text, sparsed_crossover_path(path, sizeof path, &message),
                      SPARSED_E_INVALID, "path has room for 12 bytes, not for 35");
    set_environment("off", "/xdg", "/home");
    assert_error_text(message.text, sparsed_crossover_path(path, sizeof path, &message),
                      SPARSED_E_INVALID, "SPARSED_CACHE_DIR");
    set_environment("", "/xdg", "/home");
    assert_string_equal(users_path(), "none");
    set_environment(NULL, NULL, NULL);
    assert_string_equal(users_path(), "none");
    assert_int_equal(sparsed_crossover_path(NULL, 9, NULL), SPARSED_E_INVALID);
}

/* Switched off, nothing can be saved, and loading gives what is shipped. */
static void test_crossover_save__users_table(void **state) {
    const sparsed_crossover_row row = some_row(100);
    sparsed_message message;
    size_t count = 0;
    struct stat info;
    set_environment("off", NULL, NULL);
    assert_error_text(message.text, sparsed_crossover_save(NULL, &row, 1, &message),
                      SPARSED_E_INVALID, "SPARSED_CACHE_DIR");
    assert_int_equal(sparsed_crossover_load(NULL, NULL, &count, NULL), SPARSED_OK);
    assert_int_equal(count, spd_crossover_shipped_count);
    set_environment(test_folder_path(*state, "folder"), NULL, NULL);
    if (sparsed_crossover_save(NULL, &row, 1, &message) != SPARSED_OK)
        fail_msg("%s", message.text);
    assert_int_equal(sparsed_crossover_load(NULL, NULL, &count, NULL), SPARSED_OK);
    assert_int_equal(count, 1 + spd_crossover_shipped_count);
    assert_int_equal(stat(test_folder_path(*state, "folder"), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    assert_int_equal(chmod(test_folder_path(*state, "folder"), 0777), 0);
    assert_error_text(message.text, sparsed_crossover_save(NULL, &row, 1, &message), SPARSED_E_IO,
                      "folder/crossover.txt is not stored: others may change ");
    assert_non_null(strstr(message.text, "/folder; `chmod go-w "));
    assert_int_equal(remove(test_folder_path(*state, "folder/crossover.txt")), 0);
    assert_int_equal(rmdir(test_folder_path(*state, "folder")), 0);
}

/* It is the file or folder at `which` of which the message says why. */
static void refuse_users_table(const char *which, bool is_link) {
    sparsed_message message;
    size_t count = 77;
    char text[800];
    sparsed_status status = sparsed_crossover_load(NULL, NULL, &count, &message);
    if (is_link)
        snprintf(text, sizeof text, "crossover.txt is not read: %s is a link", which);
    else
        snprintf(text, sizeof text,
                 "crossover.txt is not read: others may change %s; `chmod go-w %s` mends that",
                 which, which);
    assert_error_text(message.text, status, SPARSED_E_IO, text);
    assert_int_equal(count, 77);
}

/* Whoever else may write a table would decide what this user's pipelines run. */
static void test_crossover_load__users_table_that_others_may_write(void **state) {
    const sparsed_crossover_row row = some_row(100);
    size_t count = 0;
    char folder[256], table[256], away[256];
    struct stat info;
    snprintf(folder, sizeof folder, "%s", test_folder_path(*state, "folder"));
    snprintf(table, sizeof table, "%s", test_folder_path(*state, "folder/crossover.txt"));
    snprintf(away, sizeof away, "%s", test_folder_path(*state, "away"));
    set_environment(folder, NULL, NULL);
    const mode_t before = umask(0); /* a user whose group may write what he makes */
    assert_int_equal(sparsed_crossover_save(NULL, &row, 1, NULL), SPARSED_OK);
    umask(before);
    assert_int_equal(stat(table, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(sparsed_crossover_load(NULL, NULL, &count, NULL), SPARSED_OK);
    assert_int_equal(chmod(table, 0620), 0);
    refuse_users_table(table, false);
    assert_int_equal(sparsed_crossover_load(table, NULL, &count, NULL), SPARSED_OK); /* by name */
    assert_int_equal(chmod(table, 0644), 0); /* others may read it */
    assert_int_equal(sparsed_crossover_load(NULL, NULL, &count, NULL), SPARSED_OK);
    assert_int_equal(chmod(folder, 0702), 0);
    refuse_users_table(folder, false);
    assert_int_equal(chmod(folder, 0700), 0);
    assert_int_equal(rename(table, away), 0);
    assert_int_equal(symlink(away, table), 0);
    refuse_users_table(table, true);
    assert_int_equal(rename(away, table), 0);
    assert_int_equal(rename(folder, away), 0);
    assert_int_equal(symlink(away, folder), 0);
    refuse_users_table(folder, true);
    assert_int_equal(unlink(folder), 0);
    assert_int_equal(sparsed_crossover_load(NULL, NULL, &count, NULL), SPARSED_OK); /* none */
    assert_int_equal(count, spd_crossover_shipped_count);
    assert_int_equal(access(folder, F_OK), -1); /* loading makes no folder */
    assert_int_equal(remove(test_folder_path(*state, "away/crossover.txt")), 0);
    assert_int_equal(rmdir(away), 0);
}

/* ---- what is shipped ---- */

static void test_crossover_shipped__rows_are_sound(void **state) {
    (void)state;
    sparsed_message message;
    for (size_t i = 0; i < spd_crossover_shipped_count; i++) {
        const sparsed_crossover_row *row = &spd_crossover_shipped[i];
        if (spd_crossover_check_row(row, i, &message) != SPARSED_OK)
            fail_msg("%s", message.text);
        assert_int_equal(row->source, SPARSED_CROSSOVER_SHIPPED);
        for (size_t j = 0; j < i; j++) {
            const sparsed_crossover_row *other = &spd_crossover_shipped[j];
            assert_false(strcmp(row->device, other->device) == 0 &&
                         strcmp(row->kernel, other->kernel) == 0 && row->dtype == other->dtype &&
                         row->head_dim == other->head_dim && row->block_q == other->block_q &&
                         row->block_k == other->block_k && row->density == other->density);
        }
    }
}

int main(void) {
    const struct CMUnitTest with_context[] = {
        cmocka_unit_test(test_crossover_choose__by_length),
        cmocka_unit_test(test_crossover_choose__without_a_row),
        cmocka_unit_test(test_crossover_choose__no_further_than_a_row_proves),
        cmocka_unit_test(test_crossover_choose__best_row),
        cmocka_unit_test(test_crossover_choose__what_is_always_kept),
        cmocka_unit_test(test_crossover_choose__fixed_mode),
        cmocka_unit_test(test_crossover_choose__refusals),
    };
    const struct CMUnitTest with_files[] = {
        TEST_IN_FOLDER(test_crossover_save__round_trip),
        TEST_IN_FOLDER(test_crossover_save__density_is_rounded_up),
        TEST_IN_FOLDER(test_crossover_load__counts_and_room),
        TEST_IN_FOLDER(test_crossover_load__of_at_most_a_mebibyte),
        TEST_IN_FOLDER(test_crossover_load__takes_ten_digits),
        TEST_IN_FOLDER(test_crossover_load__refuses_damage),
        TEST_IN_FOLDER(test_crossover_save__refuses_rows),
        TEST_IN_FOLDER(test_crossover_path__by_the_environment),
        TEST_IN_FOLDER(test_crossover_save__users_table),
        TEST_IN_FOLDER(test_crossover_load__users_table_that_others_may_write),
        TEST_IN_FOLDER(test_crossover_shipped__rows_are_sound),
    };
    int failed = cmocka_run_group_tests(with_context, open_default_context, close_default_context);
    return failed + cmocka_run_group_tests(with_files, NULL, NULL);
}
