// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/kie-operator/kie-operator/internal/fixture/media"
	"github.com/kie-operator/kie-operator/internal/transfer"
)

// A host that takes the connection and hangs up without an answer ends nothing,
// also where what came so far could be all of it.
func TestAHostThatHangsUp(t *testing.T) {
	whole := media.Video(t)
	var requests atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if requests.Add(1) == 1 {
			w.Header().Set("Content-Length", strconv.Itoa(len(whole)+8)) // a box of 8 bytes is still to come
			_, _ = w.Write(whole)
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_ = conn.Close()
		}
	}))
	defer server.Close()
	f := NewFetcher(true)
	defer f.CloseIdleConnections()
	newClock(f)
	d, err := f.Download(t.Context(), server.URL+"/v.mp4")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	_, err = io.Copy(io.Discard, d.Checked())
	var failure *transfer.StorageError
	if !errors.As(err, &failure) || failure.Class != transfer.DownloadFailed {
		t.Errorf("the error is %v, want DownloadFailed", err)
	}
}
