// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command demo shows the operator at work: a control plane, a simulated KIE.AI
// and two replicas of the operator on this machine, and the samples from their
// purchase to their end. It fails if a sample ends in another way than it should.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/kie-operator/kie-operator/internal/testenv"
)

// patience is how long the samples may take. The simulator needs seconds for
// each.
const patience = 3 * time.Minute

func main() {
	stay := flag.Bool("stay", false, "leave everything running until it is interrupted")
	latency := flag.Duration("latency", 8*time.Second, "time that the simulator takes for a video")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *stay, *latency); err != nil {
		fmt.Fprintln(os.Stderr, "demo: "+err.Error())
		os.Exit(1)
	}
}

// demo is what is running.
type demo struct {
	dir        string // logs and kubeconfigs
	env        *envtest.Environment
	kubeconfig string // the administrator's
	simulator  string // URL
	images     string // URL
	processes  []process
}

func run(ctx context.Context, stay bool, latency time.Duration) (err error) {
	d := &demo{dir: filepath.Join(testenv.Root(), ".demo")}
	if err := os.RemoveAll(d.dir); err != nil {
		return err
	}
	if err := os.MkdirAll(d.videosFolder(), 0o700); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.stop()) }()

	for _, step := range []struct {
		say string
		do  func(context.Context) error
	}{
		{"Starting a Kubernetes control plane (etcd, kube-apiserver)", d.startControlPlane},
		{"Starting the KIE.AI simulator", func(ctx context.Context) error { return d.startSimulator(ctx, latency) }},
		{"Starting two replicas of the operator, with the operator's own rights", d.startOperators},
		{"Applying an account and the samples with kubectl", func(ctx context.Context) error {
			if err := d.startImages(ctx); err != nil {
				return err
			}
			return d.applySamples(ctx)
		}},
		{"Watching: kubectl get videogenerations", d.watch},
		{"Checking what was paid for and stored", d.check},
	} {
		fmt.Println("\n==> " + step.say)
		if err := step.do(ctx); err != nil {
			if ctx.Err() != nil {
				return nil // the user has seen enough
			}
			return fmt.Errorf("%w (logs are in %s)", err, d.dir)
		}
	}
	fmt.Printf("\nThe demo is complete. Logs are in %s.\n", d.dir)
	if !stay {
		fmt.Println("Run `make demo-up` to keep it running and look around.")
		return nil
	}
	d.sayHowToLookAround()
	<-ctx.Done()
	return nil
}

// videosFolder is where the finished videos are stored.
func (d *demo) videosFolder() string { return filepath.Join(d.dir, "videos") }

func (d *demo) sayHowToLookAround() {
	assets, err := testenv.Assets()
	if err != nil {
		assets = "bin/k8s"
	}
	fmt.Printf(`
It keeps running until you press Ctrl-C. In another terminal:

  export KUBECONFIG=%s PATH="%s:$PATH"
  kubectl get vg,ka -A
  kubectl describe vg lighthouse
  kubectl explain videogeneration.spec
  kubectl apply -f config/samples/videogeneration.yaml
  kubectl wait --for=condition=Ready vg/lighthouse

The simulator counts at %s/_sim/state. What it can be asked to do in a prompt:

  go run ./cmd/kie-simulator --help
`, d.kubeconfig, assets, d.simulator)
}
