// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	accountctl "github.com/kie-operator/kie-operator/controllers/account"
	"github.com/kie-operator/kie-operator/internal/credits"
)

// soonLooked is how soon a resource is looked at of which nobody says that it was forgotten.
const soonLooked = 10 * time.Minute

// forgotten lists what could go on and is not looked at: a look that nobody asked
// for changes it.
func (w *world) forgotten() (found []string) {
	w.t.Helper()
	w.sync()
	for _, name := range w.videoNames() {
		for i, q := range []*queue{w.proc.queue, w.proc.storageQueue, w.proc.releaseQueue} {
			if at, asked := q.when(name); asked && at.Before(w.clock.Now().Add(soonLooked)) {
				continue
			}
			before, said := w.written.all(), w.readyText(name.Name)
			w.reconcileWith(q, name)
			w.sync()
			if key := "vg/" + name.Name; before[key] != w.written.all()[key] {
				found = append(found, fmt.Sprintf("%s could go on and was not looked at by %s: from %s to %s",
					name.Name, []string{"the VideoGenerationReconciler", "the StorageReconciler", "the ReleaseReconciler"}[i], said, w.readyText(name.Name)))
			}
		}
	}
	return found
}

// when says when a name is to be looked at, if it is.
func (q *queue) when(name types.NamespacedName) (at time.Time, asked bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	at, asked = q.next[name]
	return at, asked
}

// videoNames are the VideoGenerations that there are.
func (w *world) videoNames() (names []types.NamespacedName) {
	for key := range w.written.all() {
		if name, ok := strings.CutPrefix(key, "vg/"); ok {
			names = append(names, types.NamespacedName{Namespace: w.namespace, Name: name})
		}
	}
	return inOrder(names)
}

// readyText is the Ready condition of a VideoGeneration in a few words.
func (w *world) readyText(name string) string {
	if w.isGone(name) {
		return "gone"
	}
	ready := meta.FindStatusCondition(w.get(name).Status.Conditions, v1alpha1.ConditionReady)
	if ready == nil {
		return "nothing"
	}
	return fmt.Sprintf("%s/%s (%s)", ready.Status, ready.Reason, ready.Message)
}

// silence says what is missing where a resource that has not come to an end for an
// hour tells why: a condition that is no progress, and an Event. Empty means that
// nothing is. unwritable says that no status can be written, so that the Event has
// to do.
func (w *world) silence(name string, unwritable bool) string {
	if w.isGone(name) {
		return ""
	}
	vg := w.get(name)
	ready := meta.FindStatusCondition(vg.Status.Conditions, v1alpha1.ConditionReady)
	if unwritable {
		if !slices.ContainsFunc(w.events, func(e string) bool { return strings.HasPrefix(e, "Warning ") }) {
			return fmt.Sprintf("%s cannot be written to, and no Warning says so", name)
		}
		return ""
	}
	switch {
	case ready == nil:
		return name + " has no Ready condition"
	case ready.Status != metav1.ConditionUnknown || ready.Reason == v1alpha1.ReasonSuspended:
		return ""
	}
	if waitsInTurn(ready.Reason) {
		if !slices.ContainsFunc(w.events, func(e string) bool { return strings.Contains(e, " "+ready.Reason+" ") }) {
			return fmt.Sprintf("%s waits, and no Event says %s", name, w.readyText(name))
		}
		return ""
	}
	if problem := w.unexplained(vg); problem != "" {
		return problem
	}
	if !w.warned(ready.Reason) {
		return fmt.Sprintf("%s does not go on, and no Warning says %s", name, w.readyText(name))
	}
	return ""
}

// unexplained is silence without the Events.
func (w *world) unexplained(vg *v1alpha1.VideoGeneration) string {
	ready := meta.FindStatusCondition(vg.Status.Conditions, v1alpha1.ConditionReady)
	reconciling := meta.FindStatusCondition(vg.Status.Conditions, v1alpha1.ConditionReconciling)
	switch {
	case ready == nil:
		return vg.Name + " has no Ready condition"
	case ready.Status != metav1.ConditionUnknown, ready.Reason == v1alpha1.ReasonSuspended, waitsInTurn(ready.Reason):
		return ""
	case reconciling == nil || reconciling.Reason != v1alpha1.ReasonProgressingWithRetry:
		return fmt.Sprintf("%s does not go on, and says %s as if it did", vg.Name, w.readyText(vg.Name))
	default:
		return ""
	}
}

// waitsInTurn reports whether a reason is that others come first, which is no trouble.
func waitsInTurn(reason string) bool {
	return reason == v1alpha1.ReasonWaitingForSource || reason == v1alpha1.ReasonQueued
}

// warned reports whether a Warning with a reason was sent.
func (w *world) warned(reason string) bool {
	return slices.ContainsFunc(w.events, func(e string) bool { return strings.HasPrefix(e, "Warning "+reason+" ") })
}

// unbooked says what was paid for and is not in the books of the accounts. Empty
// means that everything is.
func (w *world) unbooked() string {
	var paid credits.Amount
	pay := func(price float64) {
		amount, ok := credits.FromFloat(price)
		if !ok {
			w.t.Fatalf("%v is no price", price)
		}
		paid = paid.Plus(amount)
	}
	for _, task := range w.sim.State().Tasks {
		pay(task.Credits)
	}
	for _, upgrade := range w.sim.State().Upgrades {
		pay(upgrade.Credits)
	}
	if booked := w.written.booked(); booked.Less(paid) {
		return fmt.Sprintf("%s credits were paid, and the books say %s", paid, booked)
	}
	return ""
}

// assertBooked gives the accounts time to write their books, and compares them
// with what was paid.
func (w *world) assertBooked() {
	w.t.Helper()
	for range 3 { // the account writes what it remembers when it is looked at
		w.pass(accountctl.BalanceEvery)
	}
	if problem := w.unbooked(); problem != "" {
		w.t.Error(problem)
	}
}
