"""A CloudWatch of our own, with STS and Secrets Manager: for tests, quickstart and benches, without an AWS account.

It recomputes every signature, checks every input against AWS's own service model (as Debian's botocore carries it)
and against the limits that AWS documents, keeps metrics, alarms, tags and dashboards, answers as AWS answers, and
misbehaves on request. Where AWS's behaviour is not documented, the stricter reading is taken: what passes here should
pass there.

    from aws_standin import Standin

    with Standin() as standin:
        agent = Popen([...], env=standin.environment())
        standin.faults.add("ThrottlingException", operation="PutMetricData", count=2)
        standin.wait_for(lambda: standin.series("DatabaseConnections", {"DBInstanceIdentifier": "orders"}))
        assert standin.alarms["rds-high-connections-orders"]["Threshold"] == 80

As a program, for other languages: /usr/bin/python3 -m aws_standin --help (control.py has its paths).

The way of a request: server (HTTP) -> recorded (the order of things) -> faults, service: signature, wire, model,
limits -> cloudwatch (the operations) -> metrics. sts.py and secrets.py are two more services; identity.py is another
server: container credentials and IMDSv2. rds_iam.py stands before a PostgreSQL and takes RDS' IAM tokens.
"""
from .errors import ServiceError
from .standin import Standin

__all__ = ["ServiceError", "Standin"]
