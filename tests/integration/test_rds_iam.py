"""The proxy that takes IAM tokens is itself judged by libpq with botocore's tokens."""
import contextlib
import time

import psycopg2
import pytest

from aws_standin.rds_iam import token_of


def connect(rds, token, user="app", **details):
    return contextlib.closing(psycopg2.connect(**{
        "host": rds.host, "hostaddr": "127.0.0.1", "port": rds.port, "dbname": "postgres", "user": user,
        "password": token, "sslmode": "verify-full", "sslrootcert": rds.ca, "connect_timeout": 5, **details}))


def token(rds, standin, user="app", age_s=0, **details):
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() - age_s))
    key = details.pop("key", standin.keys[standin.access_key])
    return token_of(**{"key": key, "host": rds.host, "port": rds.port, "user": user, "region": rds.region,
                       "stamp": stamp, **details})


def test_a_token_lets_in_and_the_session_is_the_server_s_own(rds, standin, trusting):
    with connect(rds, token(rds, standin)) as session, session.cursor() as cursor:
        cursor.execute("select pg_backend_pid(), current_user, repeat('x', 1000000)")
        pid, user, text = cursor.fetchone()
        assert (pid, user, len(text)) == (session.get_backend_pid(), "app", 1_000_000)
    [attempt] = rds.attempts
    assert (attempt.user, attempt.database, attempt.encrypted, attempt.refused) == ("app", "postgres", True, None)


def test_a_temporary_key_s_token(rds, standin):
    key = standin.identity.issue()
    with connect(rds, token(rds, standin, key=key)):
        pass
    assert "X-Amz-Security-Token=" in rds.attempts[0].token
    key.expires = 1
    with pytest.raises(psycopg2.OperationalError, match="PAM"), connect(rds, token(rds, standin, key=key)):
        pass


REFUSED = {
    "not a token": lambda rds, standin: "s3cret",
    "sixteen minutes old": lambda rds, standin: token(rds, standin, age_s=16 * 60),
    "of another user": lambda rds, standin: token(rds, standin, user="plain"),
    "of another host": lambda rds, standin: token(rds, standin, host="127.0.0.1"),
    "of another port": lambda rds, standin: token(rds, standin, port=5432),
    "of another region": lambda rds, standin: token(rds, standin, region="us-east-1"),
    "tampered with": lambda rds, standin: token(rds, standin)[:-1] + "x",
}


@pytest.mark.parametrize("make", REFUSED.values(), ids=REFUSED.keys())
def test_others_do_not(rds, standin, make):
    with pytest.raises(psycopg2.OperationalError, match='PAM authentication failed for user "app"'), \
            connect(rds, make(rds, standin)):
        pass
    assert rds.attempts[0].refused


def test_without_tls_nobody_is_asked(rds, standin):
    with pytest.raises(psycopg2.OperationalError, match="no encryption"), \
            connect(rds, token(rds, standin), sslmode="disable"):
        pass
    assert rds.attempts[0].token is None


def test_botocore_s_own_function_is_the_judge():
    key = type("Key", (), {"access_key": "AKIDEXAMPLE", "secret_key": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                           "session_token": None})
    text = token_of(key, "orders-prod-1.abcdefghijkl.eu-west-1.rds.amazonaws.com", 5432, "pgconn_agent", "eu-west-1",
                    "20260815T123600Z")
    assert text.endswith("Signature=0812fb91af03709527d01a06ada095bf216c18a6a25380ebffbf9258d5852bb2")
