"""Terraform's files read by HashiCorp's own parser (a WebAssembly build of it, out of npm, once, into .cache).

    files = Terraform(directory)                 a file that is not HCL is an error
    files.locals, files.resource(kind, name), files.declared(), files.text
    files.value(expression, given)               what it is where variables and resources are as in given

An expression is text in ${}; the values here are literals, references, and merge() of references.
"""
import json
import re
import subprocess

from npm import modules

PACKAGES = {"@cdktf/hcl2json": "0.21.0"}
PROGRAM = """
const hcl = require("@cdktf/hcl2json"), fs = require("node:fs");
const read = async (path) => [path, await hcl.parse(path, fs.readFileSync(path, "utf8"))];
Promise.all(process.argv.slice(1).map(read)).then((files) => console.log(JSON.stringify(Object.fromEntries(files))));
"""
REFERENCE = re.compile(r"\$\{([a-z_][\w.\[\]]*)\}")
MERGE = re.compile(r"\$\{merge\(([\w., ]+)\)\}")
LOCAL = re.compile(r"local\.(\w+)")


class Terraform:
    def __init__(self, directory):
        paths = sorted(directory.glob("*.tf"))
        self.text = "".join(re.sub(r"^\s*#.*", "", path.read_text(), flags=re.MULTILINE) for path in paths)
        done = subprocess.run(["node", "-e", PROGRAM, *paths], capture_output=True, text=True,
                              env={"PATH": "/usr/local/bin:/usr/bin:/bin", "NODE_PATH": str(modules("hcl", PACKAGES))})
        assert done.returncode == 0, done.stderr
        self.files = json.loads(done.stdout)
        self.locals = {name: value for block in self._blocks("locals") for name, value in block.items()}

    def _blocks(self, kind):
        return [block for file in self.files.values() for block in file.get(kind, [])]

    def _named(self, kind):
        """{(type, name): body} of resources or data."""
        return {(one, name): body for file in self.files.values() for one, rows in file.get(kind, {}).items()
                for name, [body] in rows.items()}

    def resource(self, kind, name):
        return self._named("resource")[kind, name]

    @property
    def resources(self):
        return self._named("resource")

    def declared(self):
        """What may be referred to."""
        variables = {f"var.{name}" for file in self.files.values() for name in file.get("variable", {})}
        return (variables | {f"local.{name}" for name in self.locals} | {".".join(key) for key in self._named("resource")}
                | {f"data.{kind}.{name}" for kind, name in self._named("data")})

    def value(self, expression, given):
        if isinstance(expression, dict):
            return {key: self.value(item, given) for key, item in expression.items()}
        if isinstance(expression, list):
            return [self.value(item, given) for item in expression]
        if not isinstance(expression, str):
            return expression
        if merged := MERGE.fullmatch(expression):
            parts = [self.value(f"${{{name.strip()}}}", given) for name in merged[1].split(",")]
            return {key: item for part in parts for key, item in part.items()}
        if alone := REFERENCE.fullmatch(expression):
            return self._referred(alone[1], given)
        told = REFERENCE.sub(lambda found: self._referred(found[1], given), expression)
        assert "${" not in told, f"not known here: {told}"
        return told

    def _referred(self, name, given):
        if name in given:
            return given[name]
        return self.value(self.locals[LOCAL.fullmatch(name)[1]], given)
