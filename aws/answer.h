/*
 * What a service's answer says: its document, or the error's code and words. Pure. Everything read
 * here is foreign: a load balancer's page is as likely as JSON.
 *
 * Errors of JSON services: "__type": "namespace#Shape", "message" or "Message"; the header
 * x-amzn-query-error ("Code;Sender") tells the code that the older protocol had, and wins;
 * X-Amzn-Errortype ("Shape:http://...") stands in where there is no body. Services of the query
 * protocol: "ErrorResponse": "Error": "Code", "Message", in XML or, when asked, in JSON, with or
 * without the outermost name. XML is told by the content type. (botocore's parsers.py.)
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "aws/common/err.h"
#include "aws/http.h"

#define ANSWER_CODE_MAX    100
#define ANSWER_MESSAGE_MAX 600

struct answer_error {
    char code[ANSWER_CODE_MAX];       /* "InvalidParameterValue"; "" when there is none */
    char message[ANSWER_MESSAGE_MAX]; /* the service's words, one line; "" when there are none */
};

/*
 * Never fails: what can not be read is left out. Of a message only the first line is kept, and no
 * word that could be a token: a SignatureDoesNotMatch quotes the headers that were sent.
 */
void answer_read_error(const struct http_response *response, struct answer_error *out);

/* The answer's document as a JSON object, owned by the caller; an empty one for no body where that
 * is allowed. ERR_PARSE. */
PW_CHECK bool answer_read_body(const struct http_response *response, bool may_be_empty,
                               json_t **out, struct err *err);

/* "" when there is none. Valid as long as the response. */
const char *answer_request_id(const struct http_response *response);
