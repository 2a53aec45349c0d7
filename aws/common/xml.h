/*
 * The XML of AWS's query services, read into the JSON object that the same services give to those
 * who ask for JSON: <A><B>text</B></A> is {"A": {"B": "text"}}. So there is one reader for both.
 *
 * Attributes, comments and the declaration are passed over; of elements with the same name the
 * first counts; text beside child elements is dropped. A document type (which could define
 * entities) and CDATA are refused: no AWS service sends them.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "aws/common/err.h"

#define XML_DEPTH_MAX 16

/* The caller owns the result (json_decref). ERR_PARSE names position and reason, never content. */
PW_CHECK bool xml_parse(const char *text, size_t len, json_t **out, struct err *err);
