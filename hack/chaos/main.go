// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command chaos runs the operator as whole processes under load and kills,
// stops, cuts off and slows down what it consists of and depends on, and then
// compares what was paid for with what the resources say. It fails if anything
// was bought twice, lost, left unfinished or told to a log.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
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
	flag.DurationVar(&o.duration, "duration", usualDuration, "how long there are load and disturbances")
	flag.DurationVar(&o.patience, "patience", 15*time.Minute, "how long after that everything may take to come to rest")
	flag.Uint64Var(&o.seed, "seed", 0, "what is applied and disturbed; 0 draws one")
	flag.Float64Var(&o.perSecond, "rate", 20, "VideoGenerations applied in a second")
	flag.IntVar(&o.accounts, "accounts", 60, "KieAccounts, each with a KIE.AI of its own")
	flag.IntVar(&o.namespaces, "namespaces", 10, "namespaces of the VideoGenerations")
	flag.Parse()
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

// world is what is running.
type world struct {
	options
	dir      string
	cluster  *cluster
	users    client.Client
	accounts []*account
	replicas []*replica
	watcher  *watcher
	load     *load
	trouble  *troublemaker
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
	if err := w.start(serving); err != nil {
		w.stopCluster()
		return fmt.Errorf("%w (logs are in %s)", err, dir)
	}
	defer w.stopCluster()
	replicas, stopReplicas, err := startReplicas(serving, w.cluster, dir)
	if err != nil {
		return err
	}
	w.replicas = replicas
	r, err := w.disturbedLoad(ctx)
	if err == nil {
		r.settling, err = w.settle(ctx)
	}
	if err != nil {
		stopReplicas()
		return fmt.Errorf("%w (logs are in %s)", err, dir)
	}
	e, err := w.gather(ctx, &r)
	stopReplicas() // its last words count too
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
	if w.accounts, err = startAccounts(ctx, w.users, w.options.accounts); err != nil {
		return err
	}
	w.watcher, err = startWatcher(ctx, w.cluster.admin)
	return err
}

func (w *world) stopCluster() {
	if w.cluster != nil {
		w.cluster.stop()
	}
}

// disturbedLoad applies VideoGenerations while everything is disturbed. At its
// end everything is whole again.
func (w *world) disturbedLoad(ctx context.Context) (r figures, err error) {
	w.load = newLoad(w.users, park{seed: w.seed, namespaces: w.namespaces, accounts: w.options.accounts})
	w.trouble = newTroublemaker(w.cluster, w.replicas, os.Stdout)
	if err := eventually(ctx, time.Minute, "a replica leads", func(context.Context) bool {
		leader, _ := leaderOf(w.replicas)
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

// tell says how far things are, until the context ends.
func (w *world) tell(ctx context.Context) {
	for {
		pause(ctx, 15*time.Second)
		if ctx.Err() != nil {
			return
		}
		w.trouble.say("%d applied, not at rest: %v", w.load.count(), w.watcher.unfinished())
	}
}

// settle waits until every resource is at rest and no callback is to come, for as
// long as patience lasts, and returns how long it took. What is not at rest then
// is for the oracle to name.
func (w *world) settle(ctx context.Context) (time.Duration, error) {
	telling, quiet := context.WithCancel(ctx)
	defer quiet()
	go w.tell(telling)
	begin := time.Now()
	var still time.Time
	err := eventually(ctx, w.patience, "everything is at rest", func(context.Context) bool {
		if len(w.watcher.unfinished()) > 0 || w.somethingToCome() {
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
	return time.Since(begin), err
}

func (w *world) somethingToCome() bool {
	for _, a := range w.accounts {
		if _, ok := a.sim.NextEvent(); ok {
			return true
		}
	}
	return false
}

// gather collects what the oracle judges by.
func (w *world) gather(ctx context.Context, r *figures) (evidence, error) {
	e := evidence{
		videos: w.load.made, gone: w.load.gone, regressions: w.watcher.left(), answers: map[string][]int{}, fullest: map[string]int{},
		resources: map[types.NamespacedName]*v1alpha1.VideoGeneration{}, trouble: w.trouble.shortfalls(w.duration),
	}
	r.answers = map[int]int{}
	for _, err := range w.trouble.failed {
		e.trouble = append(e.trouble, err.Error())
	}
	for i := range w.namespaces {
		var list v1alpha1.VideoGenerationList
		if err := w.users.List(ctx, &list, client.InNamespace(namespaceName(i))); err != nil {
			return e, fmt.Errorf("listing the VideoGenerations: %w", err)
		}
		for i := range list.Items {
			e.resources[client.ObjectKeyFromObject(&list.Items[i])] = &list.Items[i]
		}
	}
	for _, a := range w.accounts {
		state := a.sim.State()
		e.tasks, e.upgrades = append(e.tasks, state.Tasks...), append(e.upgrades, state.Upgrades...)
		for _, task := range state.Tasks {
			e.answers[task.Attempt] = a.receivers.answersTo(task.Attempt)
			for _, status := range e.answers[task.Attempt] {
				r.answers[status]++
			}
		}
		e.fullest[a.name] = state.MaxInWindow.Submissions
		r.fullest = max(r.fullest, state.MaxInWindow.Submissions)
		r.sent += state.Callbacks.Sent
		r.acknowledged += state.Callbacks.Acknowledged
		r.refused429 += state.Refused429
	}
	for _, vg := range e.resources {
		if took, ok := followed(vg); ok {
			r.followed = append(r.followed, took)
		}
	}
	r.resources, r.deleted, r.tasks, r.upgrades = len(e.videos), len(e.gone), len(e.tasks), len(e.upgrades)
	r.counts, r.twoLeaders, r.leaders = w.trouble.counts, w.trouble.twoLeaders, w.trouble.leaders
	for _, replica := range w.replicas {
		r.endedByItself += replica.endedByItself.Load()
	}
	return e, nil
}

// followed returns how long it took from the receipt of the callback to the end
// of the task.
func followed(vg *v1alpha1.VideoGeneration) (time.Duration, bool) {
	task, receipt := vg.Status.Task, vg.Status.Callback
	if task == nil || receipt == nil || task.CompletedAt == nil || receipt.Attempt != task.Attempt {
		return 0, false
	}
	return max(task.CompletedAt.Sub(receipt.ReceivedAt.Time), 0), true
}

// readLogs looks for secrets and crashes in what the managers have logged.
func (w *world) readLogs(e *evidence) error {
	attempts := map[string]bool{}
	for _, task := range e.tasks {
		attempts[task.Attempt] = true
	}
	for _, r := range w.replicas {
		name := r.name + ".log"
		log, err := os.Open(filepath.Join(w.dir, name))
		if err != nil {
			return err
		}
		leaks, crashes, err := searchLog(name, log, attempts)
		if err := errors.Join(err, log.Close()); err != nil {
			return fmt.Errorf("reading %s: %w", name, err)
		}
		e.leaks, e.trouble = append(e.leaks, leaks...), append(e.trouble, crashes...)
	}
	return nil
}
