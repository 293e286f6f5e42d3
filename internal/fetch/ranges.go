// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// Bounds on what is fetched of a video to read its index. That of eight seconds
// has some ten kilobytes.
const (
	chunkBytes       = 64 << 10
	maxProbeBytes    = 4 << 20
	maxProbeRequests = 64
)

var (
	// errTooMuch means that the bounds are reached.
	errTooMuch = errors.New("its index is not within the first 4 MiB that were fetched")
	// errBrokenOff is another error than io.ErrUnexpectedEOF, which would mean that the file ends here.
	errBrokenOff = errors.New("its host breaks off in the middle")
)

// rangeReader reads a file at a URL, a chunk at a time, from where it is needed.
type rangeReader struct {
	ctx    context.Context // an io.Reader has no other way to be given one
	client *http.Client
	url    *url.URL

	offset   int64
	size     int64 // -1 as long as it is not known
	chunk    []byte
	start    int64 // of the chunk in the file
	bytes    int64 // fetched so far
	requests int   // sent so far
}

// Seek moves to where the next Read begins.
func (r *rangeReader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		offset += r.offset
	case io.SeekEnd:
		if r.size < 0 {
			return 0, errors.New("its length is not known")
		}
		offset += r.size
	default:
		return 0, errors.New("unknown whence")
	}
	if offset < 0 {
		return 0, errors.New("there is nothing before the start")
	}
	r.offset = offset
	return offset, nil
}

// Read reads from the chunk, and fetches another one where that ends.
func (r *rangeReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if !r.inChunk() {
		if r.size >= 0 && r.offset >= r.size {
			return 0, io.EOF
		}
		if err := r.fetch(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.chunk[r.offset-r.start:])
	r.offset += int64(n)
	return n, nil
}

func (r *rangeReader) inChunk() bool {
	return r.offset >= r.start && r.offset-r.start < int64(len(r.chunk))
}

// fetch replaces the chunk by one that has the byte at the offset.
func (r *rangeReader) fetch() error {
	left := maxProbeBytes - r.bytes
	if left <= 0 || r.requests >= maxProbeRequests {
		return errTooMuch
	}
	r.requests++
	want := min(chunkBytes, left)
	req, err := request(r.ctx, http.MethodGet, r.url, r.offset, r.offset+want-1)
	if err != nil {
		return err
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()

	start, total := contentRange(resp.Header.Get("Content-Range"))
	switch resp.StatusCode {
	case http.StatusPartialContent:
		if start != r.offset {
			return errors.New("its host sends another part than it was asked for")
		}
	case http.StatusOK: // the host ignores the range
		start, total, want = 0, resp.ContentLength, left
	case http.StatusRequestedRangeNotSatisfiable: // there is no such byte
		return io.EOF
	default:
		words, _ := otherStatus(resp.StatusCode)
		return errors.New(words)
	}
	if r.size >= 0 && total >= 0 && r.size != total {
		return errors.New("it changes while it is read")
	}
	chunk, err := io.ReadAll(io.LimitReader(resp.Body, want))
	r.bytes += int64(len(chunk))
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errBrokenOff
	case err != nil:
		return fmt.Errorf("reading the answer: %w", err)
	}
	r.chunk, r.start = chunk, start
	switch {
	case total >= 0:
		r.size = total
	case resp.StatusCode == http.StatusOK && int64(len(chunk)) < want:
		r.size = int64(len(chunk))
	}
	switch {
	case r.inChunk():
		return nil
	case r.size >= 0 && r.offset >= r.size:
		return io.EOF
	case resp.StatusCode == http.StatusOK:
		return errTooMuch
	default:
		return errBrokenOff
	}
}
