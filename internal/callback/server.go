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
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

// Server serves callbacks on every replica.
//
// It is a type of its own and no manager.Server because a manager starts those
// before its caches, and a callback that comes before the cache is filled would
// be turned away.
type Server struct {
	bindAddress string
	handler     http.Handler
	log         logr.Logger

	listening chan struct{} // closed when address is set
	address   net.Addr
}

var (
	_ manager.Runnable               = &Server{}
	_ manager.LeaderElectionRunnable = &Server{}
)

// NewServer returns a server that Start starts, once. The address is that of
// net.Listen.
func NewServer(bindAddress string, handler http.Handler, logger logr.Logger) *Server {
	return &Server{bindAddress: bindAddress, handler: handler, log: logger, listening: make(chan struct{})}
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
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.bindAddress)
	if err != nil {
		return fmt.Errorf("listening for callbacks: %w", err)
	}
	s.address = listener.Addr()
	close(s.listening)
	s.log.Info("listening for callbacks", "address", s.address.String())

	server := s.httpServer()
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(limitConnections(listener, maxConnections, maxLeaving)) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serving callbacks: %w", err)
	case <-ctx.Done():
		return s.stop(ctx, server, failed)
	}
}

// stop returns nil also when requests had to be cut off: KIE.AI calls again.
func (s *Server) stop(ctx context.Context, server *http.Server, failed <-chan error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		s.log.Info("stopped with callbacks under way")
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
		Handler:           s.handler,
		Protocols:         protocols,
		MaxHeaderBytes:    maxHeaderBytes,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		ConnContext:       withConnection,
		ErrorLog:          log.New(errorLog{s.log}, "", 0),
		// "OPTIONS *" would otherwise be answered with 200, past the handler.
		DisableGeneralOptionsHandler: true,
	}
}
