# Builds the binary, and ships it with PostgreSQL: `docker run inkstone` alone works. With DATABASE_URL it uses that
# database instead, and the image's PostgreSQL does not run.
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked

FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates curl postgresql \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --create-home --home-dir /var/lib/inkstone --uid 10001 inkstone \
 && install --directory --owner inkstone /var/lib/inkstone/data
COPY --from=build /src/target/release/inkstone /usr/local/bin/inkstone
USER inkstone
WORKDIR /var/lib/inkstone
ENV INKSTONE_LISTEN=0.0.0.0:8080 INKSTONE_DATA_DIR=/var/lib/inkstone/data
EXPOSE 8080
# The private database: all content, and the keys that sign access tokens. Also pictures and files, and mail files, if mail
# is configured so.
VOLUME /var/lib/inkstone/data
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s CMD curl --fail --silent http://127.0.0.1:8080/readyz || exit 1
ENTRYPOINT ["inkstone"]
CMD ["serve"]
