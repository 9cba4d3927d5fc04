# Short names for the commands of CONTRIBUTING.md. Each recipe is one plain command.

# All that CI checks, but for the OpenAPI lint
check: fmt-check clippy doc test

fmt:
    cargo fmt

fmt-check:
    cargo fmt --check

clippy:
    cargo clippy --all-targets --locked -- -D warnings

doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --locked

test:
    cargo test

# One test, file or folder: just test-one articles::lists::
test-one name:
    cargo test --test it -- {{name}}

# Rewrite openapi/openapi.json
openapi:
    UPDATE=1 cargo test --test it -- openapi::the_checked_in_document_is_current

# Fifty thousand requests and as many imports, broken byte by byte, and as many foreign files; the suite tries
# some hundreds of each
fuzz:
    FUZZ_MUTANTS=50000 cargo test --test it -- --nocapture fuzz::
    FUZZ_MUTANTS=50000 cargo test --lib -- origins::

# A thousand searches, each compared with a look at twenty thousand texts; the suite makes 400 among 250
recall:
    RECALL_TEXTS=20000 RECALL_SEARCHES=1000 cargo test --lib -- --nocapture index::tests::recall::every_search

# Three hundred servers killed under load, every second one with its database; the suite kills four
kill-cycles:
    KILL_CYCLES=300 cargo test --test it -- --nocapture embedded::crashes::killed_servers

# Packets dropped, a full disk, no free connections, a wrong clock, a database that is far away
faults:
    cargo test --test it -- --nocapture faults::

# Two hundred requests an operation, as everybody; CI tries a few as an editor
schemathesis: build
    tests/schemathesis/run target/debug/inkstone 200 admin editor member key visitor

build:
    cargo build

serve:
    cargo run -- serve --demo

migrate:
    cargo run -- migrate

# A shell on the private database of a running server
psql:
    psql -h "$PWD/inkstone-data/run" -p 5432 -U inkstone inkstone

bench-reading:
    cargo bench --bench reading

# The same in a minute
bench-reading-quick:
    cargo bench --bench reading -- --quick

bench-import:
    cargo bench --bench import

bench-isolation:
    cargo bench --bench isolation

# The most memory that hostile bodies and clients take
bench-memory:
    cargo bench --bench memory

bench-timing:
    cargo bench --bench timing

timings:
    cargo build --timings

ci:
    .ci/run
