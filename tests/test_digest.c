/* HMAC-SHA256, held against RFC 4231; and one key for many messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sigv4/digest.h"

/* A test case whose key is one byte, so many times. */
struct filled_key {
    unsigned char byte;
    size_t len;
    const char *message;
    const char *mac;
};

static const struct filled_key filled[] = {
    {0x0b, 20, "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {0xaa, 131, "Test Using Larger Than Block-Size Key - Hash Key First",
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    {0xaa, 131,
     "This is a test using a larger than block-size key and a larger than block-size data. "
     "The key needs to be hashed before being used by the HMAC algorithm.",
     "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
};

static void check_mac(struct digest_key *key, const char *message, const char *expected)
{
    unsigned char mac[DIGEST_LEN];
    char hex[DIGEST_HEX];

    assert_non_null(key);
    assert_true(digest_hmac(key, message, mac));
    digest_hex(mac, hex);
    assert_string_equal(hex, expected);
}

static void an_hmac_is_that_of_the_rfc(void **state)
{
    unsigned char bytes[131];

    (void)state;
    for (size_t i = 0; i < sizeof(filled) / sizeof(filled[0]); i++) {
        memset(bytes, filled[i].byte, sizeof(bytes));
        struct digest_key *key = digest_key_new(bytes, filled[i].len);
        check_mac(key, filled[i].message, filled[i].mac);
        digest_key_free(key);
    }
}

static void a_key_serves_many_messages(void **state)
{
    static const char jefe[] = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    struct digest_key *key = digest_key_new("Jefe", 4);
    unsigned char mac[DIGEST_LEN];

    (void)state;
    check_mac(key, "what do ya want for nothing?", jefe);
    assert_true(digest_hmac(key, "", mac));
    check_mac(key, "what do ya want for nothing?", jefe);
    digest_key_free(key);
}

/* From 65 bytes on a key is digested before it is used; calculated with Python's hmac. */
static void a_key_fills_a_block_or_more(void **state)
{
    static const char *const macs[] = {
        "e27efa30bcbfbc25b4d936ffd8553392f398eb2edada1dac2423a961af0c305b",
        "890f3a16e0ca0aaa3bf180f70fa8e3970b3fd6505e98fde157988dcc19d1685c",
        "0c256505306af48015530c139bb7add5ad7a6a9291cd511278a067e765816fbd",
    };
    unsigned char bytes[65];

    (void)state;
    memset(bytes, 'k', sizeof(bytes));
    for (size_t i = 0; i < 3; i++) {
        struct digest_key *key = digest_key_new(bytes, 63 + i);
        check_mac(key, "message", macs[i]);
        digest_key_free(key);
    }
}

static void no_key_can_be_freed(void **state)
{
    (void)state;
    digest_key_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_hmac_is_that_of_the_rfc),
        cmocka_unit_test(a_key_serves_many_messages),
        cmocka_unit_test(a_key_fills_a_block_or_more),
        cmocka_unit_test(no_key_can_be_freed),
    };

    return cmocka_run_group_tests_name("digest", tests, NULL, NULL);
}
