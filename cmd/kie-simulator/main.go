// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command kie-simulator simulates KIE.AI: it serves the Veo 3.1 API with made-up
// videos, calls back, and fails, lies or falls silent on demand. Run it with
// --help for all it can do.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/kie-operator/kie-operator/internal/kie/kiesim"
	"github.com/kie-operator/kie-operator/internal/version"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "kie-simulator:", err)
		os.Exit(1)
	}
}

// run serves the simulator that the arguments describe until the context ends.
func run(ctx context.Context, args []string) error {
	config, err := parse(args, os.Getenv)
	if errors.Is(err, flag.ErrHelp) {
		return writeHelp(os.Stdout)
	}
	if err != nil {
		return err
	}
	if config.version {
		_, err := fmt.Println("kie-simulator", version.Get())
		return err
	}
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	config.options.Logger = logger
	simulator := kiesim.New(config.options)
	// To New, zero credits mean the default. Here they mean an empty account.
	simulator.SetCredits(config.options.Credits)

	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", config.bindAddress)
	if err != nil {
		return fmt.Errorf("listening on --bind-address %q: %w", config.bindAddress, err)
	}
	logger.Info("serving", "address", listener.Addr().String(), "signedCallbacks", config.options.WebhookHMACKey != "")
	return serve(ctx, listener, simulator, logger)
}
