/*
 * One session, or the holder of several, as a line of evidence. Pure.
 */
#pragma once

#include "agent/diagnose/facts.h"
#include "agent/diagnose/holders.h"
#include "aws/common/buf.h"

/* "pid 123, web, app@orders from 10.0.0.1: idle in transaction for 12 min, open for 15 min: SELECT
 * ?" */
void session_line(const struct fact_session *session, struct buf *out);

/* "web: 42 connections (40 idle, 2 active) from 3 addresses, oldest 2 h" */
void holder_line(const struct holder *holder, struct buf *out);

/* The name of an application, user or address for a line: "web". */
void plain_name(const char *name, struct buf *out);
