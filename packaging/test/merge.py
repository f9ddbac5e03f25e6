"""What a person does to ejabberd's configuration by hand, as the lines that `neerc init` prints ask for.

    merge.py EJABBERD_YML LINES

Adds to the list "listen"; elsewhere, a key that is there already gets the value from the lines.
"""

import sys

import yaml


def merged(old, new, is_listed=False):
    if isinstance(old, dict) and isinstance(new, dict):
        both = {key: merged(old[key], value, key == "listen") if key in old else value for key, value in new.items()}
        return {**old, **both}
    if is_listed:
        return old + new
    return new


configuration, lines = sys.argv[1:]
with open(configuration) as file:
    old = yaml.safe_load(file)
with open(lines) as file:
    new = yaml.safe_load(file)
with open(configuration, "w") as file:
    yaml.safe_dump(merged(old, new), file, sort_keys=False)
