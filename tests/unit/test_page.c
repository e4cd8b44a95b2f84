/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* HTML pages: what is escaped, what is whole, what fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "page/page.h"
#include "support/test_files.h"

/* The page's text so far; the test frees it. */
static char *taken(page *p) {
    char *text = calloc(p->size_bytes + 1, 1);
    assert_non_null(text);
    memcpy(text, p->text, p->size_bytes);
    page_free(p);
    return text;
}

static void assert_has(const char *text, const char *part) {
    if (!strstr(text, part))
        fail_msg("'%s' is not in: %s", part, text);
}

static void assert_lacks(const char *text, const char *part) {
    if (strstr(text, part))
        fail_msg("'%s' is in: %s", part, text);
}

static void test_page_text__is_escaped(void **state) {
    page p;
    (void)state;
    page_begin(&p, "<script>&\"'");
    page_paragraph(&p, "%s", "a<b>&c");
    page_heading(&p, "%d < %d", 1, 2);
    char *text = taken(&p);
    assert_has(text, "<h1>&lt;script&gt;&amp;&quot;&#39;</h1>");
    assert_has(text, "<title>&lt;script&gt;&amp;&quot;&#39;</title>");
    assert_has(text, "<p>a&lt;b&gt;&amp;c</p>");
    assert_has(text, "<h2>1 &lt; 2</h2>");
    assert_lacks(text, "<script");
    free(text);
}

static void test_page_text__that_is_no_utf8_is_repaired(void **state) {
    page p;
    (void)state;
    page_begin(&p, "t");
    page_text(&p, "%s", "x\xff\x01y");
    char *text = taken(&p);
    assert_has(text, "x\xef\xbf\xbd?y");
    free(text);
}

static void test_page_markup__stands_as_it_is(void **state) {
    page p;
    (void)state;
    page_begin(&p, "t");
    page_markup(&p, "<i>%d%%</i>", 5);
    char *text = taken(&p);
    assert_has(text, "<i>5%</i>");
    free(text);
}

static void test_page_table__numbers_and_marks(void **state) {
    static const page_column columns[] = {{"name", false}, {"ms", true}};
    page p;
    (void)state;
    page_begin(&p, "t");
    page_table_begin(&p, "all <of> them", columns, 2);
    for (int i = 0; i < 2; i++) {
        page_row(&p);
        page_cell(&p, "%s", "a&b");
        page_marked_cell(&p, PAGE_BAD, "%d", i);
    }
    page_table_end(&p);
    char *text = taken(&p);
    assert_has(text, "<caption>all &lt;of&gt; them</caption>");
    assert_has(text, "<th>name</th><th class=\"n\">ms</th>");
    assert_has(text, "<tr><td class=\"t\">a&amp;b</td><td class=\"n bad\">0</td></tr>\n"
                     "<tr><td class=\"t\">a&amp;b</td><td class=\"n bad\">1</td></tr>");
    free(text);
}

static void test_page_style__loads_nothing_and_knows_dark(void **state) {
    page p;
    (void)state;
    page_begin(&p, "t");
    char *text = taken(&p);
    assert_has(text, "prefers-color-scheme:dark");
    assert_lacks(text, "http");
    assert_lacks(text, "url(");
    assert_lacks(text, "@import");
    free(text);
}

static void test_page__of_many_texts_is_whole(void **state) {
    enum { LINES = 20000 };
    page p;
    size_t lines = 0;
    (void)state;
    page_begin(&p, "t");
    for (int i = 0; i < LINES; i++)
        page_paragraph(&p, "line %d", i);
    assert_false(p.failed);
    char *text = taken(&p);
    for (const char *at = strstr(text, "<p>line"); at; at = strstr(at + 1, "<p>line"))
        lines++;
    assert_int_equal(lines, LINES);
    assert_has(text, "<p>line 19999</p>");
    free(text);
}

static void test_page_write__ends_the_page(void **state) {
    tool_error error;
    size_t size_bytes;
    page p;
    const char *path = test_folder_path(*state, "page.html");
    page_begin(&p, "t");
    assert_true(page_write(&p, path, &error));
    page_free(&p);
    char *text = test_file_read(path, &size_bytes);
    assert_int_equal(strncmp(text, "<!DOCTYPE html>\n", 16), 0);
    assert_string_equal(text + size_bytes - 16, "</body>\n</html>\n");
    free(text);
}

static void test_page_write__failures_are_told(void **state) {
    tool_error error;
    page p;
    (void)state;
    page_begin(&p, "t");
    assert_false(page_write(&p, "no/such/folder/page.html", &error));
    assert_has(error.text, "no/such/folder/page.html");
    p.failed = true; /* as after memory ran out */
    assert_false(page_write(&p, "page.html", &error));
    assert_has(error.text, "out of memory for the page page.html");
    page_free(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_page_text__is_escaped),
        cmocka_unit_test(test_page_text__that_is_no_utf8_is_repaired),
        cmocka_unit_test(test_page_markup__stands_as_it_is),
        cmocka_unit_test(test_page_table__numbers_and_marks),
        cmocka_unit_test(test_page_style__loads_nothing_and_knows_dark),
        cmocka_unit_test(test_page__of_many_texts_is_whole),
        TEST_IN_FOLDER(test_page_write__ends_the_page),
        TEST_IN_FOLDER(test_page_write__failures_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
