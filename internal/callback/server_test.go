// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package callback

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	"sigs.k8s.io/controller-runtime/pkg/cluster"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	attempts "github.com/kie-operator/kie-operator/internal/attempt"
	"github.com/kie-operator/kie-operator/internal/credentials"
	"github.com/kie-operator/kie-operator/internal/testenv"
)

// A sender that stops in the middle of the body is told so when the budget is
// used up, and does not hold its slot for longer.
func TestSlowBody(t *testing.T) {
	w := newWorld(t)
	r := w.newReplica(t, func(r *replica) { r.handler.bodyTimeout = 100 * time.Millisecond })
	vg := w.submit(t, "lighthouse", nil)
	r.sees(t, w, vg)
	for _, genuine := range []request{call(vg), call(vg).chunked()} {
		half := genuine.String()
		r.expect(t, half[:len(half)-10], tooSlow)
	}
	if got := r.handler.line.taken(); got != 0 {
		t.Errorf("%d places are still taken", got)
	}
}

// The API server does not answer within the budget.
func TestSlowWrite(t *testing.T) {
	w := newWorld(t)
	r := w.newReplica(t, func(r *replica) {
		r.handler.answerTimeout = 500 * time.Millisecond
		r.beforeWrite = func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}
	})
	vg := w.submit(t, "lighthouse", nil)
	r.sees(t, w, vg)
	r.expect(t, call(vg).String(), apiUnavailable)
}

// A callback that is in line for longer than a body may take is written all the
// same: the limit on the body ends with the body.
func TestTheLimitOnTheBodyEndsWithIt(t *testing.T) {
	const limit = 2 * time.Second
	w := newWorld(t)
	r := w.newReplica(t, func(r *replica) {
		r.handler.bodyTimeout = limit
		r.beforeWrite = func(ctx context.Context) error {
			select {
			case <-time.After(limit + limit/2):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	})
	vg := w.submit(t, "lighthouse", nil)
	r.sees(t, w, vg)
	r.expect(t, call(vg).String(), accepted)
}

func TestBrokenOffBody(t *testing.T) {
	w := newWorld(t)
	r := w.newReplica(t, nil)
	vg := w.submit(t, "lighthouse", nil)
	r.sees(t, w, vg)

	connection := r.dial(t)
	half := call(vg).String()
	if _, err := io.WriteString(connection, half[:len(half)-10]); err != nil {
		t.Fatal(err)
	}
	if err := connection.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != brokenOff.code || r.count(brokenOff) != 1 {
		t.Errorf("the answer is %s, want %d", response.Status, brokenOff.code)
	}
}

// Requests that are sent without waiting for answers are answered in order, up
// to the first that is refused.
func TestPipelinedRequests(t *testing.T) {
	w := newWorld(t)
	r := w.newReplica(t, nil)
	first, second, third := w.submit(t, "first", nil), w.submit(t, "second", nil), w.submit(t, "third", nil)
	for _, vg := range []*v1alpha1.VideoGeneration{first, second, third} {
		r.sees(t, w, vg)
	}

	connection := r.dial(t)
	if _, err := io.WriteString(connection, call(first).String()+call(second).String()+call(first).withHeaders().String()+call(third).String()); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(connection)
	for i, want := range []int{http.StatusOK, http.StatusOK, http.StatusNotFound} {
		response, err := http.ReadResponse(reader, nil)
		if err != nil {
			t.Fatalf("answer %d: %v", i, err)
		}
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("answer %d is %s, want %d", i, response.Status, want)
		}
	}
	if rest, _ := io.ReadAll(reader); len(rest) > 0 {
		t.Errorf("behind a refusal there is %q", rest)
	}
	if w.get(t, third).Status.Callback != nil {
		t.Error("a request behind one that was refused had an effect")
	}
	if r.count(accepted) != 2 {
		t.Errorf("%d callbacks were accepted, want 2", r.count(accepted))
	}
}

// A refusal does not wait for the rest of the body, nor ask for it.
func TestRefusalComesBeforeTheBody(t *testing.T) {
	w := newWorld(t)
	r := w.newReplica(t, nil)
	r.expect(t, "POST "+attempts.PathPrefix+attempts.New()+" HTTP/1.1\r\nHost: callbacks.example\r\nContent-Length: 1000\r\n\r\n", unknownToken)
	r.expect(t, "POST "+attempts.PathPrefix+attempts.New()+" HTTP/1.1\r\nHost: callbacks.example\r\nTransfer-Encoding: chunked\r\n\r\n", unknownToken)
}

func TestTooManyRequests(t *testing.T) {
	w := newWorld(t)
	r := w.newReplica(t, func(r *replica) { r.handler.line.limit = 1 })
	vg := w.submit(t, "lighthouse", nil)
	r.sees(t, w, vg)

	if !r.handler.line.enter(lineTimeout) {
		t.Fatal("an empty line has no place")
	}
	_, response := r.send(t, call(vg).String())
	if response.StatusCode != http.StatusServiceUnavailable || response.Header.Get("Retry-After") != retryAfterSeconds {
		t.Errorf("the answer is %s with %v, want 503 with Retry-After", response.Status, response.Header)
	}
	r.handler.line.leave()
	r.expect(t, call(vg).String(), accepted)
}

func TestCacheIsNotThereYet(t *testing.T) {
	w := newWorld(t)
	operator, err := cluster.New(config(t), func(o *cluster.Options) { o.Scheme = testenv.Scheme() })
	if err != nil {
		t.Fatal(err)
	}
	if err := IndexAttempts(t.Context(), operator.GetFieldIndexer()); err != nil {
		t.Fatal(err)
	}
	r := w.newReplica(t, func(r *replica) { r.handler.cache = operator.GetCache() }) // which nobody starts
	r.expect(t, call(w.submit(t, "lighthouse", nil)).String(), cacheUnavailable)
}

// A status that was copied from one resource to another makes the token
// ambiguous.
func TestTwoResourcesWithOneAttempt(t *testing.T) {
	w := newWorld(t)
	r := w.newReplica(t, nil)
	vg := w.submit(t, "lighthouse", nil)
	twin := w.submit(t, "twin", func(s *v1alpha1.VideoGenerationStatus) { *s.Task = *vg.Status.Task })
	r.sees(t, w, vg)
	r.sees(t, w, twin)
	r.expect(t, call(vg).String(), unknownToken)
}

func TestServerStops(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	entered, release := make(chan struct{}), make(chan struct{})
	logged := &capture{}
	server := NewServer(ServerOptions{BindAddress: "127.0.0.1:0", Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-release
		accepted.answer(w)
	}), Log: logged.logger()})
	if server.NeedLeaderElection() {
		t.Error("the server waits for its turn to lead")
	}
	if server.Ready(nil) == nil {
		t.Error("the server is ready before it was started")
	}

	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- server.Start(ctx) }()
	address, err := server.Address(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Ready(nil); err != nil {
		t.Errorf("the server listens and says: %v", err)
	}

	connection, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address.String())
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	if _, err := io.WriteString(connection, "POST / HTTP/1.1\r\nHost: callbacks.example\r\nContent-Length: 0\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	<-entered
	stop()
	select {
	case err := <-stopped:
		t.Fatalf("the server stopped with a callback under way: %v", err)
	default:
	}
	close(release)
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Errorf("the callback that was under way got %v, %v", response, err)
	}
	if err := response.Body.Close(); err != nil {
		t.Error(err)
	}
	if err := <-stopped; err != nil {
		t.Errorf("Start() = %v, want nil after a clean stop", err)
	}
}

func TestServerCannotListen(t *testing.T) {
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	server := NewServer(ServerOptions{BindAddress: taken.Addr().String(), Handler: http.NotFoundHandler(), Log: (&capture{}).logger()})
	if err := server.Start(t.Context()); err == nil {
		t.Error("Start() = nil, and the address is taken")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := server.Address(ctx); err == nil {
		t.Error("Address() knows where a server listens that does not")
	}
}

func TestServerHasEveryLimit(t *testing.T) {
	server := NewServer(ServerOptions{Log: (&capture{}).logger()}).httpServer()
	if server.MaxHeaderBytes == 0 || server.ReadHeaderTimeout == 0 || server.ReadTimeout == 0 || server.WriteTimeout == 0 || server.IdleTimeout == 0 {
		t.Errorf("a limit is missing: %+v", server)
	}
	if !server.Protocols.HTTP1() || server.Protocols.HTTP2() || server.Protocols.UnencryptedHTTP2() {
		t.Errorf("the protocols are %s, want HTTP/1 only", server.Protocols)
	}
	if server.WriteTimeout <= answerTimeout {
		t.Error("a request that used up its budget cannot be answered")
	}
}

func TestErrorLogDropsTheText(t *testing.T) {
	logged := &capture{}
	errors := log.New(errorLog{logged.logger()}, "", 0)
	errors.Printf("http: Accept error: accept tcp [::]:8082: %s; retrying in 5ms", "canary")
	errors.Printf("http: panic serving 192.0.2.1:1234: %s\ngoroutine 1 [running]", "canary")
	errors.Printf("http: TLS handshake error: %s", "canary")
	logged.keepsSecret(t, "canary")
	if got := strings.Count(logged.String(), "\n"); got != 3 {
		t.Errorf("%d lines in the log, want 3:\n%s", got, logged.String())
	}
	if !strings.Contains(logged.String(), "cannot be accepted") {
		t.Error("the log does not say that no connections are accepted, which an administrator has to know")
	}
}

func TestMetricHasEveryOutcomeFromTheStart(t *testing.T) {
	registry := prometheus.NewRegistry()
	handler := newHandler(Options{Registerer: registry, Credentials: &credentials.Store{}, Log: (&capture{}).logger()})
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	if len(families) != 1 || families[0].GetName() != "kie_callbacks_total" || len(families[0].GetMetric()) != len(outcomes) {
		t.Fatalf("the registry has %v", families)
	}
	names := map[string]bool{}
	for _, o := range outcomes {
		if names[o.name] {
			t.Errorf("two outcomes have the name %s", o.name)
		}
		names[o.name] = true
		if got := fmt.Sprint(o.counter(handler.requests).Desc()); !strings.Contains(got, "kie_callbacks_total") {
			t.Errorf("the outcome %s counts in %s", o.name, got)
		}
	}
}
