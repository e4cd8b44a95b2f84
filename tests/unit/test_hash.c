/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Checksums and fingerprints: values that other implementations of XXH3 give. The data are those of
 * xxHash's own sanity test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <sparsed/pattern.h>

#include "src/hash.h"

enum { DATA_BYTES = 2367 };

static void fill_sanity_data(unsigned char *data, size_t size) {
    uint64_t generator = 2654435761u;
    for (size_t i = 0; i < size; i++) {
        data[i] = (unsigned char)(generator >> 56);
        generator *= 11400714785074694797u;
    }
}

/* Each length takes another way through the hash. */
static void test_hash64__values_of_the_sanity_test(void **state) {
    (void)state;
    static const struct {
        size_t size;
        uint64_t hash;
    } cases[] = {
        {0, 0x2D06800538D394C2u},    {1, 0xC44BDFF4074EECDBu},    {6, 0x27B56A84CD2D7325u},
        {12, 0xA713DAF0DFBB77E7u},   {24, 0xA3FE70BF9D3510EBu},   {48, 0x397DA259ECBA1F11u},
        {80, 0xBCDEFBBB2C47C90Au},   {195, 0xCD94217EE362EC3Au},  {403, 0xCDEB804D65C6DEA4u},
        {512, 0x617E49599013CB6Bu},  {2048, 0xDD59E2C3A5F038E0u}, {2240, 0x6E73A90539CF2948u},
        {2367, 0xCB37AEB9E5D361EDu},
    };
    unsigned char data[DATA_BYTES];
    fill_sanity_data(data, sizeof data);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(spd_hash64(data, cases[i].size), cases[i].hash);
    assert_int_equal(spd_hash64(NULL, 0), cases[0].hash);
}

/* XXH3-128 of previous, XXH3-128 of the data, and their size. */
static void test_fingerprint_add__known_values(void **state) {
    (void)state;
    static const struct {
        size_t size;
        sparsed_fingerprint first, second; /* second: 7 bytes added */
    } cases[] = {
        {0, {0x4F276E584D4A18BAu, 0x428B0F2DB57256BAu}, {0x7BCC2AEC6BA8D6CAu, 0xC2DCDF2DF1250871u}},
        {1, {0x01F5792520091B4Fu, 0xDBC18DB869266E91u}, {0xEFF37D2A31CFC771u, 0xD5B4281AA7E70903u}},
        {100,
         {0xF9A1985C1C379CADu, 0x6D2BCC9FDFBB66E6u},
         {0x43CDB3640EE4F784u, 0x68F53E28E6F4C6B3u}},
        {2367,
         {0x52D439653E5C021Eu, 0xFAB27EBDD4342A11u},
         {0xE8B54B68573F920Du, 0x7904AD18DB9BBBB0u}},
    };
    unsigned char data[DATA_BYTES];
    fill_sanity_data(data, sizeof data);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sparsed_fingerprint first =
            sparsed_fingerprint_add((sparsed_fingerprint){0, 0}, data, cases[i].size);
        sparsed_fingerprint second = sparsed_fingerprint_add(first, data, 7);
        assert_memory_equal(&first, &cases[i].first, sizeof first);
        assert_memory_equal(&second, &cases[i].second, sizeof second);
    }
}

/* Pieces of other lengths, another order, or a piece more, even an empty one, tell apart. */
static void test_fingerprint_add__pieces_tell_apart(void **state) {
    (void)state;
    const char *const texts[][3] = {{"abcd", NULL, NULL}, {"ab", "cd", NULL}, {"cd", "ab", NULL},
                                    {"a", "bcd", NULL},   {"abcd", "", NULL}, {"", "abcd", NULL},
                                    {"ab", "", "cd"},     {"", NULL, NULL},   {"", "", NULL},
                                    {"", "", ""}};
    enum { CASES = sizeof texts / sizeof texts[0] };
    sparsed_fingerprint sums[CASES];
    for (size_t i = 0; i < CASES; i++) {
        sums[i] = (sparsed_fingerprint){0, 0};
        for (size_t piece = 0; piece < 3 && texts[i][piece]; piece++)
            sums[i] = sparsed_fingerprint_add(sums[i], texts[i][piece], strlen(texts[i][piece]));
    }
    for (size_t i = 0; i < CASES; i++)
        for (size_t j = i + 1; j < CASES; j++)
            assert_memory_not_equal(&sums[i], &sums[j], sizeof sums[i]);
}

static void test_fingerprint_add__is_never_the_absent_one(void **state) {
    (void)state;
    sparsed_fingerprint sum = {0, 0};
    for (unsigned i = 0; i < 10000; i++) {
        sum = sparsed_fingerprint_add(sum, NULL, 0);
        assert_true(sum.low != 0 || sum.high != 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hash64__values_of_the_sanity_test),
        cmocka_unit_test(test_fingerprint_add__known_values),
        cmocka_unit_test(test_fingerprint_add__pieces_tell_apart),
        cmocka_unit_test(test_fingerprint_add__is_never_the_absent_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
