# A small image of the agent: the program, the libraries it needs, CA certificates; no shell, no package manager.
#
#   docker build -t poolwarden --build-arg COMMIT=$(git rev-parse --short HEAD) .
#   docker run --read-only -e DATABASE_URL -e AWS_REGION poolwarden
#   docker run --read-only -v $PWD/agent.conf:/etc/poolwarden/agent.conf:ro poolwarden --check-config
#
# RDS: put the bundle of your region, or the global one, into certificates/ before the build
# (https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem); in the image it is then
# /etc/ssl/rds/global-bundle.pem, for sslmode=verify-full&sslrootcert=/etc/ssl/rds/global-bundle.pem.

FROM debian:bookworm-slim AS build
WORKDIR /src
COPY scripts/install scripts/
RUN scripts/install build
COPY . .
ARG COMMIT=""
RUN cmake --preset release -DPOOLWARDEN_TESTS=OFF -DPOOLWARDEN_COMMIT=$COMMIT && cmake --build build/release --target poolwarden
RUN scripts/image-root build/release/poolwarden /image

FROM scratch
COPY --from=build /image/ /
# Nobody's: where host and container share a network, root in one would be root in the other.
USER 65532:65532
# What has to be writable; the rest may be read-only. A volume takes its owner from here.
VOLUME ["/var/lib/poolwarden", "/run/poolwarden"]
EXPOSE 8125/udp
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=120s --retries=3 CMD ["/usr/bin/poolwarden", "--health"]
ENTRYPOINT ["/usr/bin/poolwarden"]
