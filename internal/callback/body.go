// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package callback

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/kie-operator/kie-operator/internal/kie"
)

// read reads and decodes the body of a request, up to maxBodyBytes and up to
// the read deadline of the connection. A compressed body is refused: it could
// unfold into any size, and KIE.AI does not send one.
func read(w http.ResponseWriter, r *http.Request) (kie.Callback, *outcome) {
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
