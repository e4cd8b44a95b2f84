/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Whole free runs of the built-in model against the golden ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/denoise_twin.h"

#define DREAM_DIR MODELS_DIR "/tiny-dream"

/* The order of filling rests on the last bit of saturated confidences: only the end is compared. */
static void test_dlm_denoise__final_tokens_of_e2e_maskgit(void **state) {
    (void)state;
    denoise_check_twin(&(denoise_twin){DREAM_DIR, "e2e_maskgit.safetensors", "full",
                                       DLM_MASKGIT_PLUS, 0, false, false});
}

static void test_dlm_denoise__sparse_final_tokens_of_e2e_maskgit(void **state) {
    (void)state;
    denoise_check_twin(&(denoise_twin){DREAM_DIR, "e2e_maskgit.safetensors", "sparsed",
                                       DLM_MASKGIT_PLUS, 0, true, false});
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dlm_denoise__final_tokens_of_e2e_maskgit),
        cmocka_unit_test(test_dlm_denoise__sparse_final_tokens_of_e2e_maskgit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
