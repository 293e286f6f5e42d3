// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package bucket

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

// A storage that answers without end is not listened to for long.
func TestAnswersWithoutEnd(t *testing.T) {
	chunk := bytes.Repeat([]byte("<Error>"), 16<<10)
	for _, scheme := range []string{"s3", "azblob"} {
		t.Run(scheme, func(t *testing.T) {
			var sent atomic.Int64
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/xml")
				w.WriteHeader(http.StatusBadRequest)
				for r.Method != http.MethodHead { // which has no body
					n, err := w.Write(chunk)
					sent.Add(int64(n))
					if err != nil {
						return
					}
				}
			}))
			defer server.Close()
			s := NewStorage(StorageOptions{AllowPrivate: true})
			defer s.CloseIdleConnections()
			b, err := s.Open(t.Context(), Place{URL: scheme + "://videos", Endpoint: server.URL, Secret: map[string][]byte{
				"accessKeyID": []byte("a"), "secretAccessKey": []byte("b"), "sasToken": []byte("sv=1&sig=a"),
			}})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = b.Close() }()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := b.Delete(ctx, testVideo.Key); err == nil {
				t.Error("an endless answer is taken for a good one")
			}
			// Buffers of both sides come on top of what is read.
			if most := int64(64 << 20); sent.Load() > most {
				t.Errorf("%d bytes were sent, want no more than %d", sent.Load(), most)
			}
		})
	}
}
