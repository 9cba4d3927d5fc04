"""Bodies that schemathesis cannot write by itself."""

import json

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def write_ndjson(_context, value):
    """A text as it is, rows a line each."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    rows = value if isinstance(value, list) else [value]
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


@schemathesis.serializer("application/offset+octet-stream")
def write_part(_context, value):
    """The bytes of a part as they are."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


@schemathesis.hook
def before_call(_context, case, _kwargs):
    """Asks for whole things: the document describes those, and says of `fields` that fewer keys come."""
    if isinstance(case.query, dict):
        for name in [name for name in case.query if name.removesuffix("[]") == "fields"]:
            del case.query[name]
