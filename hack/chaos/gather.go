// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/credits"
)

// gather collects what the oracle judges by, and the figures.
func (w *world) gather(ctx context.Context, r *figures) (evidence, error) {
	e := evidence{
		videos: w.load.made, gone: w.load.gone, again: w.load.again, regressions: w.watcher.left(), silent: w.silent,
		resources: map[types.NamespacedName]*v1alpha1.VideoGeneration{}, events: map[types.UID]map[string]bool{},
		answers: map[string][]int{}, muted: map[string]bool{}, fullest: map[string]int{}, files: map[string]string{},
		arrivals: w.gates.arrivals(), picture: w.picture, books: w.watcher.books.all(), budgets: map[string]credits.Amount{},
		storing: map[types.NamespacedName]bool{}, lives: w.fleet.lives(), outages: w.trouble.outages, trouble: w.trouble.shortfalls(w.duration),
	}
	r.answers = map[int]int{}
	for _, err := range w.trouble.failed {
		e.trouble = append(e.trouble, err.Error())
	}
	e.trouble = append(e.trouble, w.watcher.books.unreadable()...)
	for i := range w.namespaces {
		if err := w.readNamespace(ctx, namespaceName(i), &e); err != nil {
			return e, err
		}
	}
	e.writers, e.departed, e.turns = w.watcher.noted()
	for _, a := range w.accounts {
		a.gather(&e, r)
	}
	var err error
	if e.stored, err = w.buckets.contents(ctx); err != nil {
		return e, err
	}
	for _, vg := range e.resources {
		if took, ok := followed(vg); ok {
			r.followed = append(r.followed, took)
		}
	}
	r.resources, r.deleted, r.tasks, r.upgrades = len(e.videos), len(e.gone), len(e.tasks), len(e.upgrades)
	r.counts, r.twoLeaders, r.leaders = w.trouble.counts, w.trouble.twoLeaders, w.trouble.leaders
	r.ends = map[end]int{}
	for _, life := range e.lives {
		r.ends[life.how]++
	}
	return e, nil
}

// readNamespace reads the resources of a namespace and the Events about them.
func (w *world) readNamespace(ctx context.Context, namespace string, e *evidence) error {
	var list v1alpha1.VideoGenerationList
	if err := w.users.List(ctx, &list, client.InNamespace(namespace)); err != nil {
		return fmt.Errorf("listing the VideoGenerations: %w", err)
	}
	for i := range list.Items {
		w.watcher.noteWriter(&list.Items[i])
		e.resources[client.ObjectKeyFromObject(&list.Items[i])] = &list.Items[i]
	}
	for next := ""; ; {
		var page eventsv1.EventList
		if err := w.users.List(ctx, &page, client.InNamespace(namespace), client.Limit(2000), client.Continue(next)); err != nil {
			return fmt.Errorf("listing the Events: %w", err)
		}
		for i := range page.Items {
			about := page.Items[i].Regarding.UID
			if e.events[about] == nil {
				e.events[about] = map[string]bool{}
			}
			e.events[about][page.Items[i].Reason] = true
		}
		if next = page.Continue; next == "" {
			return nil
		}
	}
}

// gather adds what the KIE.AI of an account has to say.
func (a *account) gather(e *evidence, r *figures) {
	state := a.sim.State()
	for _, task := range state.Tasks {
		e.tasks = append(e.tasks, bought{task, a.name})
		e.answers[task.Attempt], e.muted[task.Attempt] = a.receivers.answersTo(task.Attempt), a.receivers.isMuted(task.Attempt)
		for _, status := range e.answers[task.Attempt] {
			r.answers[status]++
		}
		for _, image := range e.arrivals[task.Attempt].images {
			_, e.files[image], _ = a.sim.FileOf(image)
		}
	}
	for _, upgrade := range state.Upgrades {
		e.upgrades = append(e.upgrades, upgraded{upgrade, a.name})
	}
	e.budgets[a.name] = a.budget
	e.fullest[a.name] = state.MaxInWindow.Submissions
	r.fullest = max(r.fullest, state.MaxInWindow.Submissions)
	r.sent += state.Callbacks.Sent
	r.acknowledged += state.Callbacks.Acknowledged
	r.refused429 += state.Refused429
	if a.sort.stores() {
		e.storing[a.key()] = true
		for _, vg := range e.resources {
			a.gatherFiles(vg, e)
		}
		for _, vg := range e.departed {
			a.gatherFiles(vg, e)
		}
	}
}

// gatherFiles adds what KIE.AI serves as the videos of a resource.
func (a *account) gatherFiles(vg *v1alpha1.VideoGeneration, e *evidence) {
	if vg.Status.Account.Key() != a.key() {
		return
	}
	for _, made := range vg.Status.Videos {
		for _, url := range []string{made.URL, made.OriginURL} {
			if _, sum, ok := a.sim.FileOf(url); ok {
				e.files[url] = sum
			}
		}
	}
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
	for _, life := range e.lives {
		name := life.name + ".log"
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
