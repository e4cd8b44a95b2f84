/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Other libraries' figures from a file. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "bench/peers.h"
#include "support/test_files.h"

#define ROW(fields) \
    "{\"sparsed_peers\":1,\"device\":\"D\",\"versions\":\"V 1\",\"rows\":[{" fields "}]}"
#define SHAPE "\"heads\":4,\"kv_heads\":2,\"head_dim\":64,\"length\":512"
#define TIMES "\"rounds\":9,\"median_ms\":2.0,\"least_ms\":1.0,\"most_ms\":2.5"
#define NAMES                                                         \
    "\"name\":\"torch flex\",\"pass\":\"sparse\",\"dtype\":\"bf16\"," \
    "\"block_q\":128,\"block_k\":64"

static bool read_text(void **state, const char *text, bench_peers *peers, tool_error *error) {
    test_folder_write_text(*state, "peers.json", text);
    return bench_peers_read(test_folder_path(*state, "peers.json"), peers, error);
}

static void refuse(void **state, const char *text, const char *why) {
    bench_peers peers;
    tool_error error;
    assert_false(read_text(state, text, &peers, &error));
    if (!strstr(error.text, why))
        fail_msg("'%s' is not in: %s", why, error.text);
    assert_null(peers.root);
    assert_null(peers.rows);
}

static void test_bench_peers_read__a_row(void **state) {
    bench_peers peers;
    tool_error error;
    if (!read_text(state, ROW(NAMES "," SHAPE "," TIMES ",\"density\":0.3,\"threads\":2"), &peers,
                   &error))
        fail_msg("%s", error.text);
    assert_string_equal(peers.device, "D");
    assert_string_equal(peers.versions, "V 1");
    assert_int_equal(peers.count, 1);
    const bench_peer_row *row = peers.rows;
    assert_string_equal(row->name, "torch flex");
    assert_string_equal(row->pass, "sparse");
    assert_int_equal(row->heads, 4);
    assert_int_equal(row->kv_heads, 2);
    assert_int_equal(row->length, 512);
    assert_int_equal(row->block_k, 64);
    assert_int_equal(row->threads, 2);
    assert_true(row->density == 0.3 && row->ms.median == 2.0 && row->ms.most == 2.5);
    assert_true(row->ms.spread == 0.75);
    bench_peers_free(&peers);
}

static void test_bench_peers_read__hides_control_characters(void **state) {
    bench_peers peers;
    tool_error error;
    if (!read_text(state,
                   ROW("\"name\":\"a\\u001b[2J\\nb\",\"pass\":\"dense\",\"dtype\":\"bf16\"," SHAPE
                       "," TIMES ",\"density\":1"),
                   &peers, &error))
        fail_msg("%s", error.text);
    assert_string_equal(peers.rows[0].name, "a?[2J?b");
    bench_peers_free(&peers);
}

static void test_bench_peers_read__faults_are_named(void **state) {
    refuse(state, "{}", "\"sparsed_peers\" is missing");
    refuse(state, "{\"sparsed_peers\":2}", "\"sparsed_peers\": 2");
    refuse(state, "{\"sparsed_peers\":1,\"versions\":\"\",\"rows\":[]}", "\"device\" is missing");
    refuse(state, "{\"sparsed_peers\":1,\"device\":\"\",\"versions\":\"\"}",
           "\"rows\" is no array");
    refuse(state, "{\"sparsed_peers\":1,\"device\":\"\",\"versions\":\"\",\"rows\":[1]}",
           "rows[0] is no object");
    refuse(state, ROW(NAMES "," SHAPE "," TIMES), "\"rows[0].density\" is missing");
    refuse(state, ROW(NAMES "," SHAPE "," TIMES ",\"density\":1.5"), "\"rows[0].density\": 1.5");
    refuse(state, ROW(NAMES "," SHAPE ",\"density\":1"), "\"rows[0].rounds\" is missing");
    refuse(state, ROW(NAMES "," TIMES ",\"density\":1"), "\"rows[0].heads\" is missing");
    refuse(state, ROW("\"name\":\"x\",\"pass\":\"build\"," SHAPE "," TIMES),
           "\"rows[0].pass\": \"build\"");
}

#define TIMED(least, median, most)                                                   \
    ROW(NAMES "," SHAPE ",\"rounds\":9,\"median_ms\":" median ",\"least_ms\":" least \
              ",\"most_ms\":" most ",\"density\":1")

/* No spread is below 0. */
static void test_bench_peers_read__times_are_in_order(void **state) {
    bench_peers peers;
    tool_error error;
    refuse(state, TIMED("2.5", "2", "3"), "\"rows[0].least_ms\": 2.5 is above its \"median_ms\"");
    refuse(state, TIMED("1", "2", "1.5"), "\"rows[0].median_ms\": 2 is above its \"most_ms\"");
    if (!read_text(state, TIMED("2", "2", "2"), &peers, &error))
        fail_msg("%s", error.text);
    bench_peers_free(&peers);
}

#define NAMED(name)                                                                    \
    ROW("\"name\":\"" name "\",\"pass\":\"dense\",\"dtype\":\"bf16\"," SHAPE "," TIMES \
        ",\"density\":1")

/* A row under the library's own name would pass for one that was measured. */
static void test_bench_peers_read__none_is_called_sparsed(void **state) {
    static const char why[] = "is what rows measured here are called";
    bench_peers peers;
    tool_error error;
    refuse(state, NAMED("sparsed"), "\"rows[0].name\": \"sparsed\" is what rows measured here");
    refuse(state, NAMED("Sparsed"), why);
    refuse(state, NAMED(" sparsed "), why);
    if (!read_text(state, NAMED("sparsed 0.1.0"), &peers, &error))
        fail_msg("%s", error.text);
    bench_peers_free(&peers);
}

static void accept(void **state, const char *text, size_t rows) {
    bench_peers peers;
    tool_error error;
    if (!read_text(state, text, &peers, &error))
        fail_msg("%s", error.text);
    assert_int_equal(peers.count, rows);
    bench_peers_free(&peers);
}

static void test_bench_peers_read__none_is_without_a_name(void **state) {
    refuse(state, NAMED(""), "\"rows[0].name\": \"\" names nothing");
    refuse(state, NAMED("  "), "names nothing");
}

#define PASSED(pass, rest) \
    ROW("\"name\":\"x\",\"pass\":\"" pass "\",\"dtype\":\"bf16\"," SHAPE "," TIMES "," rest)

static void test_bench_peers_read__passes_are_what_they_are_called(void **state) {
    refuse(state, PASSED("dense", "\"density\":0.5"),
           "\"rows[0].density\": 0.5 is not 1, of a dense pass");
    refuse(state, PASSED("sparse", "\"density\":0.5"), "\"rows[0].block_q\"");
    refuse(state, PASSED("sparse", "\"density\":0.5,\"block_q\":0,\"block_k\":32"),
           "\"rows[0].block_q\": 0 is no block of a sparse pass");
    refuse(state, PASSED("sparse", "\"density\":0.5,\"block_q\":32,\"block_k\":0"),
           "\"rows[0].block_k\": 0 is no block of a sparse pass");
    accept(state, PASSED("sparse", "\"density\":0.5,\"block_q\":1,\"block_k\":48"), 1);
    accept(state, PASSED("sparse", "\"density\":1,\"block_q\":256,\"block_k\":32"), 1);
}

#define LIKE(name, times) \
    "\"name\":\"" name "\",\"pass\":\"dense\",\"dtype\":\"bf16\"," SHAPE "," times

/* Which of the two would count? */
static void test_bench_peers_read__none_is_there_twice(void **state) {
    static const char again[] = "\"rounds\":5,\"median_ms\":3,\"least_ms\":2,\"most_ms\":4";
    char text[2048];
    snprintf(text, sizeof text,
             ROW(LIKE("b", TIMES) ",\"density\":1},{%s,\"density\":1},{%s%s,\"density\":1"),
             LIKE("a", TIMES), LIKE("b", ""), again);
    refuse(state, text, "peers.json: rows[2] is about the same as rows[0]");
    snprintf(text, sizeof text,
             ROW(LIKE("b", TIMES) ",\"density\":1},{%s%s,\"density\":1,\"threads\":1"),
             LIKE("b", ""), again);
    accept(state, text, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST_IN_FOLDER(test_bench_peers_read__a_row),
        TEST_IN_FOLDER(test_bench_peers_read__hides_control_characters),
        TEST_IN_FOLDER(test_bench_peers_read__faults_are_named),
        TEST_IN_FOLDER(test_bench_peers_read__times_are_in_order),
        TEST_IN_FOLDER(test_bench_peers_read__none_is_called_sparsed),
        TEST_IN_FOLDER(test_bench_peers_read__none_is_without_a_name),
        TEST_IN_FOLDER(test_bench_peers_read__passes_are_what_they_are_called),
        TEST_IN_FOLDER(test_bench_peers_read__none_is_there_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
