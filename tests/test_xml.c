/* AWS's XML as JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "aws/common/json.h"
#include "aws/common/mem.h"
#include "aws/common/xml.h"

static const struct {
    const char *xml;
    const char *json; /* compact, keys in order; NULL: refused */
    const char *error;
} cases[] = {
    {"<A>text</A>", "{\"A\":\"text\"}", NULL},
    {"<?xml version=\"1.0\"?>\n<!-- x --><A xmlns=\"https://sts/\">\n <B>1</B>\n <C/>\n</A>\n",
     "{\"A\":{\"B\":\"1\",\"C\":\"\"}}", NULL},
    {"<A><B>1</B><B>2</B></A>", "{\"A\":{\"B\":\"1\"}}", NULL}, /* the first counts */
    {"<A>&lt;&gt;&amp;&quot;&apos;&#65;&#x42;</A>", "{\"A\":\"<>&\\\"'AB\"}", NULL},
    {"<A><B>x<!-- aside -->y</B></A>", "{\"A\":{\"B\":\"xy\"}}", NULL},
    {"", NULL, "no element"},
    {"plain", NULL, "no element"},
    {"<A>", NULL, "an element without an end"},
    {"<A><B></A></B>", NULL, "another element's end"},
    {"<A>&evil;</A>", NULL, "an unknown entity"},
    {"<A>&#0;</A>", NULL, "an unknown entity"},
    {"<!DOCTYPE a [<!ENTITY x \"y\">]><A/>", NULL, "a document type"},
    {"<A><![CDATA[x]]></A>", NULL, "a document type or CDATA"},
    {"<A", NULL, "no tag"},
    {"<>x</>", NULL, "no tag"},
    {"<A>\xff</A>", NULL, "not UTF-8"},
    {"<!-- <A/>", NULL, "the end is missing"},
};

static void reads(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        struct err err = {.code = ERR_NONE};
        json_t *document;

        bool ok = xml_parse(cases[i].xml, strlen(cases[i].xml), &document, &err);
        if (ok != (cases[i].json != NULL)) {
            fail_msg("%s: %s", cases[i].xml, ok ? "accepted" : err.message);
        }
        if (!ok) {
            assert_int_equal(err.code, ERR_PARSE);
            assert_non_null(strstr(err.message, cases[i].error));
            continue;
        }
        char *seen = json_encode(document);
        assert_string_equal(seen, cases[i].json);
        free(seen);
        json_decref(document);
    }
}

static void nests_only_so_deep(void **state)
{
    char text[2000] = "";
    json_t *document;
    struct err err;

    (void)state;
    for (int i = 0; i <= XML_DEPTH_MAX; i++) {
        memcpy(text + strlen(text), "<A>", 4);
    }
    assert_false(xml_parse(text, strlen(text), &document, &err));
    assert_non_null(strstr(err.message, "nested too deep"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads),
        cmocka_unit_test(nests_only_so_deep),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
