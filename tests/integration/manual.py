"""The man pages as their readers take them, from their source: blocks to copy, options, keys.

    blocks("agent.conf.5")         texts between .Bd -literal and .Ed
    commands(of_the_service)       each line of poolwarden(1)'s blocks: those about the installed service, or the rest
    options()                      {"--config": ("-c", "FILE", "what it says")} of poolwarden(1)
    key_sections()                 agent.conf(5)'s part of keys as agent.conf.example implies it
"""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = ("poolwarden.1", "agent.conf.5")
OF_THE_SERVICE = re.compile("systemctl |journalctl |CREDENTIALS_DIRECTORY=")
KEYS_BEGIN, KEYS_END = '.\\" keys begin\n', '.\\" keys end\n'


def source(page):
    return (ROOT / "man" / page).read_text()


def blocks(page):
    return re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed$", source(page), re.DOTALL | re.MULTILINE)


def commands(of_the_service):
    lines = [line for block in blocks("poolwarden.1") for line in block.splitlines()]
    return [line for line in lines if bool(OF_THE_SERVICE.match(line)) == of_the_service]


def options():
    """Text is what stands below the item, markup left out, as one line."""
    found = {}
    for head, text in re.findall(r"^\.It (.*Fl Fl .*)\n((?:.*\n)*?)(?=\.It|\.El)", source("poolwarden.1"), re.MULTILINE):
        letter = re.match(r"Fl (\w) ,", head)
        name, value = re.search(r"Fl Fl ([a-z-]+)(?: Ar (\w+))?$", head).groups()
        found[f"--{name}"] = (letter and f"-{letter[1]}", value, " ".join(text.split()))
    return found


# ---- keys ----

def _example_sections():
    """agent.conf.example as [(heading, meaning, [(key, default, meaning)])]."""
    sections, comment = [], []
    for line in (ROOT / "agent.conf.example").read_text().splitlines():
        if line.startswith("# "):
            comment.append(line[2:])
            continue
        if line.lstrip("#").startswith("["):
            sections.append((line.lstrip("#"), " ".join(comment), []))
        elif line.startswith("#"):
            key, _, default = line[1:].partition(" =")
            sections[-1][2].append((key, default.strip(), " ".join(comment)))
        comment = []
    return sections


def _sentences(text):
    """A line each, as troff wants them; what it would take for markup is escaped."""
    text = text.replace("\\", "\\e")
    lines = re.split(r"(?<=[.:]) (?=[A-Z])", text)
    return "".join(("\\&" if line[0] in ".'" else "") + line + "\n" for line in lines)


def _item(key, default, meaning):
    head = re.sub(r"NAME$", " Ns Ar NAME", key)
    value = f" No = {default}" if default else ""
    return f".It Ic {head}{value}\n{_sentences(meaning)}"


def key_sections():
    text = ""
    for heading, meaning, keys in _example_sections():
        heading = re.sub(r" \w+\]$", " NAME]", heading)
        text += f".Ss {heading}\n{_sentences(meaning)}.Bl -tag -width 4n\n"
        text += "".join(_item(*key) for key in keys) + ".El\n"
    return text


def with_keys(page_text):
    before, rest = page_text.split(KEYS_BEGIN)
    return before + KEYS_BEGIN + key_sections() + KEYS_END + rest.split(KEYS_END)[1]
