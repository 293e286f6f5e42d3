// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package listen

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener whose senders are in the same bubble.
type pipes struct {
	dialled chan net.Conn
	closed  chan struct{}
}

func newPipes() *pipes { return &pipes{dialled: make(chan net.Conn, 100), closed: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.dialled:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// dial returns the sender's end of a connection that Accept will find.
func (p *pipes) dial() net.Conn {
	sender, receiver := net.Pipe()
	p.dialled <- receiver
	return sender
}

// accepting accepts until the listener is closed.
type accepting struct {
	t        *testing.T
	listener *Listener
	pipes    *pipes
	accepted chan *connection
	senders  []net.Conn
	unread   bool // nobody reads from what is accepted
}

func accept(t *testing.T, limit, leavingLimit int) *accepting {
	a := &accepting{t: t, pipes: newPipes(), accepted: make(chan *connection, 100)}
	a.listener = New(a.pipes, Limits{Open: limit, Leaving: leavingLimit, Grace: time.Second})
	go func() {
		for {
			conn, err := a.listener.Accept()
			if err != nil {
				close(a.accepted)
				return
			}
			if !a.unread {
				go func() { _, _ = conn.Read(make([]byte, 1)) }()
			}
			a.accepted <- conn.(*connection)
		}
	}()
	return a
}

// next dials when the grace of all that wait is over, and returns what was
// accepted then; nil for nothing.
func (a *accepting) next() *connection {
	a.t.Helper()
	pass(a.listener.limits.Grace)
	a.senders = append(a.senders, a.pipes.dial())
	return a.waiting()
}

// waiting returns what was accepted meanwhile; nil for nothing.
func (a *accepting) waiting() *connection {
	a.t.Helper()
	synctest.Wait()
	select {
	case c := <-a.accepted:
		return c
	default:
		return nil
	}
}

// must is for a connection that has to be there.
func (a *accepting) must(c *connection) *connection {
	a.t.Helper()
	if c == nil {
		a.t.Fatal("no connection was accepted")
	}
	return c
}

// close ends it, and all senders with it.
func (a *accepting) close() {
	a.t.Helper()
	if err := a.listener.Close(); err != nil {
		a.t.Error(err)
	}
	for _, sender := range a.senders {
		_ = sender.Close()
	}
	for c := range a.accepted {
		_ = c.Close()
	}
}

// pass lets time pass, that of the bubble.
func pass(duration time.Duration) { <-time.After(duration) }

// isOpen reports whether the server's side can be used.
func isOpen(c *connection) bool {
	c.owner.mu.Lock()
	defer c.owner.mu.Unlock()
	return !c.left
}

func TestTheLongestWaitingIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := accept(t, 3, 10)
		defer a.close()
		first, second, third := a.must(a.next()), a.must(a.next()), a.must(a.next())

		// A request came on the first one and was answered: it has waited less than the others.
		if !first.hold() {
			t.Fatal("a connection with room for it was dropped")
		}
		first.release()
		fourth := a.must(a.next())
		if isOpen(second) || !isOpen(first) || !isOpen(third) || !isOpen(fourth) {
			t.Errorf("open are %v %v %v %v, want all but the second", isOpen(first), isOpen(second), isOpen(third), isOpen(fourth))
		}
		if _, err := a.senders[1].Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("the sender of the second one sees %v, want its end", err)
		}
		if second.hold() {
			t.Error("a request was begun on a connection that was dropped")
		}
		second.release() // must not bring it back
		if err := second.Close(); err != nil {
			t.Error(err)
		}
		if a.must(a.next()); isOpen(third) || !isOpen(first) {
			t.Error("the third one is not the next to be dropped")
		}
	})
}

func TestAConnectionWithARequestIsNeverDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := accept(t, 2, 10)
		defer a.close()
		first, second := a.must(a.next()), a.must(a.next())
		if !first.hold() || !second.hold() || !first.hold() {
			t.Fatal("a connection with room for it was dropped")
		}
		// They take no place: others come, and make room for each other.
		third, fourth, fifth := a.must(a.next()), a.must(a.next()), a.must(a.next())
		if !isOpen(first) || !isOpen(second) {
			t.Fatal("a connection with a request was dropped")
		}
		if isOpen(third) || !isOpen(fourth) || !isOpen(fifth) {
			t.Errorf("open are %v %v %v, want all but the third", isOpen(third), isOpen(fourth), isOpen(fifth))
		}

		// After the answer it takes a place again, and has waited least of all.
		first.release()
		if a.must(a.next()); isOpen(fourth) || isOpen(fifth) || !isOpen(first) {
			t.Errorf("open are %v %v %v, want the one that was answered", isOpen(fourth), isOpen(fifth), isOpen(first))
		}
	})
}

// Something has come on a connection and nobody has looked at it yet, as on a
// machine with too much to do: it is not dropped for that, and new ones wait.
func TestAConnectionIsNotDroppedForOurSlowness(t *testing.T) {
	for _, tc := range []struct {
		reason string
		next   func(*connection)
	}{
		{"it waits for the rest of the request", func(c *connection) { go func() { _, _ = c.Read(make([]byte, 1)) }() }},
		{"it was answered", func(c *connection) { _, _ = c.Write([]byte{1}) }},
		{"it was held and answered", func(c *connection) { c.hold(); c.release() }},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := accept(t, 1, 10)
				defer a.close()
				first := a.must(a.next())
				if _, err := a.senders[0].Write([]byte{1}); err != nil {
					t.Fatal(err)
				}
				if a.next() != nil || !isOpen(first) {
					t.Fatal("a connection was dropped while it did not wait for its sender")
				}
				go func() { _, _ = a.senders[0].Read(make([]byte, 1)) }()
				tc.next(first)
				pass(a.listener.limits.Grace)
				a.must(a.waiting())
				if isOpen(first) {
					t.Error("there are two connections in one place")
				}
			})
		})
	}
}

func TestAConnectionLeavesOnce(t *testing.T) {
	for _, tc := range []struct {
		reason string
		before func(*connection)
	}{
		{"while it waits", func(*connection) {}},
		{"while it is held", func(c *connection) { c.hold() }},
		{"after a hold", func(c *connection) { c.hold(); c.release(); c.release() }},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := accept(t, 1, 10)
				defer a.close()
				first := a.must(a.next())
				tc.before(first)
				_, _ = first.Close(), first.Close()
				if first.hold() {
					t.Error("a request was begun on a connection that was closed")
				}
				first.release()
				if a.listener.open != 0 || a.listener.leaving != 0 || a.listener.waiting.Len() != 0 {
					t.Errorf("after its end %d are open, %d leave and %d wait", a.listener.open, a.listener.leaving, a.listener.waiting.Len())
				}
			})
		})
	}
}

// Goroutines of dropped connections that do not end hold new ones up, in place
// of becoming ever more.
func TestLeavingConnectionsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := accept(t, 1, 2)
		defer a.close()
		first := a.must(a.next())
		a.must(a.next())
		a.must(a.next())
		if a.next() != nil {
			t.Fatal("a connection was accepted, and two that were dropped have not left")
		}
		_, _ = first.Close(), first.Close()
		a.must(a.waiting())
		if a.next() != nil {
			t.Error("a connection that was closed twice has left twice")
		}
	})
}

// A connection that has just begun to wait is not dropped: its request may be on
// the way. One whose time is over is dropped when room is needed.
func TestAConnectionHasSomeTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := accept(t, 1, 10)
		defer a.close()
		first := a.must(a.next())
		pass(a.listener.limits.Grace / 2)
		if !first.hold() {
			t.Fatal("the only connection was dropped")
		}
		first.release() // from here on it waits
		a.senders = append(a.senders, a.pipes.dial())
		pass(a.listener.limits.Grace - 1)
		if a.waiting() != nil || !isOpen(first) {
			t.Fatal("a connection was dropped before its time was over")
		}
		pass(1)
		a.must(a.waiting())
		if isOpen(first) {
			t.Error("there are two connections in one place")
		}
	})
}

// Accept does not get ahead of the goroutines that read: on a busy machine it
// would drop what nobody has looked at.
func TestAcceptWaitsForTheReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := accept(t, 1, 10)
		defer a.close()
		a.unread = true
		first := a.must(a.next())
		if a.next() != nil || !isOpen(first) {
			t.Fatal("a connection was dropped before anybody has read from it")
		}
		go func() { _, _ = first.Read(make([]byte, 1)) }()
		synctest.Wait()
		pass(a.listener.limits.Grace)
		second := a.must(a.waiting())
		if isOpen(first) {
			t.Error("there are two connections in one place")
		}
		// One that is closed is as good as one that was read from.
		if a.next() != nil {
			t.Fatal("a connection was dropped before anybody has read from it")
		}
		_ = second.Close()
		a.must(a.waiting())
	})
}

func TestCloseEndsAnAcceptThatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := accept(t, 1, 10)
		first := a.must(a.next())
		if _, err := a.senders[0].Write([]byte{1}); err != nil {
			t.Fatal(err)
		}
		if a.next() != nil {
			t.Fatal("a second connection was accepted next to one that is looked at")
		}
		a.close()
		synctest.Wait()
		if _, more := <-a.accepted; more {
			t.Error("a connection was accepted after the end")
		}
		if _, err := a.senders[1].Write([]byte{1}); err == nil {
			t.Error("the connection that waited is still open")
		}
		_ = first.Close()
	})
}

// Requests without a connection of this listener, such as those of a recorder,
// have nothing that could be dropped.
func TestHoldWithoutAConnection(t *testing.T) {
	if !Hold(t.Context()) {
		t.Error("a request without a connection cannot be worked on")
	}
	Release(t.Context())
}

// Many connections at a time, with and without requests. The race detector looks
// at the rest.
func TestManyConnectionsAtATime(t *testing.T) {
	const limit, senders, rounds = 8, 16, 50
	plain, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener := New(plain, Limits{Open: limit, Leaving: senders, Grace: time.Millisecond})
	var answered atomic.Int32
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
					return
				}
				ctx := WithConnection(context.Background(), conn)
				if !Hold(ctx) {
					return
				}
				defer Release(ctx)
				if _, err := conn.Write([]byte{1}); err != nil {
					t.Errorf("a connection with a request was dropped: %v", err)
				}
				answered.Add(1)
			})
		}
	})

	attack, end := context.WithCancel(t.Context())
	var stalling, sending sync.WaitGroup
	for range senders {
		stalling.Go(func() {
			for attack.Err() == nil {
				stall(attack, plain.Addr().String())
			}
		})
		sending.Go(func() {
			for range rounds {
				conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", plain.Addr().String())
				if err != nil {
					continue // dropped while it was made
				}
				_, _ = conn.Write([]byte{1})
				_, _ = io.ReadAll(conn)
				_ = conn.Close()
			}
		})
	}
	sending.Wait()
	end()
	stalling.Wait()
	_ = listener.Close()
	serving.Wait()
	if answered.Load() == 0 {
		t.Error("nothing was answered")
	}
	if listener.open != 0 || listener.leaving != 0 || listener.waiting.Len() != 0 {
		t.Errorf("after the end %d are open, %d leave and %d wait", listener.open, listener.leaving, listener.waiting.Len())
	}
}

// stall opens a connection and says nothing, until it is dropped or ctx ends.
func stall(ctx context.Context, address string) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	_, _ = conn.Read(make([]byte, 1))
}
