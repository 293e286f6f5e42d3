// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command chaos runs the operator as whole processes under load, and kills,
// replaces, stops, cuts off and slows down these processes and those they depend on.
// Then it compares what was paid for and stored with what the resources and the
// books say. It fails if anything was bought twice, lost or left unfinished, or if a
// log shows a secret.
package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/kie-operator/kie-operator/internal/testenv"
)

// options are the command line.
type options struct {
	duration   time.Duration
	patience   time.Duration
	seed       uint64
	perSecond  float64
	accounts   int
	namespaces int
}

func main() {
	var o options
	flag.DurationVar(&o.duration, "duration", usualDuration, "how long to apply load and disturb")
	flag.DurationVar(&o.patience, "patience", 15*time.Minute, "how long everything may take after that to come to rest")
	flag.Uint64Var(&o.seed, "seed", 0, "seed of what is applied and disturbed; 0 draws one")
	flag.Float64Var(&o.perSecond, "rate", 10, "VideoGenerations applied in a second")
	flag.IntVar(&o.accounts, "accounts", 60, "KieAccounts, each with a KIE.AI of its own; 12 at least, so that there is one of each sort")
	flag.IntVar(&o.namespaces, "namespaces", 10, "namespaces of the VideoGenerations")
	flag.Parse()
	if o.accounts < leastAccounts {
		fmt.Fprintf(os.Stderr, "chaos: --accounts must be at least %d\n", leastAccounts)
		os.Exit(2)
	}
	if o.seed == 0 {
		o.seed = rand.Uint64N(1_000_000) + 1 //nolint:gosec // to be typed again
	}
	klog.SetLogger(logr.Discard()) // the outages are meant
	ctrl.SetLogger(logr.Discard())
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, filepath.Join(testenv.Root(), ".chaos")); err != nil {
		fmt.Fprintln(os.Stderr, "chaos: "+err.Error())
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	fmt.Printf("seed %d, %v at %v/s; logs are in %s\n", o.seed, o.duration, o.perSecond, dir)
	serving, stop := context.WithCancel(ctx)
	defer stop()
	w := &world{options: o, dir: dir}
	defer w.stop()
	if err := w.start(serving); err != nil {
		return fmt.Errorf("%w (logs are in %s)", err, dir)
	}
	fleet, stopFleet, err := startFleet(serving, w.cluster, dir, w.buckets.folder)
	if err != nil {
		return err
	}
	w.fleet = fleet
	r, err := w.disturbedLoad(ctx)
	if err == nil {
		r.settling, err = w.settle(ctx)
	}
	if err != nil {
		stopFleet()
		return fmt.Errorf("%w (logs are in %s)", err, dir)
	}
	e, err := w.gather(ctx, &r)
	stopFleet() // its last words count too
	if err == nil {
		err = w.readLogs(&e)
	}
	if err != nil {
		return fmt.Errorf("%w (logs are in %s)", err, dir)
	}
	f := judge(e)
	report(os.Stdout, r, f)
	return verdict(f, dir)
}

// verdict is an error if there are violations.
func verdict(f *findings, dir string) error {
	var bad []string
	for _, c := range f.violations() {
		if len(c.offenders) > 0 {
			bad = append(bad, fmt.Sprintf("%d %s", len(c.offenders), c.name))
		}
	}
	if len(bad) > 0 {
		return fmt.Errorf("%s (logs are in %s)", strings.Join(bad, ", "), dir)
	}
	return nil
}
