"""What tests hold in their hands: the running stand-in, its state, its faults."""
import contextlib
import time

from . import metrics, secrets, sts
from .cloudwatch import Caller
from .control import Control, state_of
from .identity import Identity
from .report import report
from .secrets import Secrets
from .server import Clock, Server
from .service import Service
from .signature import Key
from .sts import Sts

ACCESS_KEY = "AKIDEXAMPLE"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


class Standin:
    """A context manager; or start() and stop(). After stop() the port refuses connections, start() takes it again.

    url, access_key, secret_key, session_token; clock.offset_s; faults (faults.py); identity (identity.py);
    sts, secrets (sts.py, secrets.py): each has an address of its own, and answers at url, too; keys (access key ->
    Key). region: when given, requests scoped to another are refused. log: a path.
    """

    def __init__(self, host="127.0.0.1", port=0, tls_cert=None, tls_key=None, access_key=ACCESS_KEY,
                 secret_key=SECRET_KEY, session_token=None, region=None, log=None):
        self.access_key, self.secret_key, self.session_token = access_key, secret_key, session_token
        self.keys, self.clock = {}, Clock()
        self.add_key(access_key, secret_key, session_token)
        self._log = open(log, "a", encoding="utf-8") if log else None
        self.service = Service(self.keys, self.clock, region, self._log)
        self.faults = self.service.faults
        self.identity = Identity(self.keys, self.clock, self.faults)
        shared = (self.keys, self.clock, self.faults, self.service.changed, region, self._log)
        self.sts, self.secrets = Sts(*shared), Secrets(*shared)
        self._server = Server(Control(self), self.clock, host, port, tls_cert, tls_key)
        self._sts_server = Server(self.sts, self.clock, host, 0, tls_cert, tls_key)
        self._secrets_server = Server(self.secrets, self.clock, host, 0, tls_cert, tls_key)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        if self._log:
            self._log.close()

    def _servers(self):
        return self._server, self._sts_server, self._secrets_server, self.identity.server

    def start(self):
        for server in self._servers():
            server.start()

    def stop(self):
        for server in self._servers():
            server.stop()

    @property
    def url(self):
        return self._server.url

    @property
    def sts_url(self):
        return self._sts_server.url

    @property
    def secrets_url(self):
        return self._secrets_server.url

    @property
    def port(self):
        return self._server.port

    def environment(self, region="eu-west-1"):
        """For a process that shall take this for AWS, with static keys."""
        token = {"AWS_SESSION_TOKEN": self.session_token} if self.session_token else {}
        return {"AWS_ACCESS_KEY_ID": self.access_key, "AWS_SECRET_ACCESS_KEY": self.secret_key, **token,
                "AWS_REGION": region, **self.endpoints(), "AWS_EC2_METADATA_DISABLED": "true"}

    def endpoints(self):
        """Where the services are, for a process that finds its keys and its region by itself."""
        return {"AWS_ENDPOINT_URL_CLOUDWATCH": self.url, "AWS_ENDPOINT_URL_STS": self.sts_url,
                "AWS_ENDPOINT_URL_SECRETS_MANAGER": self.secrets_url}

    def service_of(self, call):
        """Whose a request is that came to url."""
        return self.sts if sts.is_meant(call) else self.secrets if secrets.is_meant(call) else self.service

    def add_key(self, access_key, secret_key, session_token=None, expires=None):
        self.keys[access_key] = Key(access_key, secret_key, session_token, expires)

    # ---- what arrived ----

    @property
    def requests(self):
        """service.Request, in order of arrival; those that were refused, too."""
        with self.service.changed:
            return list(self.service.requests)

    def calls(self, operation, accepted=None):
        """The requests of one operation; accepted: True or False takes only such."""
        return [request for request in self.requests
                if request.operation == operation and accepted in (None, request.accepted)]

    def metrics(self, name=None, dimensions=None, namespace=None):
        """The metrics.Datum that were accepted, in order of arrival. dimensions: None any, {} without."""
        with self.service.changed:
            return metrics.select(self.service.cloudwatch.datums, name, dimensions, namespace)

    def series(self, name, dimensions, namespace=None):
        """[(timestamp, {sum, sample_count, min, max, values, datums})], as CloudWatch adds them up."""
        datums = self.metrics(name, dimensions, namespace)
        kinds = {(datum.namespace, datum.unit) for datum in datums}
        if len(kinds) > 1:
            raise ValueError(f"{name} is several series to CloudWatch: {sorted(kinds)}")
        return metrics.merge(datums)

    @property
    def alarms(self):
        """name -> the alarm as DescribeAlarms shows it; its state may be set here."""
        with self.service.changed:
            return {alarm["AlarmName"]: alarm for alarm in self.service.cloudwatch.alarms.values()}

    @property
    def dashboards(self):
        """name -> DashboardName, DashboardArn, DashboardBody (text), LastModified."""
        with self.service.changed:
            return {row["DashboardName"]: row for row in self.service.cloudwatch.dashboards.values()}

    @property
    def tags(self):
        """ARN -> {key: value}."""
        with self.service.changed:
            return {arn: dict(tags) for arn, tags in self.service.cloudwatch.tags.items()}

    def tags_of(self, alarm_name):
        return self.tags[self.alarms[alarm_name]["AlarmArn"]]

    def state(self):
        return state_of(self)

    def report(self):
        return report(self)

    # ---- what tests do ----

    def put_alarm(self, alarm, tags=None, region="eu-west-1"):
        """An alarm of somebody else's: checked as a request is, but not recorded as one."""
        document = {**alarm, "Tags": [{"Key": key, "Value": value} for key, value in (tags or {}).items()]}
        with self.service.changed:
            self.service.run("PutMetricAlarm", document, Caller(region, 0, self.clock.now()))

    def wait_for(self, condition, timeout_s=10):
        """Waits until condition() is true and returns what it gave; it is asked again after each request."""
        deadline = time.monotonic() + timeout_s
        with self.service.changed:
            while not (found := condition()):
                if time.monotonic() >= deadline:
                    raise TimeoutError(f"not within {timeout_s} s; what arrived:\n{self.report()}")
                self.service.changed.wait(0.1)  # conditions may look elsewhere, too
        return found

    def reset(self):
        """Forgets everything but the keys."""
        for service in (self.service, self.sts, self.secrets):
            service.reset()
        with contextlib.suppress(AttributeError):
            self.identity.requests.clear()
