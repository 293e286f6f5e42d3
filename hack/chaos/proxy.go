// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"
)

// mode is what a proxy does with what it carries.
type mode int

const (
	// passing carries everything at once.
	passing mode = iota
	// cutting resets every connection, those that are there and new ones.
	cutting
	// stalling keeps connections and holds their bytes back.
	stalling
	// slowing carries everything later.
	slowing
)

// proxy carries TCP connections to one address, and can disturb all of them at
// once.
type proxy struct {
	listener net.Listener
	upstream string

	mu      sync.Mutex
	mode    mode
	delay   time.Duration
	changed chan struct{} // closed and replaced when mode changes
	links   map[*link]struct{}
}

// link is one connection through a proxy: to its client, and to upstream.
type link struct {
	ends   [2]*net.TCPConn
	closed chan struct{}
	once   sync.Once
}

// newProxy starts a proxy on a free address. It ends with the context.
func newProxy(ctx context.Context, upstream string) (*proxy, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("starting a proxy: %w", err)
	}
	p := &proxy{listener: listener, upstream: upstream, changed: make(chan struct{}), links: map[*link]struct{}{}}
	go p.accept(ctx)
	go func() {
		<-ctx.Done()
		listener.Close()
		p.set(cutting, 0)
	}()
	return p, nil
}

// address is where the proxy listens.
func (p *proxy) address() string { return p.listener.Addr().String() }

// set changes what the proxy does from now on. The delay is for slowing.
func (p *proxy) set(m mode, delay time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mode, p.delay = m, delay
	close(p.changed)
	p.changed = make(chan struct{})
	if m != cutting {
		return
	}
	for l := range p.links {
		l.reset()
	}
}

func (p *proxy) now() (mode, time.Duration, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mode, p.delay, p.changed
}

func (p *proxy) accept(ctx context.Context) {
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			return // it was closed
		}
		go p.carry(ctx, conn.(*net.TCPConn))
	}
}

// carry connects a client with upstream until one of them, or the proxy, ends it.
func (p *proxy) carry(ctx context.Context, client *net.TCPConn) {
	conn, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, "tcp", p.upstream)
	if err != nil {
		reset(client)
		return
	}
	l := &link{ends: [2]*net.TCPConn{client, conn.(*net.TCPConn)}, closed: make(chan struct{})}
	if !p.add(l) {
		l.reset()
		return
	}
	defer p.remove(l)
	defer l.close()
	var both sync.WaitGroup
	both.Go(func() { p.copy(l, l.ends[0], l.ends[1]) })
	both.Go(func() { p.copy(l, l.ends[1], l.ends[0]) })
	both.Wait()
}

// add reports whether the link may be used: while the proxy cuts, none may.
func (p *proxy) add(l *link) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mode == cutting {
		return false
	}
	p.links[l] = struct{}{}
	return true
}

func (p *proxy) remove(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.links, l)
}

// copy carries one direction of a link, and its end.
func (p *proxy) copy(l *link, from, to *net.TCPConn) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			if !p.hold(l) {
				return
			}
			if _, err := to.Write(buffer[:n]); err != nil {
				l.close()
				return
			}
		}
		if err != nil {
			_ = to.CloseWrite() // it may be closed already
			return
		}
	}
}

// hold keeps bytes for as long as the proxy is to keep them. It reports false if
// the link has ended meanwhile.
func (p *proxy) hold(l *link) bool {
	for {
		m, delay, changed := p.now()
		var over <-chan time.Time
		switch m {
		case passing:
			return true
		case cutting:
			return false
		case slowing:
			timer := time.NewTimer(delay)
			defer timer.Stop() //nolint:gocritic // there are as many as changes of the mode
			over = timer.C
		case stalling:
		}
		select {
		case <-l.closed:
			return false
		case <-over:
			return true
		case <-changed:
		}
	}
}

// close ends both connections in order.
func (l *link) close() {
	l.once.Do(func() {
		close(l.closed)
		_ = l.ends[0].Close()
		_ = l.ends[1].Close()
	})
}

// reset ends both connections as if a machine had gone away.
func (l *link) reset() {
	l.once.Do(func() {
		close(l.closed)
		reset(l.ends[0])
		reset(l.ends[1])
	})
}

func reset(conn *net.TCPConn) {
	_ = conn.SetLinger(0) // it may be closed already
	_ = conn.Close()
}
