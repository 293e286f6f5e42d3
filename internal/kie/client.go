// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kie

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/kie-operator/kie-operator/internal/kie/decode"
	"github.com/kie-operator/kie-operator/internal/version"
)

// DefaultBaseURL is the address of the public API.
const DefaultBaseURL = "https://api.kie.ai"

// Bounds of one exchange. Answers of the API are a few kilobytes.
const (
	maxResponseBytes       = 1 << 20
	maxResponseHeaderBytes = 64 << 10
	queryTimeout           = 15 * time.Second
	dialTimeout            = 10 * time.Second
)

// userAgent is a plain name: the gateway in front of the API answers requests
// without one, or with an odd one, with a bare 403.
var userAgent = version.UserAgent()

// Endpoint is an API and the key to it.
type Endpoint struct {
	BaseURL string
	APIKey  string
}

// String leaves the key out, so that an Endpoint can be printed.
func (e Endpoint) String() string { return e.BaseURL }

// GoString leaves the key out, so that an Endpoint can be printed.
func (e Endpoint) GoString() string { return fmt.Sprintf("kie.Endpoint{BaseURL:%q}", e.BaseURL) }

// Client sends requests for any number of accounts. It is safe for concurrent use.
type Client struct {
	queries   *http.Client
	purchases *http.Client
}

// NewClient returns a Client with connections of its own.
func NewClient() *Client {
	queries := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    dialTimeout,
		MaxIdleConnsPerHost:    16,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: maxResponseHeaderBytes,
	}
	// A purchase gets a connection of its own. On a shared one, a server that closes an idle connection at the
	// moment a request is written leaves open whether it was read, and an open question about money costs the
	// user half an hour of waiting; a handshake costs a tenth of a second.
	purchases := queries.Clone()
	purchases.DisableKeepAlives = true
	return &Client{
		queries:   &http.Client{Transport: queries, CheckRedirect: stayHere},
		purchases: &http.Client{Transport: purchases, CheckRedirect: stayHere},
	}
}

// stayHere keeps the key, and the body of a purchase, from going where a redirect points.
func stayHere(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// CloseIdleConnections closes the connections that wait for a next request.
func (c *Client) CloseIdleConnections() {
	c.queries.CloseIdleConnections()
	c.purchases.CloseIdleConnections()
}

// newRequest sets the headers that the API wants on every call: a GET without a
// content type is refused as unauthorized.
func newRequest(ctx context.Context, method string, ep Endpoint, path string, body []byte) (*http.Request, error) {
	var reader io.Reader
	if body != nil {
		reader = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(ep.BaseURL, "/")+path, reader)
	if err != nil {
		return nil, fmt.Errorf("building the request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+ep.APIKey)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", userAgent)
	return req, nil
}

// Query sends a GET that costs nothing and may be repeated, and returns the data of
// its answer. Every failure, a refusal among them, is an *Error.
func (c *Client) Query(ctx context.Context, ep Endpoint, path string) (json.RawMessage, error) {
	answer, err := c.Ask(ctx, ep, http.MethodGet, path, nil)
	if err != nil {
		return nil, err
	}
	if answer.Code() != http.StatusOK {
		return nil, answer.Refusal(ep.APIKey)
	}
	return answer.Data, nil
}

// Ask sends a request that the caller may repeat, and returns its answer, whatever it
// says. It waits 15 seconds at most. The lack of an answer is an *Error.
func (c *Client) Ask(ctx context.Context, ep Endpoint, method, path string, body []byte) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	req, err := newRequest(ctx, method, ep, path, body)
	if err != nil {
		return Answer{}, &Error{Class: Unavailable, Err: err}
	}
	return c.exchange(req)
}

// exchange sends a request on the connections for queries.
func (c *Client) exchange(req *http.Request) (Answer, error) {
	resp, err := c.queries.Do(req) //nolint:bodyclose // readAnswer closes it
	if err != nil {
		return Answer{}, &Error{Class: Unavailable, Err: err}
	}
	return readAnswer(resp)
}

// Answer is what came back: the HTTP status, and the envelope where there was one.
type Answer struct {
	// Message is what it says, word for word. Only the message of its Refusal is fit to be shown.
	Message string
	// Data is what it brings, as it is written.
	Data json.RawMessage

	status int
	from   whose
	code   int
	root   map[string]json.RawMessage
}

// Code is the HTTP status unless that is 200, and then the code in the body, where
// the API puts nearly all of its errors. A 200 without a code is 0.
func (a Answer) Code() int {
	if a.status != http.StatusOK {
		return a.status
	}
	return a.code
}

// Refusal is the answer as an error, which shows none of the secrets. A gateway's is
// Unavailable with the cause ErrNotTheAPI, whatever its status: it says nothing about
// a task, and nothing about the account. One that is not clearly the API's may speak
// of what passes, and not of what stays.
func (a Answer) Refusal(secrets ...string) *Error {
	code := a.Code()
	refusal := &Error{Class: classOf(code), Code: code, Message: Redact(a.Message, secrets...), Own: true}
	switch {
	case a.from == aGateway:
		refusal.becomes(Unavailable, ErrNotTheAPI)
	case a.from == perhapsTheAPI && (refusal.Class.OfRequest() || refusal.Class == NotFound):
		refusal.becomes(Unavailable, errNotClear)
	case a.from == perhapsTheAPI:
		refusal.becomes(refusal.Class, errNotClear)
	}
	return refusal
}

// readAnswer reads and closes the body. A body that is no envelope is no error
// here: gateways answer with pages of their own.
func readAnswer(resp *http.Response) (Answer, error) {
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxResponseBytes+1))
	if err != nil {
		return Answer{}, &Error{Class: Unavailable, Code: codeUnlessOK(resp.StatusCode), Err: fmt.Errorf("reading the answer: %w", err)}
	}
	if len(body) > maxResponseBytes {
		return Answer{}, &Error{Class: Unavailable, Code: codeUnlessOK(resp.StatusCode), Err: errors.New("the answer is larger than 1 MiB")}
	}
	a := Answer{status: resp.StatusCode}
	if json.Unmarshal(body, &a.root) != nil {
		return a, nil
	}
	a.from = whoseAnswer(a.status, resp.Header.Get("Content-Type"), a.root)
	a.code, _ = decode.Int(a.root["code"])
	a.Message = decode.String(a.root["msg"])
	if a.Message == "" {
		a.Message = decode.String(a.root["message"])
	}
	a.Data = a.root["data"]
	return a, nil
}

func codeUnlessOK(status int) int {
	if status == http.StatusOK {
		return 0
	}
	return status
}
