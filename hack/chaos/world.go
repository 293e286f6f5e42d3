// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/internal/testenv"
)

// world is everything that a run has started.
type world struct {
	options
	dir      string
	cluster  *cluster
	users    client.Client
	buckets  *buckets
	gates    *gates
	accounts []*account
	picture  string // its SHA-256
	fleet    *fleet
	watcher  *watcher
	load     *load
	trouble  *troublemaker
	silent   []string
}

// start starts everything but the operator.
func (w *world) start(ctx context.Context) (err error) {
	if w.cluster, err = startCluster(ctx, w.dir); err != nil {
		return err
	}
	if w.users, err = client.New(w.cluster.admin, client.Options{Scheme: testenv.Scheme()}); err != nil {
		return fmt.Errorf("connecting to the API server: %w", err)
	}
	namespaces := []string{testenv.OperatorNamespace}
	for i := range w.namespaces {
		namespaces = append(namespaces, namespaceName(i))
	}
	for _, name := range namespaces {
		if err := w.users.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}); err != nil {
			return fmt.Errorf("creating the namespace %s: %w", name, err)
		}
	}
	if w.picture, err = createPictures(ctx, w.users, w.namespaces); err != nil {
		return err
	}
	if w.buckets, err = startBuckets(ctx, w.users, w.dir); err != nil {
		return err
	}
	w.gates = newGates()
	if w.accounts, err = startAccounts(ctx, w.users, w.options, w.buckets, w.gates); err != nil {
		return err
	}
	w.watcher, err = startWatcher(ctx, w.cluster.admin)
	return err
}

func (w *world) stop() {
	w.buckets.stop()
	if w.cluster != nil {
		w.cluster.stop()
	}
}

// disturbedLoad applies VideoGenerations while everything is disturbed. When it
// returns, all disturbances have ended.
func (w *world) disturbedLoad(ctx context.Context) (r figures, err error) {
	w.load = newLoad(w.users, w.watcher, plan{seed: w.seed, namespaces: w.namespaces, accounts: w.options.accounts})
	w.trouble = newTroublemaker(w.cluster, w.fleet, w.buckets.server, os.Stdout)
	if err := eventually(ctx, time.Minute, "a replica leads", func(context.Context) bool {
		leader, _ := w.fleet.leader()
		return leader != nil
	}); err != nil {
		return r, err
	}
	var all sync.WaitGroup
	for lane := range lanes {
		events := timetable(w.seed, lane, w.duration)
		all.Go(func() { follow(ctx, events, w.duration, w.trouble.disturb) })
	}
	telling, quiet := context.WithCancel(ctx)
	go w.tell(telling)
	err = w.load.run(ctx, w.perSecond, w.duration)
	r.loading = w.load.applying
	all.Wait()
	quiet()
	return r, errors.Join(err, ctx.Err())
}

// tell logs the progress, until the context ends.
func (w *world) tell(ctx context.Context) {
	for {
		pause(ctx, 15*time.Second)
		if ctx.Err() != nil {
			return
		}
		w.trouble.say("%d applied, %d to be done to them, not at rest: %v", w.load.count(), w.load.pending.Load(), w.watcher.unfinished())
	}
}

// settle waits until every resource is at rest, no callback is to come and the load
// has nothing left to do, for as long as patience lasts, and returns how long it
// took. The oracle names what is not at rest then.
func (w *world) settle(ctx context.Context) (time.Duration, error) {
	telling, quiet := context.WithCancel(ctx)
	defer quiet()
	go w.tell(telling)
	begin := time.Now()
	listened := false
	var still time.Time
	err := eventually(ctx, w.patience, "everything is at rest", func(context.Context) bool {
		if !listened && time.Since(begin) > explainsWithin {
			w.silent, listened = w.listen(), true
		}
		if w.load.pending.Load() > 0 || len(w.watcher.unfinished()) > 0 || w.somethingToCome() {
			still = time.Time{}
			return false
		}
		if still.IsZero() {
			still = time.Now()
		}
		return time.Since(still) > 15*time.Second // what was acknowledged last is followed
	})
	if err != nil && ctx.Err() == nil {
		w.trouble.say("%v", err)
		err = nil
	}
	return time.Since(begin), errors.Join(err, w.load.failures())
}

// listen lists the resources that do not go on and do not say why.
func (w *world) listen() (silent []string) {
	for _, vg := range w.watcher.list() {
		if silence := silenceOf(vg); silence != "" && vg.DeletionTimestamp.IsZero() {
			silent = append(silent, fmt.Sprintf("%s/%s, %v after everything is whole: %s", vg.Namespace, vg.Name, explainsWithin, silence))
		}
	}
	return silent
}

func (w *world) somethingToCome() bool {
	for _, a := range w.accounts {
		if _, ok := a.sim.NextEvent(); ok {
			return true
		}
	}
	return false
}
