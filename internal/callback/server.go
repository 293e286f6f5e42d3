// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package callback

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/certwatcher"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/kie-operator/kie-operator/internal/listen"
)

// ServerOptions say where a server listens and what it serves.
type ServerOptions struct {
	// BindAddress is an address of net.Listen.
	BindAddress string
	// CertificateFolder has tls.crt and tls.key, which may be replaced at any time. Empty means plain http.
	CertificateFolder string
	// Handler answers the requests.
	Handler http.Handler
	// Log gets a line when the server listens and, at V(1), for each connection that fails.
	Log logr.Logger
}

// Server serves callbacks on every replica.
//
// It is not a manager.Server, because a manager starts those before its caches, and
// a callback that comes before the cache is filled would be turned away.
type Server struct {
	ServerOptions

	listening chan struct{} // closed when address is set
	address   net.Addr
}

var (
	_ manager.Runnable               = &Server{}
	_ manager.LeaderElectionRunnable = &Server{}
)

// NewServer returns a server that Start starts, once.
func NewServer(options ServerOptions) *Server {
	return &Server{ServerOptions: options, listening: make(chan struct{})}
}

// NeedLeaderElection is false: callbacks reach any replica.
func (*Server) NeedLeaderElection() bool { return false }

// Address waits until the server listens and returns where.
func (s *Server) Address(ctx context.Context) (net.Addr, error) {
	select {
	case <-s.listening:
		return s.address, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for the callback server to listen: %w", ctx.Err())
	}
}

// Ready is a readiness check: it fails until the server listens, so that
// callbacks are sent to replicas that can take them.
func (s *Server) Ready(*http.Request) error {
	select {
	case <-s.listening:
		return nil
	default:
		return errors.New("the callback server does not listen yet")
	}
}

// Start serves until the context is done. Then it takes no new connections,
// gives requests under way the time that a request may take, and returns nil.
func (s *Server) Start(ctx context.Context) error {
	server := s.httpServer()
	serve, grace := server.Serve, connectionGrace
	if s.CertificateFolder != "" {
		watcher, err := watchCertificate(s.CertificateFolder)
		if err != nil {
			return fmt.Errorf("reading the certificate of the callback server: %w", err)
		}
		server.TLSConfig = tlsConfig(watcher)
		grace = handshakeGrace
		serve = func(listener net.Listener) error { return server.ServeTLS(listener, "", "") }
		defer s.watch(ctx, watcher)()
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.BindAddress)
	if err != nil {
		return fmt.Errorf("listening for callbacks: %w", err)
	}
	s.address = listener.Addr()
	close(s.listening)
	s.Log.Info("listening for callbacks", "address", s.address.String(), "tls", s.CertificateFolder != "")

	failed := make(chan error, 1)
	go func() {
		failed <- serve(listen.New(listener, listen.Limits{Open: maxConnections, Leaving: maxLeaving, Grace: grace}))
	}()
	select {
	case err := <-failed:
		return fmt.Errorf("serving callbacks: %w", err)
	case <-ctx.Done():
		return s.stop(ctx, server, failed)
	}
}

// watch has the watcher look for changes until the returned function is called.
// If the kernel has no watches left, that fails: the server goes on with the
// certificate that was read, and needs a restart for another one.
func (s *Server) watch(ctx context.Context, watcher *certwatcher.CertWatcher) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := watcher.Start(ctx); err != nil && ctx.Err() == nil {
			s.Log.Error(err, "the certificate of the callback server is not watched: restart the operator when it is replaced")
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// stop returns nil also when requests had to be cut off: KIE.AI calls again.
func (s *Server) stop(ctx context.Context, server *http.Server, failed <-chan error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		s.Log.Info("stopped with callbacks under way")
		_ = server.Close() // what is left of the connections has been given its time
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving callbacks: %w", err)
	}
	return nil
}

func (s *Server) httpServer() *http.Server {
	// HTTP/1.1 only: HTTP/2 multiplexes, and a limit on connections would then limit nothing.
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Server{
		Handler:           s.Handler,
		Protocols:         protocols,
		MaxHeaderBytes:    maxHeaderBytes,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		ConnContext:       listen.WithConnection,
		ErrorLog:          log.New(errorLog{s.Log}, "", 0),
		// "OPTIONS *" would otherwise be answered with 200, past the handler.
		DisableGeneralOptionsHandler: true,
	}
}
