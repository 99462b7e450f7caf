# syntax=docker/dockerfile:1
# The engine, and the development chain beside it, each in an image of its own:
#
#   docker build --target engine -t zmart .
#   docker build --target chain -t zmart-localnet .
#
# Built in one stage that has a compiler; run as a user without rights, by an image that has none. Nothing secret goes into
# either: keys and settings are given at the start (docs/operating.md).

FROM rust:1.95-bookworm AS source
WORKDIR /source
# The development chain builds its own OpenSSL: perl and make are in this image already.
COPY . .

FROM source AS build-engine
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/source/target,id=zmart-engine \
    cargo build --locked --release -p zmart && install -D target/release/zmart /out/zmart

FROM source AS build-chain
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/source/target,id=zmart-chain \
    cargo build --locked --release -p zmart-localnet && install -D target/release/zmart-localnet /out/zmart-localnet

FROM debian:bookworm-slim AS base
# Certificates: of the chain's node, pinning services and the webhook of alerts.
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin zmart \
    && install -d -o zmart -g zmart -m 0700 /var/lib/zmart/keys
USER 10001:10001
WORKDIR /var/lib/zmart
STOPSIGNAL SIGTERM

FROM base AS chain
COPY --from=build-chain /out/zmart-localnet /usr/local/bin/zmart-localnet
ENV LOCALNET_HOST=0.0.0.0
EXPOSE 8899 8900
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8899"]
ENTRYPOINT ["zmart-localnet"]

# The last stage is what a plain `docker build .` makes.
FROM base AS engine
COPY --from=build-engine /out/zmart /usr/local/bin/zmart
COPY LICENSE /usr/share/doc/zmart/
# Within a container; which ports the world sees is said where it is started.
ENV API_HOST=0.0.0.0
EXPOSE 4000 4001 4002 4003
# The process is there; whether it is fit for traffic is what /ready says, and a container that is not is no reason to start it anew.
HEALTHCHECK --interval=10s --timeout=3s --start-period=90s \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/${API_PORT:-4000} && printf 'GET /health HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' >&3 && head -n 1 <&3 | grep -q ' 200 '"]
ENTRYPOINT ["zmart"]
CMD ["serve"]
