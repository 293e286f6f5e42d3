// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// maxFetchTime is how long a file may take that KIE fetches, as documented.
const maxFetchTime = 30 * time.Second

// uploadURL reads POST /api/file-url-upload, JSON with the address of the content.
func (s *Simulator) uploadURL(w http.ResponseWriter, r *http.Request) (upload, error) {
	var sent upload
	var address string
	err := decodeFields(http.MaxBytesReader(w, r.Body, maxRequestBytes), []field{
		{"fileUrl", &address}, {"uploadPath", &sent.folder}, {"fileName", &sent.name},
	})
	switch {
	case err != nil:
		return upload{}, err
	case address == "":
		return upload{}, missing("fileUrl")
	case !isWebURL(address):
		return upload{}, errors.New("fileUrl is not an http or https URL")
	}
	if err := sent.validate(); err != nil {
		return upload{}, err
	}
	sent.content, sent.contentType, err = newFetcher(maxFetchTime, maxUploadBytes).fetch(r.Context(), address)
	if err != nil {
		return upload{}, fmt.Errorf("fileUrl cannot be fetched: %w", withoutURL(err))
	}
	if u, err := url.Parse(address); err == nil {
		sent.origin = u.Path
	}
	return sent, nil
}

// fetcher fetches files for one request.
type fetcher struct {
	client *http.Client
	// most is the size of the largest file in bytes.
	most int64
}

// newFetcher returns a fetcher of files of up to this many bytes, each of which may
// take this long.
func newFetcher(timeout time.Duration, most int64) fetcher {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	// Nothing more is asked of the same server.
	transport.DisableKeepAlives = true
	return fetcher{client: &http.Client{Transport: transport, Timeout: timeout}, most: most}
}

// fetch returns a file and its media type as its server declares it. It follows
// redirects. The error says what stands in the way.
func (f fetcher) fetch(ctx context.Context, address string) ([]byte, string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, "", err
	}
	response, err := f.client.Do(request)
	if err != nil {
		return nil, "", err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, "", fmt.Errorf("HTTP %d", response.StatusCode)
	}
	content, err := io.ReadAll(io.LimitReader(response.Body, f.most+1))
	if err != nil {
		return nil, "", err
	}
	if int64(len(content)) > f.most {
		return nil, "", fmt.Errorf("it is larger than %d bytes", f.most)
	}
	return content, response.Header.Get("Content-Type"), nil
}
