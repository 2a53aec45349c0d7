"""Places where AWS software finds its keys, made for one test; and whose keys were used then."""
import re

ACCOUNT_ROLE = "arn:aws:iam::123456789012:role/{}".format


class Home:
    """A home directory with ~/.aws/config and ~/.aws/credentials.

        home.config("profile work", region="eu-west-1", cloudwatch={"endpoint_url": "..."})     adds to the section
        home.credentials("work", aws_access_key_id="...")
    """

    def __init__(self, directory):
        self.directory = directory
        (directory / ".aws").mkdir(parents=True)
        self._sections = {"config": {}, "credentials": {}}
        self.environment = {"HOME": str(directory)}

    def config(self, section, **keys):
        self._write("config", section, keys)

    def credentials(self, section, **keys):
        self._write("credentials", section, keys)

    def _write(self, name, section, keys):
        self._sections[name].setdefault(section, {}).update(keys)
        self.path(name).write_text("\n".join(
            f"[{title}]\n" + "".join(_setting(key, value) for key, value in rows.items())
            for title, rows in self._sections[name].items()))

    def path(self, name):
        return self.directory / ".aws" / name

    def file(self, name, text, mode=0o600):
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path


def _setting(key, value):
    if isinstance(value, dict):
        return f"{key} =\n" + "".join(f"  {name} = {inner}\n" for name, inner in value.items())
    return f"{key} = {value}\n"


def static_key(standin, access_key):
    """A key that the services know, as a profile writes it."""
    secret = f"secret/{access_key}+"
    standin.add_key(access_key, secret)
    return {"aws_access_key_id": access_key, "aws_secret_access_key": secret}


def in_environment(keys):
    return {name.upper(): value for name, value in keys.items()}


def key_printer(home, standin, name="get-keys", access_key="AKIDPROCESS", session_token="process/token==", before="",
                more=""):
    """A credential_process: notes its arguments and its environment, prints a key that the services know.

    before: what the shell does first; more: of the document. It adds a line to `runs` each time.
    """
    secret = f"secret/{access_key}+"
    standin.add_key(access_key, secret, session_token)
    return home.file(name, f"""#!/bin/sh
printf '%s\\n' "$@" > {home.directory}/arguments
env > {home.directory}/environment
echo >> {home.directory}/runs
{before}
cat <<END
{{"Version": 1, "AccessKeyId": "{access_key}", "SecretAccessKey": "{secret}", "SessionToken": "{session_token}"{more}}}
END
""", 0o755)


def signer(standin, request):
    """The role whose key signed a request, or the access key of a user."""
    access_key = re.search("Credential=([^/]+)/", request.headers["authorization"])[1]
    return standin.keys[access_key].role or access_key


def signers(standin):
    """Of all that CloudWatch took."""
    return {signer(standin, request) for request in standin.requests if request.accepted}
