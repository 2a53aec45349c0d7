/* Any bytes as a service's answer: two headers, a line each, then the body. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "aws/answer.h"
#include "aws/cloudwatch_json.h"
#include "aws/common/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *next_line(char **at)
{
    char *line = *at;
    size_t len = strcspn(line, "\n");

    *at = line[len] ? line + len + 1 : line + len;
    line[len] = '\0';
    return line;
}

static void read_error(const struct http_response *response)
{
    struct answer_error error;

    answer_read_error(response, &error);
    if (strlen(error.code) >= ANSWER_CODE_MAX || strlen(error.message) >= ANSWER_MESSAGE_MAX ||
        strpbrk(error.code, " \r\n") || strpbrk(error.message, "\r\n\t")) {
        abort();
    }
}

static void read_alarms(const struct http_response *response)
{
    struct cloudwatch_alarms alarms = {0};
    struct err err = {.code = ERR_NONE};
    json_t *body = NULL;

    if (!answer_read_body(response, true, &body, &err)) {
        if (err.code != ERR_PARSE || body) {
            abort();
        }
        return;
    }
    if (cloudwatch_alarms_read(body, &alarms, &err)) {
        for (size_t i = 0; i < alarms.count; i++) {
            /* One without statistic and metric is not to be put. */
            free(cloudwatch_alarm_to_json(&alarms.list[i], NULL, 0));
        }
    } else if (err.code != ERR_PARSE) {
        abort();
    }
    cloudwatch_alarms_truncate(&alarms, 0);
    json_decref(body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = mem_alloc(size + 1);
    char *at = text;

    memcpy(text, data, size);
    const struct http_header headers[] = {{"X-Amzn-Errortype", next_line(&at)},
                                          {"x-amzn-query-error", next_line(&at)}};
    const struct http_response response = {.status = 400,
                                           .headers = headers,
                                           .header_count = MEM_COUNT(headers),
                                           .body = at,
                                           .body_len = size - (size_t)(at - text)};
    read_error(&response);
    read_alarms(&response);
    free(text);
    return 0;
}
