// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package callback

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	attempts "github.com/kie-operator/kie-operator/internal/attempt"
	"github.com/kie-operator/kie-operator/internal/kie"
)

// request is written to a connection as it is: a client of net/http would put
// right what a hostile one gets wrong.
type request struct {
	method  string
	path    string
	proto   string
	headers []string
	body    string
	framing []string // the headers that say how long the body is
}

// call is a callback for the task of the resource, with everything as KIE.AI
// sends it.
func call(vg *v1alpha1.VideoGeneration) request {
	body := bodyFor(vg.Status.Task.ID)
	return request{
		method:  http.MethodPost,
		path:    attempts.PathPrefix + vg.Status.Task.Attempt,
		proto:   "HTTP/1.1",
		headers: append(signed(hmacKey, vg.Status.Task.ID, now), "Content-Type: application/json", "X-Note: canary-header"),
		body:    body,
		framing: []string{"Content-Length: " + strconv.Itoa(len(body))},
	}
}

func bodyFor(taskID string) string {
	return fmt.Sprintf(`{"code":200,"msg":"canary-body","data":{"taskId":%q,"info":{"resultUrls":["https://tempfile.example/v/canary-url.mp4"]}}}`, taskID)
}

func signed(key, taskID string, at time.Time) []string {
	return signedAs(key, taskID, strconv.FormatInt(at.Unix(), 10))
}

func signedAs(key, taskID, timestamp string) []string {
	return []string{kie.HeaderTimestamp + ": " + timestamp, kie.HeaderSignature + ": " + kie.Sign(key, taskID, timestamp)}
}

func (r request) withBody(body string) request {
	r.body, r.framing = body, []string{"Content-Length: " + strconv.Itoa(len(body))}
	return r
}

func (r request) withHeaders(headers ...string) request {
	r.headers = headers
	return r
}

func (r request) and(headers ...string) request {
	r.headers = append(append([]string{}, r.headers...), headers...)
	return r
}

func (r request) at(path string) request {
	r.path = path
	return r
}

func (r request) by(method string) request {
	r.method = method
	return r
}

func (r request) chunked() request {
	r.framing = []string{"Transfer-Encoding: chunked"}
	r.body = fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(r.body), r.body)
	return r
}

func (r request) String() string {
	lines := []string{r.method + " " + r.path + " " + r.proto, "Host: callbacks.example"}
	lines = append(append(lines, r.headers...), r.framing...)
	return strings.Join(lines, "\r\n") + "\r\n\r\n" + r.body
}

// send writes the text and returns the first answer, as bytes and parsed.
func (r *replica) send(t *testing.T, text string) ([]byte, *http.Response) {
	t.Helper()
	connection := r.dial(t)
	// A server that refuses early may close before all of it is written; the answer is there all the same.
	go func() { _, _ = io.WriteString(connection, text) }()
	var raw bytes.Buffer
	response, err := http.ReadResponse(bufio.NewReader(io.TeeReader(connection, &raw)), nil)
	if err != nil {
		t.Fatalf("reading the answer: %v", err)
	}
	defer response.Body.Close()
	// A server that did not read the whole request may reset the connection after its answer.
	_, _ = io.Copy(io.Discard, response.Body)
	return raw.Bytes(), response
}

// expect sends the request and checks the outcome on both sides.
func (r *replica) expect(t *testing.T, text string, want *outcome) {
	t.Helper()
	before := r.count(want)
	_, response := r.send(t, text)
	if response.StatusCode != want.code {
		t.Errorf("the answer is %s, want %d", response.Status, want.code)
	}
	if got := r.count(want) - before; got != 1 {
		t.Errorf("the outcome %q was counted %d times, want once", want.name, got)
	}
}
