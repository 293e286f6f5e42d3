// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package callback

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/kie-operator/kie-operator/internal/kie"
)

// needed returns copies of the headers that are read later, so that the others can
// be freed while the request waits: in memory, headers take much more than their
// bytes.
func needed(headers http.Header) http.Header {
	kept := http.Header{}
	for _, name := range []string{"Content-Encoding", kie.HeaderTimestamp, kie.HeaderSignature} {
		name = http.CanonicalHeaderKey(name)
		for _, value := range headers[name] {
			kept[name] = append(kept[name], strings.Clone(value))
		}
	}
	return kept
}

// read reads the body of a request, within the limit on time, and has the
// connection watched for its end afterwards.
func (h *handler) read(ctx context.Context, w http.ResponseWriter, r *http.Request) (kie.Callback, *outcome) {
	// A deadline cannot be set where there is no connection, as in tests with a recorder.
	connection := http.NewResponseController(w)
	inTime, cancel := context.WithTimeout(ctx, h.bodyTimeout)
	defer cancel()
	if deadline, ok := inTime.Deadline(); ok {
		_ = connection.SetReadDeadline(deadline)
	}
	callback, refused := decode(w, r)
	// From now on net/http waits for the sender to go away, and takes the deadline for that.
	if deadline, ok := ctx.Deadline(); ok {
		_ = connection.SetReadDeadline(deadline)
	}
	return callback, refused
}

// decode reads and decodes the body of a request, up to maxBodyBytes and up to
// the read deadline of the connection. A compressed body is refused: it could
// unfold into any size, and KIE.AI does not send one.
func decode(w http.ResponseWriter, r *http.Request) (kie.Callback, *outcome) {
	for _, coding := range r.Header.Values("Content-Encoding") {
		if !strings.EqualFold(strings.TrimSpace(coding), "identity") {
			return kie.Callback{}, encoded
		}
	}
	if r.ContentLength > maxBodyBytes {
		return kie.Callback{}, tooLarge
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBodyBytes))
	var overrun *http.MaxBytesError
	switch {
	case errors.As(err, &overrun):
		return kie.Callback{}, tooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		return kie.Callback{}, tooSlow
	case err != nil:
		return kie.Callback{}, brokenOff
	}
	callback, err := kie.DecodeCallback(body)
	switch {
	case errors.Is(err, kie.ErrCallbackNoTaskID):
		return callback, nameless
	case err != nil:
		return kie.Callback{}, malformed
	}
	return callback, nil
}
