// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package egress

import (
	"errors"
	"io"
	"net/http"
)

// maxAnswerBytes bounds what a storage may answer, except for an object that is
// read back. The libraries read the whole of it into memory, and a list of a
// thousand uploads has some hundred kilobytes.
const maxAnswerBytes = 1 << 20

var errAnswerTooLong = errors.New("the storage answers with more than 1 MiB")

// boundedAnswers is a transport for the API of a storage, which may be hostile.
type boundedAnswers struct{ next http.RoundTripper }

// RoundTrip bounds the body of the answer, unless it is that of an object.
func (t boundedAnswers) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	isObject := req.Method == http.MethodGet && resp.StatusCode/100 == 2 && !req.URL.Query().Has("uploads")
	if !isObject {
		resp.Body = &boundedBody{body: resp.Body, left: maxAnswerBytes}
	}
	return resp, nil
}

// CloseIdleConnections closes those of the transport below.
func (t boundedAnswers) CloseIdleConnections() {
	if next, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		next.CloseIdleConnections()
	}
}

// boundedBody is a body that ends with an error when there is too much of it.
type boundedBody struct {
	body io.ReadCloser
	left int64
}

// Read reads what is left.
func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errAnswerTooLong
	}
	n, err := b.body.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// Close closes the body.
func (b *boundedBody) Close() error { return b.body.Close() }
