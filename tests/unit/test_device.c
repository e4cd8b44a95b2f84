/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The list of devices, what is said of the processor, and which device a context gets: for that,
 * backends of this file's own stand for GPUs and OpenCL runtimes that no machine has all of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/blas/gemm.h"
#include "src/device.h"
#include "support/api_check.h"

static void test_device_list__number_alone(void **state) {
    (void)state;
    size_t count = 99;
    assert_int_equal(sparsed_device_list(NULL, &count, NULL), SPARSED_OK);
    assert_true(count >= 1);
    const size_t all = count;
    sparsed_device_info infos[4];
    count = 0; /* no room */
    assert_int_equal(sparsed_device_list(infos, &count, NULL), SPARSED_OK);
    assert_int_equal(count, all);
}

static void test_device_list__describes_the_processor(void **state) {
    (void)state;
    sparsed_device_info infos[8];
    size_t count = 8;
    memset(infos, 0xff, sizeof infos);
    for (int i = 0; i < 8; i++)
        infos[i].struct_size = sizeof infos[i];
    assert_int_equal(sparsed_device_list(infos, &count, NULL), SPARSED_OK);
    bool found = false;
    for (size_t i = 0; i < count && i < 8; i++) {
        if (strcmp(infos[i].selector, "cpu") != 0)
            continue;
        found = true;
        assert_int_equal(infos[i].usable, 1);
        assert_int_equal(infos[i].struct_size, sizeof infos[i]);
        assert_true(infos[i].name[0] != '\0');
        assert_true(infos[i].compute_units >= 1);
        assert_true(infos[i].memory_bytes > (uint64_t)1 << 20);
        assert_int_equal(infos[i].blas_core[0] != '\0', spd_gemm_openblas() != NULL);
        /* A core to ask for goes with a note that says so. */
        assert_int_equal(infos[i].blas_core_wanted[0] != '\0',
                         strstr(infos[i].note, "OPENBLAS_CORETYPE") != NULL);
        print_message("%s: %s; %s; %s\n", infos[i].name, infos[i].driver, infos[i].capabilities,
                      infos[i].note);
    }
    assert_true(found);
}

static void test_device_list__older_caller(void **state) {
    (void)state;
    struct {
        uint32_t struct_size, usable;
        char selector[32];
        uint32_t behind;
    } info = {offsetof(sparsed_device_info, name), 0, "", 0x12345678};
    size_t count = 1;
    assert_int_equal(sparsed_device_list((sparsed_device_info *)(void *)&info, &count, NULL),
                     SPARSED_OK);
    assert_int_equal(info.usable, 1);
    assert_true(info.selector[0] != '\0');
    assert_int_equal(info.behind, 0x12345678);
}

static void test_device_list__refuses(void **state) {
    (void)state;
    sparsed_message message;
    sparsed_device_info info = {.struct_size = 0};
    size_t count = 1;
    assert_error_text(message.text, sparsed_device_list(NULL, NULL, &message), SPARSED_E_INVALID,
                      "count is NULL");
    assert_error_text(message.text, sparsed_device_list(&info, &count, &message), SPARSED_E_INVALID,
                      "infos.struct_size is 0");
}

/* In the order of kinds; a backend without a device is the last entry, and says why. */
static void test_device_list__best_first(void **state) {
    (void)state;
    static sparsed_device_info infos[64];
    size_t count = 64;
    for (int i = 0; i < 64; i++)
        infos[i].struct_size = sizeof infos[i];
    assert_int_equal(sparsed_device_list(infos, &count, NULL), SPARSED_OK);
    for (size_t i = 0; i < count && i < 64; i++) {
        assert_in_range(infos[i].kind, SPARSED_DEVICE_GPU, SPARSED_DEVICE_OTHER);
        assert_true(i == 0 || infos[i - 1].kind <= infos[i].kind);
        assert_true(infos[i].usable || infos[i].note[0] != '\0');
    }
}

/* ---- backends of this file's own ---- */

enum { MAX_FAKES = 4 };

/* What the OpenCL-like backend has; the CPU backend runs underneath. */
typedef struct fake {
    const char *selector, *driver, *name;
    uint32_t kind;
    const char *unusable; /* why, or NULL */
    bool wrong;           /* gives wrong numbers */
    bool broken;          /* cannot be opened */
} fake;

static fake fakes[MAX_FAKES];
static size_t fake_count, opened, open_states;
static unsigned asked_for_devices;

typedef struct fake_state {
    const fake *device;
    void *cpu;
} fake_state;

static fake_state states[MAX_FAKES];

static bool fake_device(size_t index, sparsed_device_info *info) {
    asked_for_devices++;
    if (index >= fake_count)
        return false;
    const fake *f = &fakes[index];
    *info = (sparsed_device_info){.struct_size = sizeof *info, .kind = f->kind};
    snprintf(info->selector, sizeof info->selector, "%s", f->selector);
    snprintf(info->driver, sizeof info->driver, "%s", f->driver);
    snprintf(info->name, sizeof info->name, "%s", f->name);
    snprintf(info->note, sizeof info->note, "%s", f->unusable ? f->unusable : "");
    info->usable = !f->unusable;
    return true;
}

static sparsed_status fake_open(size_t index, uint32_t threads, const sparsed_allocator *allocator,
                                void **state, sparsed_message *message) {
    *state = NULL;
    if (fake_count == 0)
        return spd_fail(message, SPARSED_E_NO_DEVICE, "libFake.so is not there");
    if (fakes[index].broken)
        return spd_fail(message, SPARSED_E_DEVICE, "fakeCreateContext on %s: FAKE_ERROR",
                        fakes[index].selector);
    opened++;
    open_states++;
    states[index].device = &fakes[index];
    *state = &states[index];
    return spd_cpu_backend.open(0, threads, allocator, &states[index].cpu, message);
}

static void fake_close(void *state) {
    open_states--;
    spd_cpu_backend.close(((fake_state *)state)->cpu);
}

static uint32_t fake_threads(const void *state) {
    return spd_cpu_backend.threads(((const fake_state *)state)->cpu);
}

static sparsed_status fake_accept(void *state, size_t row, const spd_problem *problem,
                                  sparsed_message *message) {
    return spd_cpu_backend.accept(((fake_state *)state)->cpu, row, problem, message);
}

static sparsed_status fake_prepare(void *state, size_t row, const spd_problem *problem,
                                   void **kernel, uint64_t *scratch_bytes,
                                   sparsed_message *message) {
    return spd_cpu_backend.prepare(((fake_state *)state)->cpu, row, problem, kernel, scratch_bytes,
                                   message);
}

static void fake_discard(void *state, void *kernel) {
    spd_cpu_backend.discard(((fake_state *)state)->cpu, kernel);
}

static sparsed_status fake_enqueue(void *state, void *kernel, const spd_launch *launch,
                                   sparsed_message *message) {
    const fake_state *s = state;
    sparsed_status status = spd_cpu_backend.enqueue(s->cpu, kernel, launch, message);
    if (s->device->wrong)
        ((float *)launch->out.mem)[launch->extents->query_start * launch->problem->desc.head_dim] +=
            1.0f;
    return status;
}

static sparsed_status fake_wait(void *state, sparsed_message *message) {
    return spd_cpu_backend.wait(((fake_state *)state)->cpu, message);
}

static sparsed_status fake_health(void *state, sparsed_message *message) {
    return spd_cpu_backend.health(((fake_state *)state)->cpu, message);
}

static void *fake_allocate(void *state, uint64_t size_bytes) {
    return spd_cpu_backend.allocate(((fake_state *)state)->cpu, size_bytes);
}

static void fake_release(void *state, void *memory) {
    spd_cpu_backend.release(((fake_state *)state)->cpu, memory);
}

static spd_backend fake_backend(void) {
    spd_backend backend = spd_cpu_backend;
    backend.name = "opencl";
    backend.device = fake_device;
    backend.open = fake_open;
    backend.close = fake_close;
    backend.threads = fake_threads;
    backend.accept = fake_accept;
    backend.prepare = fake_prepare;
    backend.discard = fake_discard;
    backend.enqueue = fake_enqueue;
    backend.wait = fake_wait;
    backend.health = fake_health;
    backend.allocate = fake_allocate;
    backend.release = fake_release;
    return backend;
}

static const fake gpu = {"opencl:0:0",
                         "Big Platform, OpenCL 3.0 XY, driver 9",
                         "Fast GPU 5700",
                         SPARSED_DEVICE_GPU,
                         NULL,
                         false,
                         false};
static const fake second_gpu = {"opencl:0:1", "Big Platform, OpenCL 3.0 XY, driver 9",
                                "Slow GPU",   SPARSED_DEVICE_GPU,
                                NULL,         false,
                                false};
static const fake pocl = {
    "opencl:1:0",   "Portable Computing Language, OpenCL 3.0 PoCL, driver 3.1",
    "pthread-EPYC", SPARSED_DEVICE_CPU_OPENCL,
    NULL,           false,
    false};
static const fake accelerator = {
    "opencl:2:0", "Board, OpenCL 1.2, driver 1", "FPGA", SPARSED_DEVICE_OTHER, NULL, false, false};

static void set_fakes(size_t count, const fake *a, const fake *b, const fake *c, const fake *d) {
    const fake *all[MAX_FAKES] = {a, b, c, d};
    fake_count = count;
    opened = 0;
    asked_for_devices = 0;
    for (size_t i = 0; i < count; i++)
        fakes[i] = *all[i];
}

/* ---- choosing ---- */

typedef struct choice {
    sparsed_status status;
    char selector[32], reason[128], runner_up[32], text[512], log[2048];
} choice;

static void write_line(void *user, sparsed_log_level level, const char *line) {
    choice *c = user;
    size_t used = strlen(c->log);
    if (level == SPARSED_LOG_INFO)
        snprintf(c->log + used, sizeof c->log - used, "%s\n", line);
}

/* What `request` opens among the fakes and, unless told otherwise, the CPU. */
static choice choose(const char *request, bool with_cpu) {
    static spd_verdict verdicts[SPD_MAX_VERDICTS];
    const spd_backend opencl = fake_backend();
    const spd_backend *const backends[] = {&opencl, with_cpu ? &spd_cpu_backend : NULL, NULL};
    choice result = {.status = SPARSED_OK};
    sparsed_context context = {.allocator = spd_default_allocator(),
                               .logger = {write_line, &result},
                               .verdicts = verdicts};
    sparsed_message message = {""};
    result.status = spd_device_open(&context, backends, request, 1, &message);
    snprintf(result.text, sizeof result.text, "%s", message.text);
    if (result.status == SPARSED_OK) {
        assert_string_equal(message.text, "");
        assert_string_equal(context.message.text, "");
        snprintf(result.selector, sizeof result.selector, "%s", context.info.selector);
        snprintf(result.reason, sizeof result.reason, "%s", context.info.reason);
        snprintf(result.runner_up, sizeof result.runner_up, "%s", context.info.runner_up);
        context.backend->close(context.state);
    } else {
        assert_null(context.state);
    }
    assert_int_equal(open_states, 0);
    return result;
}

static void expect(const char *request, const char *selector) {
    const choice c = choose(request, true);
    if (c.status != SPARSED_OK || strcmp(c.selector, selector) != 0)
        fail_msg("%s gives '%s', not %s: %s", request, c.selector, selector, c.text);
}

static void expect_refusal(const char *request, sparsed_status status, const char *named) {
    const choice c = choose(request, true);
    assert_error_text(c.text, c.status, status, named);
}

static void test_device_open__auto_takes_a_gpu_that_passes(void **state) {
    (void)state;
    set_fakes(2, &pocl, &gpu, NULL, NULL);
    const choice c = choose("auto", true);
    assert_string_equal(c.selector, "opencl:0:0");
    assert_non_null(strstr(c.log, "device opencl:0:0 (Fast GPU 5700; Big Platform"));
    assert_non_null(strstr(c.log, "runner-up: cpu; reason: a GPU that passed its self-test\n"));
    assert_string_equal(c.reason, "a GPU that passed its self-test");
    assert_string_equal(c.runner_up, "cpu");
}

static void test_device_open__auto_takes_the_cpu_before_opencl_on_it(void **state) {
    (void)state;
    set_fakes(2, &accelerator, &pocl, NULL, NULL);
    const choice c = choose("auto", true);
    assert_string_equal(c.selector, "cpu");
    assert_non_null(strstr(c.log, "runner-up: opencl:1:0; reason: there is no GPU\n"));
}

static void test_device_open__auto_takes_opencl_where_there_is_no_cpu_backend(void **state) {
    (void)state;
    set_fakes(2, &accelerator, &pocl, NULL, NULL);
    const choice c = choose("auto", false);
    assert_string_equal(c.selector, "opencl:1:0");
    assert_non_null(strstr(c.log, "runner-up: none; reason: there is no GPU and no CPU backend\n"));
    set_fakes(1, &accelerator, NULL, NULL, NULL); /* only if it is named */
    assert_int_equal(choose("auto", false).status, SPARSED_E_NO_DEVICE);
    expect("opencl", "opencl:2:0");
}

/* A GPU that gives wrong numbers, cannot be opened or is not usable: the next one, and a line. */
static void test_device_open__auto_falls_to_the_next(void **state) {
    (void)state;
    fake bad = gpu;
    bad.wrong = true;
    set_fakes(2, &bad, &second_gpu, NULL, NULL);
    choice c = choose("auto", true);
    assert_string_equal(c.selector, "opencl:0:1");
    assert_int_equal(opened, 2);
    assert_non_null(strstr(c.log, "not taken: opencl:0:0 (Fast GPU 5700): "));
    assert_non_null(strstr(c.log, "is off by"));
    assert_non_null(strstr(c.log, "device opencl:0:1"));
    set_fakes(1, &bad, NULL, NULL, NULL);
    c = choose("auto", true);
    assert_string_equal(c.selector, "cpu");
    assert_non_null(strstr(c.log, "reason: no GPU is usable\n"));
    bad = gpu;
    bad.broken = true;
    set_fakes(1, &bad, NULL, NULL, NULL);
    c = choose("auto", true);
    assert_string_equal(c.selector, "cpu");
    assert_non_null(strstr(c.log, "not taken: fakeCreateContext on opencl:0:0: FAKE_ERROR\n"));
    bad = gpu;
    bad.unusable = "it is on fire";
    set_fakes(1, &bad, NULL, NULL, NULL);
    c = choose("auto", true);
    assert_string_equal(c.selector, "cpu");
    assert_non_null(strstr(c.log, "cannot be used: it is on fire\n"));
}

/* The CPU backend is passed over for no processor through OpenCL: the call says what is wrong. */
static void test_device_open__auto_stops_at_a_cpu_that_is_unusable(void **state) {
    (void)state;
    fake bad = gpu;
    bad.broken = true;
    set_fakes(2, &bad, &pocl, NULL, NULL);
    setenv("SPARSED_CPU_ISA", "avx1024", 1);
    const choice c = choose("auto", true);
    unsetenv("SPARSED_CPU_ISA");
    assert_error_text(c.text, c.status, SPARSED_E_NO_DEVICE,
                      "cannot be used: SPARSED_CPU_ISA is 'avx1024'");
    assert_int_equal(opened, 0);
}

/* One that is not usable is no runner-up. */
static void test_device_open__runner_up_is_usable(void **state) {
    (void)state;
    fake off = second_gpu;
    off.unusable = "it is off";
    set_fakes(2, &gpu, &off, NULL, NULL);
    assert_non_null(strstr(choose("auto", true).log, "runner-up: cpu;"));
    set_fakes(2, &gpu, &second_gpu, NULL, NULL);
    assert_non_null(strstr(choose("auto", true).log, "runner-up: opencl:0:1;"));
}

static void test_device_open__numbers_and_names(void **state) {
    (void)state;
    set_fakes(4, &gpu, &second_gpu, &pocl, &accelerator);
    expect("cpu", "cpu");
    expect("CPU", "cpu");
    expect("AUTO", "opencl:0:0");
    expect("opencl", "opencl:0:0");
    expect("OpenCL:1", "opencl:1:0");
    expect("opencl:0:1", "opencl:0:1");
    expect("opencl:pocl", "opencl:1:0");
    expect("opencl:Portable Computing:0", "opencl:1:0");
    expect("opencl:big:SLOW", "opencl:0:1");
    expect("opencl:0:GPU 5700", "opencl:0:0");
}

/* What context->info says of a device that was named. */
static void test_device_open__tells_who_asked(void **state) {
    (void)state;
    set_fakes(3, &gpu, &second_gpu, &pocl, NULL);
    const choice c = choose("opencl:big", true);
    assert_string_equal(c.reason, "asked for as opencl:big");
    assert_string_equal(c.runner_up, "opencl:0:1");
    assert_string_equal(choose("cpu", true).runner_up, "");
}

/* A word that is no backend's, or a part that is empty: no device could ever fit. */
static void test_device_open__refuses_what_is_malformed(void **state) {
    (void)state;
    const char *const words[] = {"gpu",       "openclx", "openc",     "cpu:0", "cpu:", "auto:0",
                                 "automatic", "",        "opencl :0", ":",     ":0:0"};
    set_fakes(2, &gpu, &pocl, NULL, NULL);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        char text[160];
        snprintf(text, sizeof text,
                 "options.device is '%s'; known are: auto, cpu, opencl[:PLATFORM[:DEVICE]], such "
                 "as opencl:NVIDIA",
                 words[i]);
        expect_refusal(words[i], SPARSED_E_INVALID, text);
    }
    expect_refusal("opencl:", SPARSED_E_INVALID, "is 'opencl:': PLATFORM is empty; known are");
    expect_refusal("opencl::0", SPARSED_E_INVALID, "is 'opencl::0': PLATFORM is empty");
    expect_refusal("opencl: :0", SPARSED_E_INVALID, "is 'opencl: :0': PLATFORM is empty");
    expect_refusal("OPENCL::", SPARSED_E_INVALID, "is 'OPENCL::': PLATFORM is empty");
    expect_refusal("opencl:0:", SPARSED_E_INVALID, "is 'opencl:0:': DEVICE is empty");
    expect_refusal("opencl:big: ", SPARSED_E_INVALID, "is 'opencl:big: ': DEVICE is empty");
    assert_int_equal(asked_for_devices, 0); /* no driver was loaded for it */
}

static void test_device_open__refuses_what_does_not_fit(void **state) {
    (void)state;
    set_fakes(2, &gpu, &pocl, NULL, NULL);
    expect_refusal("opencl:7", SPARSED_E_NO_DEVICE,
                   "options.device is 'opencl:7'; there are: opencl:0:0 (Fast GPU 5700), cpu (");
    expect_refusal("opencl:7", SPARSED_E_NO_DEVICE, "), opencl:1:0 (pthread-EPYC)");
    expect_refusal("opencl:0:1", SPARSED_E_NO_DEVICE, "is 'opencl:0:1'");
    expect_refusal("opencl:0:5700", SPARSED_E_NO_DEVICE, "'opencl:0:5700'"); /* a number */
    expect_refusal("opencl:00:0", SPARSED_E_NO_DEVICE, "'opencl:00:0'");
    expect_refusal("opencl:0:0:0", SPARSED_E_NO_DEVICE, "'opencl:0:0:0'");
    expect_refusal("opencl:nvidia", SPARSED_E_NO_DEVICE, "'opencl:nvidia'");
    char long_name[100]; /* four of them are more than a message holds */
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    fake many = {long_name, "driver", long_name, SPARSED_DEVICE_GPU, NULL, false, false};
    set_fakes(4, &many, &many, &many, &many);
    choice c = choose("opencl:nvidia", true);
    assert_error_text(c.text, c.status, SPARSED_E_NO_DEVICE, "'opencl:nvidia'; there are: xxx");
    assert_string_equal(c.text + strlen(c.text) - 3, "...");
}

/* Named, a device is used or the call fails: the text says why. */
static void test_device_open__a_named_device_is_not_replaced(void **state) {
    (void)state;
    fake off = gpu;
    off.unusable = "it offers OpenCL C 1.1";
    set_fakes(2, &off, &pocl, NULL, NULL);
    expect_refusal("opencl:0:0", SPARSED_E_NO_DEVICE,
                   "options.device 'opencl:0:0': opencl:0:0 (Fast GPU 5700) cannot be used: it "
                   "offers OpenCL C 1.1");
    expect("opencl", "opencl:1:0"); /* the first that is usable */
    fake broken = gpu;
    broken.broken = true;
    set_fakes(1, &broken, NULL, NULL, NULL);
    expect_refusal("opencl:0", SPARSED_E_DEVICE, "fakeCreateContext on opencl:0:0: FAKE_ERROR");
    fake wrong = gpu; /* the plan's own self-test will say so */
    wrong.wrong = true;
    set_fakes(1, &wrong, NULL, NULL, NULL);
    expect("opencl", "opencl:0:0");
}

static void test_device_open__says_why_there_is_none(void **state) {
    (void)state;
    set_fakes(0, NULL, NULL, NULL, NULL);
    expect("auto", "cpu");
    expect_refusal("opencl", SPARSED_E_NO_DEVICE, "; no opencl: libFake.so is not there");
    expect_refusal("opencl", SPARSED_E_NO_DEVICE, "options.device is 'opencl'; there are: cpu (");
    expect_refusal("opencl:1:0", SPARSED_E_NO_DEVICE, "no opencl: libFake.so is not there");
    assert_error_text(choose("auto", false).text, choose("auto", false).status, SPARSED_E_NO_DEVICE,
                      "is 'auto'; no opencl: libFake.so");
}

/* Who asks for the CPU does not wait for drivers to load. */
static void test_device_open__leaves_other_backends_alone(void **state) {
    (void)state;
    set_fakes(1, &gpu, NULL, NULL, NULL);
    expect("cpu", "cpu");
    assert_int_equal(asked_for_devices, 0);
}

static void test_device_open__environment(void **state) {
    (void)state;
    set_fakes(2, &gpu, &pocl, NULL, NULL);
    setenv("SPARSED_DEVICE", "opencl:1", 1);
    assert_string_equal(choose(NULL, true).selector, "opencl:1:0");
    expect("cpu", "cpu"); /* the option stands above it */
    setenv("SPARSED_DEVICE", "opencl:9", 1);
    assert_non_null(strstr(choose(NULL, true).text, "SPARSED_DEVICE is 'opencl:9'"));
    setenv("SPARSED_DEVICE", "opencl:", 1);
    assert_non_null(strstr(choose(NULL, true).text, "SPARSED_DEVICE is 'opencl:': PLATFORM is"));
    setenv("SPARSED_DEVICE", "", 1);
    assert_string_equal(choose(NULL, true).selector, "opencl:0:0");
    unsetenv("SPARSED_DEVICE");
    assert_string_equal(choose(NULL, true).selector, "opencl:0:0");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_device_list__number_alone),
        cmocka_unit_test(test_device_list__describes_the_processor),
        cmocka_unit_test(test_device_list__older_caller),
        cmocka_unit_test(test_device_list__refuses),
        cmocka_unit_test(test_device_list__best_first),
        cmocka_unit_test(test_device_open__auto_takes_a_gpu_that_passes),
        cmocka_unit_test(test_device_open__auto_takes_the_cpu_before_opencl_on_it),
        cmocka_unit_test(test_device_open__auto_takes_opencl_where_there_is_no_cpu_backend),
        cmocka_unit_test(test_device_open__auto_falls_to_the_next),
        cmocka_unit_test(test_device_open__auto_stops_at_a_cpu_that_is_unusable),
        cmocka_unit_test(test_device_open__runner_up_is_usable),
        cmocka_unit_test(test_device_open__numbers_and_names),
        cmocka_unit_test(test_device_open__tells_who_asked),
        cmocka_unit_test(test_device_open__refuses_what_is_malformed),
        cmocka_unit_test(test_device_open__refuses_what_does_not_fit),
        cmocka_unit_test(test_device_open__a_named_device_is_not_replaced),
        cmocka_unit_test(test_device_open__says_why_there_is_none),
        cmocka_unit_test(test_device_open__leaves_other_backends_alone),
        cmocka_unit_test(test_device_open__environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
