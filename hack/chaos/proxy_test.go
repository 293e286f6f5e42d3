// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// momentarily is how long a proxy is watched that must not let anything through.
const momentarily = 100 * time.Millisecond

// echo listens and sends back what it gets, until the test ends.
func echo(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(conn, conn)
				conn.Close()
			}()
		}
	}()
	return listener.Addr().String()
}

func startProxy(t *testing.T, upstream string) *proxy {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	p, err := newProxy(ctx, upstream)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func dial(t *testing.T, p *proxy) net.Conn {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", p.address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// ask sends a byte and waits for it to come back.
func ask(conn net.Conn, patience time.Duration) error {
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := conn.Write([]byte("?")); err != nil {
		return err
	}
	_, err := io.ReadFull(conn, make([]byte, 1))
	return err
}

// askAnew is ask on a new connection, which may be ended as soon as it is there.
func askAnew(t *testing.T, p *proxy) error {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", p.address())
	if err != nil {
		return err
	}
	defer conn.Close()
	return ask(conn, time.Minute)
}

// isEnd reports whether an error says that the connection is no more.
func isEnd(err error) bool { return err != nil && !errors.Is(err, os.ErrDeadlineExceeded) }

func TestProxyPasses(t *testing.T) {
	p := startProxy(t, echo(t))
	conn := dial(t, p)
	if err := ask(conn, time.Minute); err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(conn); err != nil || len(rest) != 0 {
		t.Errorf("after the end of one direction %q comes back, and %v", rest, err)
	}
}

func TestProxyCuts(t *testing.T) {
	p := startProxy(t, echo(t))
	old := dial(t, p)
	if err := ask(old, time.Minute); err != nil {
		t.Fatal(err)
	}
	p.set(cutting, 0)
	if err := ask(old, time.Minute); !isEnd(err) {
		t.Errorf("one from before: got %v, want a connection that has ended", err)
	}
	if err := askAnew(t, p); !isEnd(err) {
		t.Errorf("a new one: got %v, want a connection that has ended", err)
	}
	p.set(passing, 0)
	if err := askAnew(t, p); err != nil {
		t.Errorf("after the cut: %v", err)
	}
}

func TestProxyStalls(t *testing.T) {
	p := startProxy(t, echo(t))
	conn := dial(t, p)
	if err := ask(conn, time.Minute); err != nil {
		t.Fatal(err)
	}
	p.set(stalling, 0)
	if err := ask(conn, momentarily); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("a stalled connection answers: %v", err)
	}
	p.set(passing, 0)
	if err := ask(conn, time.Minute); err != nil {
		t.Errorf("what was held back does not come: %v", err)
	}
}

func TestProxyThatStallsCanBeCut(t *testing.T) {
	p := startProxy(t, echo(t))
	conn := dial(t, p)
	p.set(stalling, 0)
	if err := ask(conn, momentarily); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("a stalled connection answers: %v", err)
	}
	p.set(cutting, 0)
	if err := ask(conn, time.Minute); !isEnd(err) {
		t.Errorf("got %v, want a connection that has ended", err)
	}
}

func TestProxySlows(t *testing.T) {
	p := startProxy(t, echo(t))
	conn := dial(t, p)
	p.set(slowing, momentarily)
	begin := time.Now()
	if err := ask(conn, time.Minute); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took < 2*momentarily {
		t.Errorf("there and back takes %v, want %v each way", took, momentarily)
	}
}

func TestProxyThatStallsAndThenSlows(t *testing.T) {
	p := startProxy(t, echo(t))
	conn := dial(t, p)
	p.set(stalling, 0)
	if err := ask(conn, momentarily); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("a stalled connection answers: %v", err)
	}
	p.set(slowing, momentarily)
	if err := ask(conn, time.Minute); err != nil {
		t.Errorf("what was held back does not come: %v", err)
	}
}

func TestProxyWithoutUpstream(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := listener.Addr().String()
	listener.Close()
	if err := askAnew(t, startProxy(t, nobody)); !isEnd(err) {
		t.Errorf("got %v, want a connection that has ended", err)
	}
}
