// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kie-operator/kie-operator/internal/kie"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

const (
	testAPIKey  = "kie_test_api_key"
	testHMACKey = "kie_test_hmac_key_0001"
)

// epoch is when the fake clocks of the tests start.
var epoch = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// clock is a clock that moves only when told.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func (c *clock) set(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = now
}

// fixture is a simulator on a fake clock behind a real HTTP server.
type fixture struct {
	t *testing.T
	*Simulator
	clock  *clock
	server *httptest.Server
	client *http.Client
}

func newFixture(t *testing.T, options Options) *fixture {
	t.Helper()
	f := &fixture{t: t, clock: &clock{now: epoch}}
	if options.Now == nil {
		options.Now = f.clock.Now
	}
	options.APIKey = testAPIKey
	f.Simulator = New(options)
	f.server = httptest.NewServer(f.Simulator)
	t.Cleanup(f.server.Close)
	f.client = f.server.Client()
	// No test goes where a redirect leads.
	f.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return f
}

// answer is what the API said.
type answer struct {
	Status int
	Code   int
	Msg    string
	Data   any
	Body   string
}

// do sends a request as a well-behaved client does, changed by the edits. The
// error is that of the connection.
func (f *fixture) do(ctx context.Context, method, path, body string, edits ...func(*http.Request)) (answer, error) {
	f.t.Helper()
	request, err := http.NewRequestWithContext(ctx, method, f.server.URL+path, strings.NewReader(body))
	if err != nil {
		f.t.Fatalf("making a request: %v", err)
	}
	request.Header.Set("Authorization", "Bearer "+testAPIKey)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "test-client/1.0")
	for _, edit := range edits {
		edit(request)
	}
	response, err := f.client.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		return answer{}, err
	}
	result := answer{Status: response.StatusCode, Body: string(raw)}
	var decoded struct {
		Code int
		Msg  string
		Data any
	}
	if json.Unmarshal(raw, &decoded) == nil {
		result.Code, result.Msg, result.Data = decoded.Code, decoded.Msg, decoded.Data
	}
	return result, nil
}

// call is do for requests that are answered.
func (f *fixture) call(method, path, body string, edits ...func(*http.Request)) answer {
	f.t.Helper()
	result, err := f.do(f.t.Context(), method, path, body, edits...)
	if err != nil {
		f.t.Fatalf("%s %s: %v", method, path, err)
	}
	return result
}

// fields are the fields of a submission.
type fields map[string]any

func (f fields) json() string { return string(encode(f)) }

func (f *fixture) submit(request fields) answer {
	f.t.Helper()
	return f.call(http.MethodPost, "/api/v1/veo/generate", request.json())
}

// accept submits a request that has to be accepted and returns the task id.
func (f *fixture) accept(request fields) string {
	f.t.Helper()
	result := f.submit(request)
	data, _ := result.Data.(map[string]any)
	id, _ := data["taskId"].(string)
	if result.Code != 200 || id == "" {
		f.t.Fatalf("submission was not accepted: %s", result.Body)
	}
	return id
}

// made submits a request, lets the task finish and returns its id.
func (f *fixture) made(request fields) string {
	f.t.Helper()
	id := f.accept(request)
	f.clock.advance(5 * time.Second)
	return id
}

func (f *fixture) extend(request fields) answer {
	f.t.Helper()
	return f.call(http.MethodPost, "/api/v1/veo/extend", request.json())
}

// acceptExtension extends a task, which has to be accepted, and returns the new id.
func (f *fixture) acceptExtension(request fields) string {
	f.t.Helper()
	result := f.extend(request)
	data, _ := result.Data.(map[string]any)
	id, _ := data["taskId"].(string)
	if result.Code != 200 || id == "" {
		f.t.Fatalf("extension was not accepted: %s", result.Body)
	}
	return id
}

func (f *fixture) get1080p(id string) answer {
	f.t.Helper()
	return f.call(http.MethodGet, "/api/v1/veo/get-1080p-video?taskId="+id+"&index=0", "")
}

func (f *fixture) get4K(request fields) answer {
	f.t.Helper()
	return f.call(http.MethodPost, "/api/v1/veo/get-4k-video", request.json())
}

// tasks and upgrades return what was accepted. All but the last fields of job may
// be read.
func (f *fixture) tasks() []*task {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.ledger.tasks)
}

func (f *fixture) upgrades() []*upgrade {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.ledger.upgrades)
}

func (f *fixture) balance() float64 {
	f.t.Helper()
	return f.State().Balance
}

func (f *fixture) record(id string) answer {
	f.t.Helper()
	return f.call(http.MethodGet, "/api/v1/veo/record-info?taskId="+id, "")
}

// recordData returns the data of a record that has to exist.
func (f *fixture) recordData(id string) map[string]any {
	f.t.Helper()
	result := f.record(id)
	data, ok := result.Data.(map[string]any)
	if result.Code != 200 || !ok {
		f.t.Fatalf("record-info has no record: %s", result.Body)
	}
	return data
}

// playOut moves the clock from event to event until nothing is left to happen,
// and returns the number of deliveries.
func (f *fixture) playOut() int {
	f.t.Helper()
	made := 0
	for range 100 {
		next, ok := f.NextEvent()
		if !ok {
			return made
		}
		if next.After(f.clock.Now()) {
			f.clock.set(next)
		}
		made += f.Deliver(f.t.Context())
	}
	f.t.Fatal("the simulator does not come to rest")
	return 0
}

// received is a callback that arrived.
type received struct {
	Path      string
	Header    http.Header
	Body      []byte
	At        time.Time
	Timestamp string
	Signature string
}

// decode returns the body of the callback as generic JSON.
func (r received) decode(t *testing.T) map[string]any {
	t.Helper()
	var body map[string]any
	if err := json.NewDecoder(bytes.NewReader(r.Body)).Decode(&body); err != nil {
		t.Fatalf("the callback is not JSON: %v", err)
	}
	return body
}

// signed reports whether the callback has the right signature for a task.
func (r received) signed(id string) bool {
	return r.Signature != "" && r.Signature == kie.Sign(testHMACKey, id, r.Timestamp)
}

// receiver is a server for callbacks that answers with statuses in turn, and with
// 200 when it has none left.
type receiver struct {
	server *httptest.Server
	clock  *clock

	mu       sync.Mutex
	statuses []int
	got      []received
}

func (f *fixture) newReceiver(statuses ...int) *receiver {
	f.t.Helper()
	r := &receiver{clock: f.clock, statuses: statuses}
	r.server = httptest.NewServer(http.HandlerFunc(r.handle))
	f.t.Cleanup(r.server.Close)
	return r
}

func (r *receiver) handle(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got = append(r.got, received{
		Path:      request.URL.Path,
		Header:    request.Header,
		Body:      body,
		At:        r.clock.Now(),
		Timestamp: request.Header.Get(kie.HeaderTimestamp),
		Signature: request.Header.Get(kie.HeaderSignature),
	})
	if len(r.statuses) > 0 {
		w.Header().Set("Location", "/elsewhere") // for a redirect, which is not to be followed
		w.WriteHeader(r.statuses[0])
		r.statuses = r.statuses[1:]
	}
}

func (r *receiver) url(token string) string { return r.server.URL + "/v1/callbacks/" + token }

func (r *receiver) all() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]received(nil), r.got...)
}

// only returns the single callback that must have arrived.
func (r *receiver) only(t *testing.T) received {
	t.Helper()
	got := r.all()
	if len(got) != 1 {
		t.Fatalf("%d callbacks arrived, want 1", len(got))
	}
	return got[0]
}
