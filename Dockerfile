# The daemon and nothing else: one static binary, the CA roots it trusts AWS by, and a directory for its state.
# Plain `docker build`, podman and buildah all read this; nothing in it needs BuildKit. `make image` fills in the arguments.
# The newest patch of the language version in go.mod: its standard library is in the binary.
ARG GO_VERSION=1.26.8
FROM golang:${GO_VERSION} AS build
WORKDIR /src

# The modules change rarely, so they are a layer of their own.
COPY go.mod go.sum ./
RUN go mod download

# The build context has no .git (see .dockerignore), so what the binary says about itself comes from outside.
# BuildKit sets TARGETOS and TARGETARCH; empty, they mean the machine that builds.
ARG VERSION=dev
ARG COMMIT=unknown
ARG DATE=unknown
ARG TARGETOS
ARG TARGETARCH
COPY . .
RUN GOOS="${TARGETOS}" GOARCH="${TARGETARCH}" make build VERSION="${VERSION}" COMMIT="${COMMIT}" DATE="${DATE}" \
 && mkdir -p /state

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /src/bin/ecs-autoscaler /ecs-autoscaler
COPY LICENSE NOTICE /

# A volume that is mounted here takes over the owner of this directory, on Fargate too: that is why VOLUME names it
# and why the path is the one that deploy/ecs mounts. A relative `state: file:` goes below STATE_DIRECTORY.
COPY --from=build --chown=65532:65532 /state /var/lib/ecs-autoscaler
VOLUME ["/var/lib/ecs-autoscaler"]
ENV STATE_DIRECTORY=/var/lib/ecs-autoscaler

USER 65532:65532
ENTRYPOINT ["/ecs-autoscaler"]
CMD ["run"]
