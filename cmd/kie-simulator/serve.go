// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/kie-operator/kie-operator/internal/kie/kiesim"
)

const (
	readHeaderTimeout = 10 * time.Second
	// writeTimeout is longer than a callback that precedes an answer may take. A
	// timeout for reading would end the answers that are meant to hang.
	writeTimeout = 2 * time.Minute
	idleTimeout  = 2 * time.Minute
	// shutdownTimeout is how long the requests in flight may take to end.
	shutdownTimeout = 20 * time.Second
)

// serve serves the simulator on the listener and delivers its callbacks until the
// context ends, then lets the requests in flight end. It closes the listener.
func serve(ctx context.Context, listener net.Listener, simulator *kiesim.Simulator, logger *slog.Logger) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	server := &http.Server{
		Handler:           simulator,
		ReadHeaderTimeout: readHeaderTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
		// Ends the answers that hang until the client gives up.
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	delivered := make(chan error, 1)
	go func() { delivered <- simulator.Run(ctx) }()
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()

	var failure error
	select {
	case err := <-served:
		failure = fmt.Errorf("serving: %w", err)
		cancel()
	case <-ctx.Done():
		deadline, stop := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
		defer stop()
		if err := server.Shutdown(deadline); err != nil {
			failure = errors.Join(fmt.Errorf("shutting down: %w", err), server.Close())
		}
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			failure = errors.Join(failure, fmt.Errorf("serving: %w", err))
		}
	}
	return errors.Join(failure, <-delivered)
}
