/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Which events of work in flight are remembered, and what is known of those that are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cl/order.h"

/* ---- a driver of events alone ---- */

enum { EVENTS = SPD_CL_MAX_PENDING + 2 };

static cl_int statuses[EVENTS];
static int references[EVENTS];

/* Handles are opaque: numbers from 1 serve. */
static cl_event event_of(uintptr_t number) {
    return (cl_event)(number + 1);
}

static size_t number_of(cl_event event) {
    return (uintptr_t)event - 1;
}

static cl_int CL_API_CALL retain(cl_event event) {
    references[number_of(event)]++;
    return CL_SUCCESS;
}

static cl_int CL_API_CALL release(cl_event event) {
    references[number_of(event)]--;
    return CL_SUCCESS;
}

static cl_int CL_API_CALL ask(cl_event event, cl_event_info what, size_t size, void *value,
                              size_t *size_out) {
    assert_int_equal(what, CL_EVENT_COMMAND_EXECUTION_STATUS);
    assert_int_equal(size, sizeof(cl_int));
    assert_null(size_out);
    memcpy(value, &statuses[number_of(event)], size);
    return CL_SUCCESS;
}

static const spd_cl_api api = {.RetainEvent = retain, .ReleaseEvent = release, .GetEventInfo = ask};

static spd_cl_pending pending;

/* All events are running. */
static int reset(void **state) {
    (void)state;
    pending = (spd_cl_pending){.count = 0};
    memset(references, 0, sizeof references);
    for (size_t i = 0; i < EVENTS; i++)
        statuses[i] = CL_RUNNING;
    return 0;
}

static void add(size_t number) {
    assert_int_equal(spd_cl_pending_add(&api, &pending, event_of(number)), CL_SUCCESS);
}

static void fill(void) {
    for (size_t i = 0; i < SPD_CL_MAX_PENDING; i++)
        add(i);
}

static void assert_kept(size_t number, bool kept) {
    size_t found = 0;
    for (size_t i = 0; i < pending.count; i++)
        found += pending.events[i] == event_of(number);
    assert_int_equal(found, kept);
    assert_int_equal(references[number], kept);
}

/* ---- tests ---- */

static void test_pending_add__each_event_once(void **state) {
    (void)state;
    add(3);
    add(4);
    add(3);
    assert_int_equal(pending.count, 2);
    assert_kept(3, true);
    assert_kept(4, true);
    spd_cl_pending_clear(&api, &pending);
    assert_int_equal(pending.count, 0);
    assert_kept(3, false);
    assert_kept(4, false);
}

/* The oldest of all still runs: nobody else will ask what became of it. */
static void test_pending_add__full_of_some_that_are_done(void **state) {
    (void)state;
    fill();
    statuses[5] = statuses[90] = CL_COMPLETE;
    add(SPD_CL_MAX_PENDING);
    assert_int_equal(pending.count, SPD_CL_MAX_PENDING - 1);
    assert_ptr_equal(pending.events[0], event_of(0));
    assert_kept(5, false);
    assert_kept(90, false);
    assert_kept(SPD_CL_MAX_PENDING, true);
    assert_int_equal(spd_cl_pending_sweep(&api, &pending), CL_SUCCESS);
}

static void test_pending_add__full_of_running_ones(void **state) {
    (void)state;
    fill();
    add(SPD_CL_MAX_PENDING);
    assert_int_equal(pending.count, SPD_CL_MAX_PENDING);
    assert_kept(0, false);
    assert_kept(1, true);
    assert_ptr_equal(pending.events[SPD_CL_MAX_PENDING - 1], event_of(SPD_CL_MAX_PENDING));
}

/* What gave way had failed: the next sweep says so all the same, and the one after it. */
static void test_pending_add__full_of_one_that_failed(void **state) {
    (void)state;
    fill();
    statuses[0] = CL_OUT_OF_RESOURCES;
    add(SPD_CL_MAX_PENDING);
    assert_kept(0, false);
    assert_int_equal(spd_cl_pending_sweep(&api, &pending), CL_OUT_OF_RESOURCES);
    statuses[1] = CL_DEVICE_NOT_AVAILABLE;
    assert_int_equal(spd_cl_pending_sweep(&api, &pending), CL_OUT_OF_RESOURCES);
    assert_kept(1, false);
}

static void test_pending_sweep__drops_what_is_done(void **state) {
    (void)state;
    fill();
    for (size_t i = 0; i < SPD_CL_MAX_PENDING; i++)
        statuses[i] = i == 7 ? CL_QUEUED : CL_COMPLETE;
    assert_int_equal(spd_cl_pending_sweep(&api, &pending), CL_SUCCESS);
    assert_int_equal(pending.count, 1);
    assert_kept(7, true);
    assert_kept(8, false);
}

#define TEST(function) cmocka_unit_test_setup(function, reset)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_pending_add__each_event_once),
        TEST(test_pending_add__full_of_some_that_are_done),
        TEST(test_pending_add__full_of_running_ones),
        TEST(test_pending_add__full_of_one_that_failed),
        TEST(test_pending_sweep__drops_what_is_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
