# The images of the operator and of the KIE.AI simulator:
#   docker build --target manager .
#   docker build --target kie-simulator .
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
ARG TARGETOS
ARG TARGETARCH
WORKDIR /src

# The modules are a layer of their own, so that a change of the code does not fetch them again.
COPY go.mod go.sum ./
RUN go mod download

COPY api/ api/
COPY cmd/ cmd/
COPY controllers/ controllers/
COPY internal/ internal/
ENV CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH
# The flags with which the linker sets the version: see the Makefile.
ARG VERSION_LDFLAGS
RUN --mount=type=cache,target=/root/.cache/go-build \
    go build -trimpath -ldflags "-s -w $VERSION_LDFLAGS" -o /out/ ./cmd/manager ./cmd/kie-simulator

# nonroot is user 65532: there is neither a shell nor root in these images.
FROM gcr.io/distroless/static:nonroot AS kie-simulator
COPY --from=build /out/kie-simulator /kie-simulator
USER 65532:65532
ENTRYPOINT ["/kie-simulator"]

# The last stage is what docker build makes without --target.
FROM gcr.io/distroless/static:nonroot AS manager
COPY --from=build /out/manager /manager
USER 65532:65532
ENTRYPOINT ["/manager"]
