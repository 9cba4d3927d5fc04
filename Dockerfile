# Builds the binary, then ships it alone: the database is a service of its own.
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked

FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates curl \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --create-home --home-dir /var/lib/inkstone --uid 10001 inkstone \
 && install --directory --owner inkstone /var/lib/inkstone/data
COPY --from=build /src/target/release/inkstone /usr/local/bin/inkstone
USER inkstone
WORKDIR /var/lib/inkstone
ENV INKSTONE_LISTEN=0.0.0.0:8080 INKSTONE_DATA_DIR=/var/lib/inkstone/data
EXPOSE 8080
# Mail files, if mail is configured so. The signing keys and all content are in the database.
VOLUME /var/lib/inkstone/data
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD curl --fail --silent http://127.0.0.1:8080/readyz || exit 1
ENTRYPOINT ["inkstone"]
CMD ["serve"]
