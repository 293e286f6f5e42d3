// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package listen has a listener that makes room: where there are as many
// connections as there may be, a new one takes the place of the one that has
// waited longest for its sender.
package listen

import (
	"container/list"
	"context"
	"crypto/tls"
	"net"
	"sync"
	"time"

	"k8s.io/utils/clock"
)

// Listener is a net.Listener with a limit on open connections. When the limit is
// reached, a new connection takes the place of the one that has waited longest
// for its sender, so that senders who open connections and stall do not keep
// others out.
//
// A connection waits for its sender while something reads from it, and after it
// was written to. Between the arrival of bytes and the next read it is not dropped,
// because then the operator is slow and not the sender, but it counts against the
// limit. When its whole request has arrived it is held, and does not count: whoever
// holds it bounds how many are held. After the answer it waits again. A connection
// that has waited for less than Limits.Grace is not dropped either, so that distant
// senders are not kept out. If none can be dropped, the next connection has to wait,
// and those behind it wait in the queue of the kernel.
//
// The goroutine of a connection that was dropped ends a moment later, or half a
// second, which net/http pauses before it closes a connection on which it has
// refused a long body. At most Limits.Leaving of them are awaited; then the next
// connection has to wait.
type Listener struct {
	net.Listener
	limits Limits
	clock  clock.WithDelayedExecution

	mu      sync.Mutex
	changed sync.Cond // signalled when Accept may go on
	closed  bool
	unread  *connection // the last one that was accepted, until something reads from it
	open    int         // and not held
	leaving int         // dropped, and net/http is not through with them
	waiting list.List   // of *connection, those that have waited longest first
}

// Limits bound what the senders of a listener can take.
type Limits struct {
	// Open is how many connections may be open, without those that are held.
	Open int
	// Leaving is how many connections may have been dropped without having ended yet.
	Leaving int
	// Grace is how long a connection waits for its sender at least before another one takes its place.
	Grace time.Duration
}

// New returns a listener that takes its connections from another one.
func New(listener net.Listener, limits Limits) *Listener {
	c := &Listener{Listener: listener, limits: limits, clock: clock.RealClock{}}
	c.changed.L = &c.mu
	return c
}

// Accept returns the next connection when there is a place for it. As with
// net/http, one goroutine calls it.
func (c *Listener) Accept() (net.Conn, error) {
	accepted, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	// On a busy machine, goroutines run late. Accept waits for the one of the last connection: otherwise it would
	// drop connections before anybody has read what came on them.
	for c.unread != nil && !c.closed {
		c.changed.Wait()
	}
	for c.open >= c.limits.Open && !c.closed {
		c.makeRoom()
	}
	if c.closed {
		_ = accepted.Close()
		return nil, net.ErrClosed
	}
	c.unread = &connection{Conn: accepted, owner: c}
	c.open++
	return c.unread, nil
}

// makeRoom drops the connection that has waited longest, or waits for a change
// if it cannot be dropped yet. The lock is held when it is called and when it
// returns, but not all the time in between.
func (c *Listener) makeRoom() {
	if c.waiting.Len() == 0 || c.leaving == c.limits.Leaving {
		c.changed.Wait()
		return
	}
	oldest := c.waiting.Front().Value.(*connection)
	if early := c.limits.Grace - c.clock.Since(oldest.since); early > 0 {
		// It takes the lock so that it comes after the beginning of Wait.
		timer := c.clock.AfterFunc(early, func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.changed.Broadcast()
		})
		c.changed.Wait()
		timer.Stop()
		return
	}
	oldest.leave()
	c.leaving++
	c.mu.Unlock()
	defer c.mu.Lock() // Close waits for a Read that is under way to return
	// A reset, not the end of a stream: the kernel would keep that for a sender that does not close its side.
	if tcp, ok := oldest.Conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = oldest.Conn.Close()
}

// Close ends Accept, also one that waits for a place.
func (c *Listener) Close() error {
	c.mu.Lock()
	c.closed = true
	c.changed.Broadcast()
	c.mu.Unlock()
	return c.Listener.Close()
}

// connection is one that Accept has returned. The lock of its owner guards it.
type connection struct {
	net.Conn
	owner *Listener

	held  bool          // it takes no place
	left  bool          // it was dropped or closed
	ended bool          // it was closed
	place *list.Element // among those that wait; nil while it does not
	since time.Time     // when it began to wait
}

// wait puts the connection behind all others that wait, unless it waits already.
func (c *connection) wait() {
	if c.held || c.left || c.place != nil {
		return
	}
	c.since = c.owner.clock.Now()
	c.place = c.owner.waiting.PushBack(c)
	if c.owner.waiting.Len() == 1 {
		c.owner.changed.Broadcast()
	}
}

// stay takes the connection away from those that wait.
func (c *connection) stay() {
	if c.place != nil {
		c.owner.waiting.Remove(c.place)
		c.place = nil
	}
}

// leave gives the place of the connection to another one.
func (c *connection) leave() {
	c.left = true
	c.stay()
	if !c.held {
		c.owner.open--
	}
	c.owner.changed.Broadcast()
	c.looked()
}

// looked lets Accept go on, after something was read from the connection.
func (c *connection) looked() {
	if c.owner.unread == c {
		c.owner.unread = nil
		c.owner.changed.Broadcast()
	}
}

// Read is called by net/http, or by the TLS connection that it has.
func (c *connection) Read(p []byte) (int, error) {
	c.begin()
	n, err := c.Conn.Read(p)
	c.owner.mu.Lock()
	defer c.owner.mu.Unlock()
	c.stay()
	return n, err
}

// begin begins to wait for what the sender sends.
func (c *connection) begin() {
	c.owner.mu.Lock()
	defer c.owner.mu.Unlock()
	c.looked()
	c.wait()
}

// Write is called by them too. An answer of net/http itself, such as that to
// headers that are too large, is the last thing that is done with a connection for
// half a second.
func (c *connection) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.owner.mu.Lock()
	defer c.owner.mu.Unlock()
	c.wait()
	return n, err
}

// Close is called by them when they are through with the connection.
func (c *connection) Close() error {
	err := c.Conn.Close()
	c.owner.mu.Lock()
	defer c.owner.mu.Unlock()
	switch {
	case c.ended:
	case c.left:
		c.owner.leaving--
		c.owner.changed.Broadcast()
	default:
		c.leave()
	}
	c.ended = true
	return err
}

// CloseWrite is there for net/http, which ends its side before it closes.
func (c *connection) CloseWrite() error {
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		return tcp.CloseWrite()
	}
	return nil
}

// hold keeps the connection from being dropped, and gives its place to another
// one. It reports false if that comes too late.
func (c *connection) hold() bool {
	c.owner.mu.Lock()
	defer c.owner.mu.Unlock()
	if c.left {
		return false
	}
	c.stay()
	if !c.held {
		c.held = true
		c.owner.open--
		c.owner.changed.Broadcast()
	}
	return true
}

// release ends a hold, if there is one. The connection then begins to wait anew, and
// is the last to be dropped.
func (c *connection) release() {
	c.owner.mu.Lock()
	defer c.owner.mu.Unlock()
	if c.held && !c.left {
		c.owner.open++
	}
	c.held = false
	c.wait()
}

type connectionKey struct{}

// WithConnection lets Hold find the connection of a request. It is an
// http.Server.ConnContext.
func WithConnection(ctx context.Context, conn net.Conn) context.Context {
	if secured, ok := conn.(*tls.Conn); ok {
		conn = secured.NetConn()
	}
	return context.WithValue(ctx, connectionKey{}, conn)
}

// Hold keeps the connection of a request that has arrived from being
// dropped. It reports false if the connection was dropped before.
func Hold(ctx context.Context) bool {
	c, ok := ctx.Value(connectionKey{}).(*connection)
	return !ok || c.hold()
}

// Release is called when a request was answered, held or not.
func Release(ctx context.Context) {
	if c, ok := ctx.Value(connectionKey{}).(*connection); ok {
		c.release()
	}
}
