// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package callback

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	attempts "github.com/kie-operator/kie-operator/internal/attempt"
)

const (
	// promised is the time within which a valid callback is accepted, whatever else goes on.
	promised = 5 * time.Second
	// maxHeap is what limits.go says about memory.
	maxHeap = 256 << 20
)

// callbacks is how many valid ones are sent in each attack, one after the other.
const callbacks = 5

// manySenders is an attack that a limit on connections alone would not stand:
// they hold all of them for as long as a timeout, one lot after the other.
const manySenders = 10_000

// fewSenders send as much as they can: there are enough of them to keep all
// processors busy.
const fewSenders = 64

// Attacks with real connections. While each goes on, valid callbacks are accepted
// in time; its memory is bounded, and its goroutines end with it.
func TestHostileLoad(t *testing.T) {
	w := newWorld(t)
	r := w.newReplica(t, nil)
	known := w.submit(t, "known", nil)
	r.sees(t, w, known)
	r.expect(t, call(known).String(), accepted)

	genuine := call(known)
	unknown := genuine.at(attempts.PathPrefix + attempts.New())
	// What the senders send is made once, so that the memory that is measured is the server's.
	start := []byte("POST " + genuine.path + " HTTP/1.1\r\nHost: callbacks.example\r\nX-Start: ")
	large := bytes.Repeat([]byte(" "), 64<<10)
	var distinct []string // the headers that take most memory for their length
	for i := range 5000 {
		distinct = append(distinct, fmt.Sprintf("%x:", i))
	}
	manyHeaders := []byte(genuine.and(distinct...).String())
	manyHeadersAndBody := unknown.and(distinct[:900]...).without("Content-Length: 1000000000")
	unknownWithHeaders := []byte(unknown.and(distinct[:300]...).String())
	slowly := [][]byte{
		genuine.without("Content-Length: 60000"), genuine.without("Transfer-Encoding: chunked"),
		unknown.without("Content-Length: 60000"), unknown.without("Transfer-Encoding: chunked"),
	}
	const hundredMB = 100 << 20
	inOne, inChunks := fmt.Sprintf("Content-Length: %d", hundredMB), "Transfer-Encoding: chunked"
	chunk := fmt.Appendf(nil, "%x\r\n", hundredMB)
	atLength := [][]byte{
		genuine.without(inOne), append(genuine.without(inChunks), chunk...),
		unknown.without(inOne), append(unknown.without(inChunks), chunk...),
	}

	attacks := []hostile{
		{"nothing-comes", manySenders, func(_ context.Context, conn net.Conn, _ int) {
			untilEnd(conn)
		}},
		{"headers-stall", manySenders, func(_ context.Context, conn net.Conn, _ int) {
			say(conn, start)
			untilEnd(conn)
		}},
		{"headers-drip", manySenders, func(ctx context.Context, conn net.Conn, _ int) {
			say(conn, start)
			drip(ctx, conn, []byte("a\r\nX-Drip: "))
		}},
		{"bodies-drip", 2 * maxConnections, func(ctx context.Context, conn net.Conn, sender int) {
			say(conn, slowly[sender%len(slowly)])
			drip(ctx, conn, []byte("1\r\n \r\n"))
		}},
		{"bodies-of-100-mb", 300, func(_ context.Context, conn net.Conn, sender int) {
			say(conn, atLength[sender%len(atLength)])
			for range hundredMB / len(large) {
				if !say(conn, large) {
					return
				}
			}
		}},
		{"a-header-without-end", fewSenders, func(_ context.Context, conn net.Conn, _ int) {
			say(conn, start)
			for say(conn, large) {
			}
		}},
		{"half-a-giant-header", 2 * maxConnections, func(_ context.Context, conn net.Conn, _ int) {
			say(conn, start)
			say(conn, large[:maxHeaderBytes])
			untilEnd(conn)
		}},
		{"many-headers", maxConnections, func(_ context.Context, conn net.Conn, _ int) {
			say(conn, manyHeaders[:maxHeaderBytes+4<<10-1])
			untilEnd(conn)
		}},
		{"many-headers-and-a-long-body", fewSenders, func(_ context.Context, conn net.Conn, _ int) {
			say(conn, manyHeadersAndBody)
			untilEnd(conn)
		}},
		{"unknown-tokens", maxUnseen + fewSenders, func(_ context.Context, conn net.Conn, _ int) {
			say(conn, unknownWithHeaders)
			untilEnd(conn)
		}},
		{"too-many-headers", fewSenders, func(_ context.Context, conn net.Conn, _ int) {
			say(conn, manyHeaders)
			untilEnd(conn)
		}},
	}
	for _, attack := range attacks {
		t.Run(attack.name, func(t *testing.T) { withstands(t, w, r, attack) })
	}
	if got := r.written.Load(); got != int32(1+callbacks*len(attacks)) {
		t.Errorf("%d writes were made, want one for each valid callback", got)
	}
}

// With TLS there is one more thing that senders can be slow with.
func TestHostileLoadOverTLS(t *testing.T) {
	w := newWorld(t)
	certificate := newPair(t)
	r := w.newReplica(t, func(r *replica) { r.tls = &certificate })
	first := w.submit(t, "first", nil)
	r.sees(t, w, first)
	r.acceptsInTime(t, call(first))

	withstands(t, w, r, hostile{"handshakes-stall", 4000, func(_ context.Context, conn net.Conn, sender int) {
		if sender%2 == 0 {
			say(conn, []byte("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"))
		}
		untilEnd(conn)
	}})
}

// The API server is slow with a valid callback, and meanwhile there are more
// stalled connections than there is room for, several times.
func TestARequestUnderWayIsNotDropped(t *testing.T) {
	w := newWorld(t)
	entered, release := make(chan struct{}), make(chan struct{})
	r := w.newReplica(t, func(r *replica) {
		r.handler.answerTimeout = patience
		r.beforeWrite = func(ctx context.Context) error {
			close(entered)
			select {
			case <-release:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	})
	vg := w.submit(t, "lighthouse", nil)
	r.sees(t, w, vg)
	conn := r.dial(t)
	say(conn, []byte(call(vg).String()))
	<-entered
	a := begin(t, r.address, 2*maxConnections, func(_ context.Context, conn net.Conn, _ int) { untilEnd(conn) })
	a.goesOn(t, maxConnections)
	close(release)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("a request under way was dropped: %v", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("a request under way was answered with %s", response.Status)
	}
	a.leavesNothing(t)
}

// hostile is an attack, and what one of its senders does with a connection.
type hostile struct {
	name    string
	senders int
	send    func(ctx context.Context, conn net.Conn, sender int)
}

// withstands sends valid callbacks while the attack goes on.
func withstands(t *testing.T, w *world, r *replica, h hostile) {
	t.Helper()
	var waiting []*v1alpha1.VideoGeneration
	for i := range callbacks {
		vg := w.submit(t, fmt.Sprintf("%s-%d", h.name, i), nil)
		r.sees(t, w, vg)
		waiting = append(waiting, vg)
	}
	a := begin(t, r.address, h.senders, h.send)
	var slowest time.Duration
	for _, vg := range waiting {
		slowest = max(slowest, r.acceptsInTime(t, call(vg)))
		a.goesOn(t, h.senders/20+1)
	}
	a.leavesNothing(t)
	t.Logf("the slowest of %d valid callbacks took %s", callbacks, slowest.Round(time.Millisecond))
	for _, vg := range waiting {
		if w.get(t, vg).Status.Callback == nil {
			t.Errorf("the callback for %s was lost", vg.Name)
		}
	}
}

// acceptsInTime sends a valid callback and returns how long it took.
func (r *replica) acceptsInTime(t *testing.T, genuine request) time.Duration {
	t.Helper()
	start := time.Now()
	conn, err := (&net.Dialer{Deadline: start.Add(promised)}).DialContext(t.Context(), "tcp", r.address)
	if err != nil {
		t.Fatalf("a valid callback: %v", err)
	}
	defer conn.Close()
	if r.tls != nil {
		conn = tls.Client(conn, &tls.Config{RootCAs: r.tls.roots, ServerName: "127.0.0.1"})
	}
	if err := conn.SetDeadline(start.Add(promised)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, genuine.String()); err != nil {
		t.Fatalf("a valid callback: %v", err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("a valid callback was not answered after %s: %v", time.Since(start), err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("a valid callback was answered with %s", response.Status)
	}
	return time.Since(start)
}

// say writes, and reports whether that was possible.
func say(conn net.Conn, text []byte) bool {
	_, err := conn.Write(text)
	return err == nil
}

// without is the request without its body, which is announced by a header.
func (r request) without(framing string) []byte {
	r.body, r.framing = "", []string{framing}
	return []byte(r.String())
}

// untilEnd returns when the other side has ended the connection.
func untilEnd(conn net.Conn) {
	var rest [16]byte
	for {
		if _, err := conn.Read(rest[:]); err != nil {
			return
		}
	}
}

// drip writes the text over and over, slowly, until the other side has ended the
// connection.
func drip(ctx context.Context, conn net.Conn, text []byte) {
	ended := make(chan struct{})
	go func() {
		untilEnd(conn)
		close(ended)
	}()
	drops := time.NewTicker(2 * time.Second)
	defer drops.Stop()
	for {
		select {
		case <-drops.C:
			say(conn, text)
		case <-ended:
			return
		case <-ctx.Done():
			_ = conn.Close()
			<-ended
			return
		}
	}
}
