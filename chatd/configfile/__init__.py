"""A TOML file, the environment and the command line become one `Config`.

`load` reads the sources, later ones over earlier ones: defaults, the file that
was named (none is looked for), `CHATD_SECTION__KEY`, the command line. It either
returns a `Config` with the origin of every value, or raises one `ConfigError`
with everything that is wrong. Nothing is coerced: `1` is not a string, `"1"` is
not a number; only a whole number may stand where a fraction could.

`example`, `effective` and `json_schema` write what people and editors read. All
of it, and the reading too, goes by the table in `chatd.config.sections`, as
`table` walks it; no key is named a second time.

    table     the keys, walked once
    sources   file, environment and command line, merged; where each value is from
    strict    raw values to sections, through cattrs; problems with their paths
    load      both together
    render    TOML text
    schema    JSON Schema
"""

from chatd.configfile.load import Loaded, load, log_format
from chatd.configfile.render import effective, example
from chatd.configfile.schema import json_schema

__all__ = ["Loaded", "effective", "example", "json_schema", "load", "log_format"]
