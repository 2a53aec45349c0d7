/*
 * Which of many agents on one database publishes its metrics: the one whose sampling session holds
 * an advisory lock of the server. State and statements; who owns the session asks them.
 *
 *     election_init(&election, true, 0);
 *     election_ask(&election, key, at_fault, &sql);      when election_is_due()
 *     election_read(result, &answer, &err);
 *     switch (election_answer(&election, &answer, at_fault, now_ms)) { ... }
 *     election_delay_ms(&election, at_fault, random);    before a follower's next attempt
 *
 * A lock is of one database of the server, so agents that log in to different ones may both get
 * it: pg_locks shows both, and the higher oid yields. A session of our own that the server has not
 * missed yet (the network broke) is no rival: it is ended, so that one agent alone never waits for
 * itself.
 *
 * Who is at fault (credentials, permissions, no route to AWS) gives the lock back but goes on until
 * it sees that somebody took it; then it stands back for 10 minutes. So nothing is lost where all
 * are at fault, or where there is only one.
 *
 * The server ends sessions that ask nothing for 20 s (PostgreSQL 14 and newer; before it only the
 * TCP keepalives, which a frozen process still answers), and followers try every 20 to 30 s: the
 * longest gap is below 60 s.
 */
#pragma once

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "agent/config.h"
#include "aws/common/buf.h"
#include "aws/common/err.h"

enum election_role {
    ELECTION_ALONE,  /* as far as is known: never saw another holder, does not hold it itself */
    ELECTION_LEADS,  /* holds it, or did when the session was lost */
    ELECTION_OFFERS, /* leads, but whoever wants may have the lock */
    ELECTION_FOLLOWS
};

struct election {
    bool on;
    enum election_role role;
    bool held;      /* by the session that is there */
    bool saw_other; /* ever */
    bool settled;   /* the role is more than what one begins with: there was an attempt to ask */
    int pid;        /* of our session that holds the lock, or did last; 0: none */
    int refusals;   /* attempts in a row */
    uint64_t next_ms;
    uint64_t lost_ms; /* when the session was lost; 0: it is there */
};

enum election_act {
    ELECTION_GO_ON,   /* sample */
    ELECTION_STOP,    /* close the session, try again later */
    ELECTION_END_TWIN /* ask election_end_twin(), then sample */
};

/* From namespace, region, identifier and dimensions, so that staging and production of one server
 * do not know one another. region: NULL is "". */
int64_t election_key(const char *namespace_, const char *region, const char *identifier,
                     const struct config_pairs *dimensions);

/* pid: of the session that an earlier sampler of ours held the lock with; 0: none. */
void election_init(struct election *election, bool on, int pid);

/* A session is there / is gone. */
void election_connected(struct election *election);
void election_lost(struct election *election, uint64_t now_ms);

/* It could not be asked: not before the next look. */
void election_put_off(struct election *election, uint64_t now_ms);

bool election_is_due(const struct election *election, uint64_t now_ms);

/* true: one statement, the same each time as long as the lock is held. */
bool election_ask(struct election *election, int64_t key, bool at_fault, struct buf *sql);

struct election_answer {
    bool held;  /* by us */
    bool lower; /* and by somebody in a database with a lower oid */
    int holder; /* pid of another holder in this database; 0: none */
    int own;    /* our pid */
};

/* The last result of election_ask(); ERR_PARSE. */
PW_CHECK bool election_read(const PGresult *result, struct election_answer *out, struct err *err);
enum election_act election_answer(struct election *election, const struct election_answer *answer,
                                  bool at_fault, uint64_t now_ms);
void election_end_twin(const struct election_answer *answer, struct buf *sql);

/* Before a follower's next attempt: soon at first, because who went may have left the lock. */
uint64_t election_delay_ms(const struct election *election, bool at_fault, double random);

/* May it say that the database is down? A leader that lost its session and saw others before may
 * not for ever. */
bool election_may_report(const struct election *election, uint64_t now_ms);
