// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package callback

import (
	"container/list"
	"context"
	"crypto/tls"
	"net"
	"sync"
)

// connections is a listener with a limit on open connections. When the limit is
// reached, a new connection takes the place of the one that has waited longest
// for its sender, so that senders who open connections and stall do not keep
// others out.
//
// A connection waits from the start, through the TLS handshake, the headers and
// the body, until a request has arrived; then it is held and stays until the
// request is answered; then it waits again. If all are held, the next connection
// has to wait, and those behind it wait in the queue of the kernel.
//
// The goroutine of a connection that was dropped ends a moment later, or half a
// second, which net/http pauses before it closes a connection on which it has
// refused a long body. leavingLimit bounds how many such goroutines there are.
type connections struct {
	net.Listener
	limit, leavingLimit int

	mu      sync.Mutex
	changed sync.Cond // what Accept waits for may have come
	closed  bool
	unread  *connection // the last one that was accepted, until something reads from it
	open    int
	leaving int
	waiting list.List // of *connection, those that have waited longest first
}

func limitConnections(listener net.Listener, limit, leavingLimit int) *connections {
	c := &connections{Listener: listener, limit: limit, leavingLimit: leavingLimit}
	c.changed.L = &c.mu
	return c
}

// Accept returns the next connection when there is a place for it. As with
// net/http, one goroutine calls it.
func (c *connections) Accept() (net.Conn, error) {
	accepted, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.closed {
		switch {
		case c.unread != nil:
			// Where there is more to do than processors can do, connections would else be dropped before
			// anybody has looked at what came on them.
			c.changed.Wait()
		case c.open < c.limit:
			admitted := &connection{Conn: accepted, owner: c}
			c.open++
			c.unread = admitted
			admitted.place = c.waiting.PushBack(admitted)
			return admitted, nil
		case c.waiting.Len() > 0 && c.leaving < c.leavingLimit:
			c.drop(c.waiting.Front().Value.(*connection))
		default:
			c.changed.Wait()
		}
	}
	_ = accepted.Close()
	return nil, net.ErrClosed
}

// drop ends a connection. The lock is held when it is called and when it returns,
// but not in between: Close waits for a Read that is under way to return.
func (c *connections) drop(dropped *connection) {
	dropped.stay()
	dropped.dropped = true
	c.open--
	c.leaving++

	c.mu.Unlock()
	defer c.mu.Lock()
	// A reset, not the end of a stream: the kernel would keep that for a sender that does not close its side.
	if tcp, ok := dropped.Conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = dropped.Conn.Close()
}

// Close ends Accept, also one that waits for a place.
func (c *connections) Close() error {
	c.mu.Lock()
	c.closed = true
	c.changed.Broadcast()
	c.mu.Unlock()
	return c.Listener.Close()
}

// connection is one that Accept has returned. The lock of its owner guards it.
type connection struct {
	net.Conn
	owner *connections
	begin sync.Once // of the reading

	place   *list.Element // among those that wait; nil while it is held, and afterwards
	dropped bool
	ended   bool
}

// Read lets Accept go on.
func (c *connection) Read(p []byte) (int, error) {
	c.begin.Do(func() {
		c.owner.mu.Lock()
		defer c.owner.mu.Unlock()
		c.letAcceptGoOn()
	})
	return c.Conn.Read(p)
}

func (c *connection) letAcceptGoOn() {
	if c.owner.unread == c {
		c.owner.unread = nil
		c.owner.changed.Broadcast()
	}
}

// stay takes it away from those that wait.
func (c *connection) stay() {
	if c.place != nil {
		c.owner.waiting.Remove(c.place)
		c.place = nil
	}
}

// Close is called by net/http, or by the TLS connection that it has, when it is
// through with the connection. The place is free then.
func (c *connection) Close() error {
	err := c.Conn.Close()
	c.owner.mu.Lock()
	defer c.owner.mu.Unlock()
	switch {
	case c.ended:
		return err
	case c.dropped:
		c.owner.leaving--
	default:
		c.owner.open--
	}
	c.ended = true
	c.stay()
	c.letAcceptGoOn()
	c.owner.changed.Broadcast()
	return err
}

// CloseWrite is there for net/http, which ends its side before it closes.
func (c *connection) CloseWrite() error {
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		return tcp.CloseWrite()
	}
	return nil
}

// hold keeps the connection from being dropped. It reports false if that comes
// too late.
func (c *connection) hold() bool {
	c.owner.mu.Lock()
	defer c.owner.mu.Unlock()
	c.stay()
	return !c.dropped && !c.ended
}

// release ends a hold. The connection has waited least of all then.
func (c *connection) release() {
	c.owner.mu.Lock()
	defer c.owner.mu.Unlock()
	if c.place == nil && !c.dropped && !c.ended {
		c.place = c.owner.waiting.PushBack(c)
		c.owner.changed.Broadcast()
	}
}

type connectionKey struct{}

// withConnection lets holdConnection find the connection of a request. It is a
// http.Server.ConnContext.
func withConnection(ctx context.Context, conn net.Conn) context.Context {
	if secured, ok := conn.(*tls.Conn); ok {
		conn = secured.NetConn()
	}
	return context.WithValue(ctx, connectionKey{}, conn)
}

// holdConnection keeps the connection of a request that has arrived from being
// dropped. It reports false if the connection was dropped before.
func holdConnection(ctx context.Context) bool {
	c, ok := ctx.Value(connectionKey{}).(*connection)
	return !ok || c.hold()
}

// releaseConnection is called when a request was answered, held or not.
func releaseConnection(ctx context.Context) {
	if c, ok := ctx.Value(connectionKey{}).(*connection); ok {
		c.release()
	}
}
