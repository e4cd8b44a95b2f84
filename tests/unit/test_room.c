/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Memory for arrays whose sizes come from a file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "room.h"

static void test_room_for__none_and_too_many(void **state) {
    (void)state;
    void *none = room_for(0, 8);
    unsigned char *bytes = room_for(3, 2);
    assert_non_null(none);
    assert_non_null(bytes);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(bytes[i], 0);
    assert_null(room_for(UINT64_MAX / 2, 4));
    free(none);
    free(bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_room_for__none_and_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
